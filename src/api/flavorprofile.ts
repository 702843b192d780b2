import * as z from 'zod';
import { type API_VERSION, atomicList, cel, type ObjectMeta } from './meta.ts';

/** Octavia's topologies: one amphora, or an active one with a standby. */
export const Topology = z.enum(['SINGLE', 'ACTIVE_STANDBY']);
export type Topology = z.infer<typeof Topology>;

/** The providers that a flavor profile can name; `amphora` is the one that this operator runs. */
export const Provider = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

const Quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/);

const Toleration = z.object({
  key: z.string().max(317).optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().max(63).optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

/** What an amphora of the flavor is given to run on; the `process` driver has no use for it. */
export const Compute = z.object({
  cpu: Quantity.optional().meta({ description: 'CPU limit of an amphora, a Kubernetes quantity (500m, 2).' }),
  memory: Quantity.optional().meta({ description: 'Memory limit of an amphora, a Kubernetes quantity (256Mi).' }),
  nodeSelector: z
    .record(z.string().max(317), z.string().max(63))
    .optional()
    .meta({ maxProperties: 32, description: 'Labels that a node must have.' }),
  tolerations: z
    .array(Toleration)
    .max(32)
    .optional()
    .meta({ ...atomicList, description: 'Taints that the amphora tolerates.' }),
  topologyKey: z
    .string()
    .max(317)
    .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
    .optional()
    .meta({
      description:
        'Label of nodes by which the two amphorae of a pair are kept apart where that can be (topology.kubernetes.io/zone); kubernetes.io/hostname where unset.',
    }),
});

export type Compute = z.infer<typeof Compute>;

/** Tag of an image (OCI distribution, "Pulling manifests"). */
export const ImageTag = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);

/** The data of a flavor, Octavia's `flavor_data`. */
export const FlavorData = z.object({
  loadbalancerTopology: Topology.default('SINGLE').meta({
    description: 'SINGLE: one amphora. ACTIVE_STANDBY: two, the second takes over.',
  }),
  ampImageTag: ImageTag.optional().meta({ description: 'Tag of the amphora image; the operator’s default where unset.' }),
  compute: Compute.optional(),
  threads: z.int().min(1).max(64).default(1).meta({ description: 'HAProxy threads (nbthread).' }),
  maxConnections: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2000)
    .meta({ description: 'Connections that an amphora serves at once; more wait in the queue of the kernel.' }),
});
export type FlavorData = z.infer<typeof FlavorData>;

export const FlavorProfileSpec = z
  .object({
    provider: Provider.default('amphora').meta({ description: 'The provider that flavors of this profile belong to.' }),
    flavorData: FlavorData.default({ loadbalancerTopology: 'SINGLE', threads: 1, maxConnections: 2000 }),
  })
  .meta(
    cel({
      rule: 'self == oldSelf',
      message:
        'a flavor profile is immutable, since load balancers run with it: create another profile and a flavor that names it, then set flavorId of the load balancers to that flavor',
    }),
  );
export type FlavorProfileSpec = z.infer<typeof FlavorProfileSpec>;

/** Provider and data of flavors, written by admins; the part that ordinary users don't see. */
export interface FlavorProfile {
  apiVersion: typeof API_VERSION;
  kind: 'FlavorProfile';
  metadata: ObjectMeta;
  spec: FlavorProfileSpec;
}
