import type { Condition } from './meta.ts';
import type { Reason } from './reasons.ts';

/** What a controller says of one condition; the transition time follows from what was said before. */
export interface ConditionClaim {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: Reason | (string & {});
  message: string;
}

/**
 * Merges claims into conditions. `lastTransitionTime` changes with the status alone (API conventions), and types not claimed go
 * away: Reconciling and Stalled are there only while True.
 *
 * @param now milliseconds since the epoch
 */
export function mergeConditions(
  before: Condition[] | undefined,
  claims: ConditionClaim[],
  observedGeneration: number | undefined,
  now: number,
): Condition[] {
  return claims.map((claim) => {
    const old = before?.find((c) => c.type === claim.type);
    const lastTransitionTime = old && old.status === claim.status ? old.lastTransitionTime : rfc3339(now);
    return { ...claim, message: claim.message.slice(0, 4096), observedGeneration, lastTransitionTime };
  });
}

/** The condition of a type, if it is there. */
export const conditionOf = (conditions: Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((c) => c.type === type);

/** Whether the condition of a type is there and True. */
export const isTrue = (conditions: Condition[] | undefined, type: string): boolean => conditionOf(conditions, type)?.status === 'True';

/** Milliseconds since the epoch as metav1.Time prints them: RFC 3339, whole seconds, UTC. */
export const rfc3339 = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The same with milliseconds, for times that settle and drain are reckoned from. */
export const rfc3339Precise = (ms: number): string => new Date(ms).toISOString();

/** Milliseconds since the epoch of an RFC 3339 time; undefined for none. */
export const epoch = <T extends string | undefined>(time: T): T extends string ? number : number | undefined =>
  (time === undefined ? undefined : Date.parse(time)) as never;
