import * as z from 'zod';
import { type FlavorData, Provider, Topology } from './flavorprofile.ts';
import { type API_VERSION, Condition, cel, mapList, type ObjectMeta, ObjectName } from './meta.ts';

export const FlavorSpec = z.object({
  enabled: z.boolean().default(true).meta({
    description: 'Whether load balancers may enter this flavor. It never affects those that run with it already.',
  }),
  description: z.string().max(255).optional(),
  flavorProfile: ObjectName.meta({
    description: 'Name of the FlavorProfile; immutable.',
    ...cel({
      rule: 'self == oldSelf',
      message: 'flavorProfile is immutable: create a flavor of another name for the other profile',
    }),
  }),
});
export type FlavorSpec = z.infer<typeof FlavorSpec>;

/** Copied from the profile by the operator, so that admission policies can see them. */
export const FlavorStatus = z.object({
  observedGeneration: z.int().optional(),
  provider: Provider.optional(),
  loadbalancerTopology: Topology.optional(),
  conditions: z.array(Condition).max(8).optional().meta(mapList('type')),
});
export type FlavorStatus = z.infer<typeof FlavorStatus>;

/** A size of load balancer that users can ask for; its name is the flavor id. */
export interface Flavor {
  apiVersion: typeof API_VERSION;
  kind: 'Flavor';
  metadata: ObjectMeta;
  spec: FlavorSpec;
  status?: FlavorStatus;
}

/** A flavor with its profile's data, as an amphora of it carries them. */
export interface ResolvedFlavor {
  id: string;
  enabled: boolean;
  provider: string;
  data: FlavorData;
}
