import type { z } from 'zod';
import {
  AmphoraSpec,
  AmphoraStatus,
  FlavorProfileSpec,
  FlavorSpec,
  FlavorStatus,
  LoadBalancerSpec,
  LoadBalancerStatus,
} from '../../src/api/index.ts';
import { amphorae, flavorProfiles, flavors, loadBalancers } from '../../src/controller/resources.ts';
import type { Resource } from '../../src/kube/types.ts';

/** What a CustomResourceDefinition says of a kind: its schemas, and with a schema of the status its subresource. */
export interface Kind {
  spec: z.ZodType;
  status?: z.ZodType;
}

export const nameOf = ({ group, plural }: Resource): string => `${plural}.${group}`;

/** The project's own kinds; others are kept as they are written. */
export const KINDS: ReadonlyMap<string, Kind> = new Map([
  [nameOf(loadBalancers), { spec: LoadBalancerSpec, status: LoadBalancerStatus }],
  [nameOf(amphorae), { spec: AmphoraSpec, status: AmphoraStatus }],
  [nameOf(flavors), { spec: FlavorSpec, status: FlavorStatus }],
  [nameOf(flavorProfiles), { spec: FlavorProfileSpec }],
]);
