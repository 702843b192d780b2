import type { FlavorData, LoadBalancer } from '../../api/index.ts';
import { amphoraeOf, type Caches } from '../caches.ts';
import { lookupFlavor } from '../parse.ts';

/** The data of the flavor in force: those that its amphorae carry, which stay when the Flavor is gone or made anew; else the Flavor's. */
export function flavorDataOf(
  caches: Pick<Caches, 'amphorae' | 'flavors' | 'flavorProfiles'>,
  { metadata, status }: LoadBalancer,
): FlavorData | undefined {
  const id = status?.flavorId;
  if (id === undefined) return undefined;
  const own = amphoraeOf(caches, metadata).find(({ spec }) => spec.flavorId === id);
  if (own) return own.spec.flavorData;
  const found = lookupFlavor(caches, id);
  return 'flavor' in found ? found.flavor.data : undefined;
}
