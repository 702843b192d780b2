import { type Amphora, type Condition, conditionOf, epoch, isTrue, type Strategy } from '../../api/index.ts';

/** Questions about one amphora, answered from its object alone. Times in milliseconds. */

/** HAProxy runs and may be sent traffic. */
export const isReady = (a: Amphora): boolean => isTrue(a.status?.conditions, 'Ready');

/** Gone beyond restart, or told to go by somebody's delete. */
export const isLost = (a: Amphora): boolean => isTrue(a.status?.conditions, 'Lost') || a.metadata.deletionTimestamp !== undefined;

/** How it was lost; undefined while it is there. */
export const lossOf = (a: Amphora): Condition | undefined => {
  const lost = conditionOf(a.status?.conditions, 'Lost');
  return lost?.status === 'True' ? lost : undefined;
};

/** Soon to be taken away where it runs: another is to take its place before that. */
export const isDisrupted = (a: Amphora): boolean => isTrue(a.status?.conditions, 'DisruptionTarget') && !isLost(a);

/** It has been looked at since its spec is as it is. */
export const isObserved = (a: Amphora): boolean => (a.status?.observedGeneration ?? 0) >= (a.metadata.generation ?? 0);

/** Seen behind the VIP. */
export const isAttached = (a: Amphora): boolean => a.status?.attached === true;

/** Whether the VIP has it in its role, by its status or by what its driver sees; one that is on its way out has none there. */
export const isInRole = ({ standby }: { standby?: boolean }, role: Amphora['spec']['role']): boolean => standby === (role === 'BACKUP');

/** Takes new connections, or would at once as the standby of a pair. */
export const serves = (a: Amphora): boolean => a.spec.steering === 'Attached' && isAttached(a) && isReady(a);

/**
 * Whether the VIP may send it connections now, or soon: until it has been looked at since it was steered, nobody knows whether it is out, and one that
 * was not Ready may be again.
 */
export function mayBeReached(a: Amphora): boolean {
  if (!isObserved(a)) return isReady(a) || isAttached(a);
  return isReady(a) && (isAttached(a) || a.spec.steering === 'Attached');
}

/** On its way out: belongs neither to the flavor in force nor to the operation at hand. */
export const isDraining = (a: Amphora): boolean => a.spec.steering === 'Draining';

/** Why it is not Ready, in the words of its condition. */
export const readyCondition = (a: Amphora) => conditionOf(a.status?.conditions, 'Ready');

/** Since when no new connection has come to it while it was out of the VIP; undefined where that hasn't been seen. */
export function quietFor(a: Amphora): number | undefined {
  const { connections, steeredAt } = a.status ?? {};
  if (isAttached(a) || !connections || connections.queued) return undefined;
  const since = Math.max(epoch(connections.quietSince) ?? 0, epoch(steeredAt) ?? 0);
  return since === 0 ? undefined : Math.max(0, Date.parse(connections.observedAt) - since);
}

/**
 * Whether a draining amphora may be destroyed: out of the VIP, asked to end its connections, and either all have ended, or their time is
 * up, or nothing of it is left that could serve them.
 */
export function isDrained(
  a: Amphora,
  { drainSeconds, settleSeconds }: Pick<Strategy, 'drainSeconds' | 'settleSeconds'>,
  now: number,
): boolean {
  const { drainStartedAt, connections, steeredAt } = a.status ?? {};
  if (!isDraining(a) || isAttached(a)) return false;
  // One whose pod somebody deleted counts as lost until it is asked to drain, and then drains on in the time that its pod has.
  if (isTrue(a.status?.conditions, 'Lost')) return isObserved(a);
  if (drainStartedAt === undefined) return false;
  const ended = connections !== undefined && connections.current === 0 && !connections.queued && connections.observedAt >= drainStartedAt;
  // Whoever has not heard yet that it is out may still send to it.
  const settled = steeredAt === undefined || (quietFor(a) ?? 0) >= settleSeconds * 1000;
  return (ended && settled) || now - Date.parse(drainStartedAt) >= drainSeconds * 1000;
}
