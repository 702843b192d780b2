import { type ConditionClaim, type FlavorStatus, mergeConditions } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Caches } from '../caches.ts';
import { lookupFlavor } from '../parse.ts';
import { flavors } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile } from '../runtime/controller.ts';
import { isSame } from '../same.ts';
import { writeStatus } from '../write-status.ts';

/**
 * Copies a profile's provider and topology into the flavor's status: admission policies see one object, and users, who may not read
 * profiles, see what they would get.
 */
export function flavorReconciler({ client, caches, clock }: { client: KubeClient; caches: Caches; clock: Clock }): Reconcile {
  return async (key, { signal }) => {
    const flavor = caches.flavors.get(key);
    if (!flavor || flavor.metadata.deletionTimestamp) return;
    const found = lookupFlavor(caches, key);
    const claim: ConditionClaim =
      'flavor' in found
        ? {
            type: 'Ready',
            status: 'True',
            reason: 'AsSpecified',
            message: `Profile ${flavor.spec.flavorProfile} of provider ${found.flavor.provider}.`,
          }
        : { type: 'Ready', status: 'False', reason: found.refused, message: found.message };
    const status: FlavorStatus = {
      observedGeneration: flavor.metadata.generation,
      ...('flavor' in found ? { provider: found.flavor.provider, loadbalancerTopology: found.flavor.data.loadbalancerTopology } : {}),
      conditions: mergeConditions(flavor.status?.conditions, [claim], flavor.metadata.generation, clock.now()),
    };
    if (isSame(status, flavor.status ?? {})) return;
    await writeStatus(client, flavors, flavor, status, { fieldManager: 'reflavor-flavor', signal });
  };
}
