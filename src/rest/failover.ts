import { FAILOVER_ANNOTATION, type LoadBalancer } from '../api/index.ts';
import { provisioningOf } from './octavia/index.ts';
import type { Repository } from './repository.ts';
import { invalidState, requireTaking } from './resize.ts';

/**
 * Asks the operator for a failover: every amphora of the load balancer is replaced by another of the flavor in force.
 *
 * @param token names the request to the operator: one that was never used
 * @throws OctaviaFault 409 unless it is ACTIVE or in ERROR and was ever created
 */
export async function failOver(repository: Repository, before: LoadBalancer, token: string): Promise<void> {
  await repository.change(before, (now) => {
    requireTaking(now);
    const state = provisioningOf(now);
    if (state !== 'ACTIVE' && state !== 'ERROR') throw invalidState(state, now, 'wait until it is ACTIVE.');
    if (now.status?.flavorId === undefined)
      throw invalidState(state, now, 'it has no amphorae yet. Resize it to a flavor that it can have.');
    const { metadata } = now;
    return { ...now, metadata: { ...metadata, annotations: { ...metadata.annotations, [FAILOVER_ANNOTATION]: token } } };
  });
}
