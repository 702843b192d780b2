import type { LoadBalancer } from './loadbalancer.ts';
import { FAILOVER_ANNOTATION, RETRY_ANNOTATION } from './names.ts';

/** The tokens that the request annotations carry now. */
export function requestsOf({ metadata }: Pick<LoadBalancer, 'metadata'>): { retry?: string; failover?: string } {
  const token = (key: string) => metadata.annotations?.[key]?.slice(0, 253) || undefined;
  const [retry, failover] = [token(RETRY_ANNOTATION), token(FAILOVER_ANNOTATION)];
  return { ...(retry && { retry }), ...(failover && { failover }) };
}

/**
 * Whether something was asked for that the operator has not taken up yet: its status still tells of the time before. Whoever waits for a
 * change must not take such a status for its end.
 */
export function isAwaitingOperator(loadBalancer: LoadBalancer): boolean {
  const { metadata, status } = loadBalancer;
  if (metadata.deletionTimestamp !== undefined) return status?.provisioningStatus !== 'PENDING_DELETE';
  if ((status?.observedGeneration ?? -1) !== metadata.generation) return true;
  const { retry, failover } = requestsOf(loadBalancer);
  const { handledRequests = {} } = status ?? {};
  return (retry !== undefined && retry !== handledRequests.retry) || (failover !== undefined && failover !== handledRequests.failover);
}
