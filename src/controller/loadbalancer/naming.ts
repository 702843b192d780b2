import { createHash } from 'node:crypto';
import type { Amphora, LoadBalancer, Topology } from '../../api/index.ts';

/**
 * The name of an amphora follows from the load balancer's uid and the operation's number, so that a create that is repeated after a
 * crash finds its own and two load balancers of one name never share any. At most 40 + 1 + 6 + 1 + 10 + 2 characters.
 */
export function amphoraName(loadBalancer: LoadBalancer, operation: number, slot: number): string {
  const uid = createHash('sha256').update(loadBalancer.metadata.uid!).digest('hex').slice(0, 6);
  return `${loadBalancer.metadata.name}-${uid}-${operation}-${slot}`;
}

/** One past the largest number that the status or any amphora of this uid has: a restored status can't make one be used twice. */
export function nextOperationNumber(loadBalancer: LoadBalancer, amphorae: Amphora[]): number {
  const { lastOperationNumber = 0, operation, history = [] } = loadBalancer.status ?? {};
  return (
    Math.max(lastOperationNumber, operation?.number ?? 0, ...history.map((o) => o.number), ...amphorae.map((a) => a.spec.operation)) + 1
  );
}

/** How many names the peers section has from birth. */
export const PEERS = 8;

/**
 * A peer name that no living amphora has; undefined when all are taken and draining ones must end first. Where to look first follows from the operation,
 * and a pair's slots have names of their own, even ones and odd ones: so none is given twice where the cache doesn't show an amphora yet.
 */
export function freePeer(taken: Iterable<number>, operation: number, slot: number, topology: Topology): number | undefined {
  const used = new Set(taken);
  const step = topology === 'ACTIVE_STANDBY' ? 2 : 1;
  const inOrder = Array.from({ length: PEERS / step }, (_, i) => (2 * operation + slot + step * i) % PEERS);
  return inOrder.find((peer) => !used.has(peer));
}
