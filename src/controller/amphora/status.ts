import { type Amphora, type AmphoraStatus, type ConditionClaim, mergeConditions, rfc3339Precise } from '../../api/index.ts';
import type { AmphoraObservation } from '../../provider/amphora/driver.ts';
import { isSame } from '../same.ts';
import { isAttached, quietFor } from './view.ts';

/** What a visit to an amphora met with beside what it saw. */
export interface Trouble {
  reason: string;
  message: string;
}

/**
 * The status of an amphora: facts that the driver saw, and since when.
 *
 * @param wanted what it should have loaded; undefined when that isn't known, as with a load balancer that is gone
 */
export function amphoraStatus(
  amphora: Amphora,
  seen: AmphoraObservation,
  wanted: { hash: string; revision: string } | undefined,
  trouble: Trouble | undefined,
  drained: boolean,
  now: number,
): AmphoraStatus {
  const before = amphora.status ?? {};
  const steered = (before.attached ?? false) !== seen.attached;
  const grown = before.connections === undefined || before.connections.total !== seen.connections.total || seen.attached;
  return {
    observedGeneration: amphora.metadata.generation ?? 0,
    address: seen.address,
    haproxyVersion: seen.haproxyVersion,
    startedAt: seen.startedAt ? rfc3339Precise(seen.startedAt.getTime()) : before.startedAt,
    attached: seen.attached,
    standby: seen.standby,
    steeredAt: steered ? rfc3339Precise(now) : before.steeredAt,
    configurationHash: seen.configurationHash,
    membersRevision: seen.membersRevision,
    listeners: seen.listeners,
    unhealthyMembers: seen.members.filter((m) => m.status !== 'ONLINE' && m.status !== 'NO_MONITOR').slice(0, MOST_MEMBERS),
    // Each reload has some for a moment, which nobody waits for once it takes traffic.
    uncheckedMembers: amphora.spec.steering === 'Attached' || seen.uncheckedMembers === 0 ? undefined : seen.uncheckedMembers,
    stickTablesSynced: seen.stickTablesSynced,
    connections: {
      ...seen.connections,
      quietSince: grown ? rfc3339Precise(now) : before.connections!.quietSince,
      observedAt: rfc3339Precise(now),
    },
    statistics: seen.statistics.length > 0 ? seen.statistics : before.statistics,
    drainStartedAt: drained ? (before.drainStartedAt ?? rfc3339Precise(now)) : undefined,
    conditions: mergeConditions(before.conditions, claims(seen, wanted, trouble), amphora.metadata.generation, now),
  };
}

/**
 * The status of an amphora that the operator can't ask how it is: what it was last seen to be stays, since that says nothing of how it fares, and the
 * conditions say why nobody knows better.
 */
export function unseenStatus({ metadata, status = {} }: Amphora, trouble: Trouble, now: number): AmphoraStatus {
  const unseen = { status: 'False' as const, ...trouble };
  const kept = (status.conditions ?? []).filter(({ type }) => type !== 'Configured');
  const told = kept.length > 0 ? kept : [{ type: 'Ready', ...unseen }];
  const claimed = [
    ...told.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    { type: 'Configured', ...unseen },
  ];
  return {
    ...status,
    observedGeneration: metadata.generation ?? 0,
    conditions: mergeConditions(status.conditions, claimed, metadata.generation, now),
  };
}

/** Whether its HAProxy was started anew since the status was written. */
export const hasRestarted = ({ status }: Amphora, { startedAt }: AmphoraStatus): boolean =>
  status?.startedAt !== undefined && startedAt !== undefined && Date.parse(startedAt) > Date.parse(status.startedAt);

function claims(
  seen: AmphoraObservation,
  wanted: { hash: string; revision: string } | undefined,
  trouble: Trouble | undefined,
): ConditionClaim[] {
  const version = seen.haproxyVersion ? ` ${seen.haproxyVersion}` : '';
  const cause = seen.problem ?? trouble;
  const loaded = seen.running && wanted !== undefined && seen.configurationHash === wanted.hash && seen.membersRevision === wanted.revision;
  const isConfigured = loaded && !(seen.renewalDue && trouble);
  // Not one of loading, then; `Configured` tells those.
  const other = isConfigured ? trouble : undefined;
  const runs = `HAProxy${version} runs at ${seen.address}.`;
  const ready: ConditionClaim = seen.running
    ? { type: 'Ready', status: 'True', reason: other?.reason ?? 'Running', message: other ? `${runs} ${other.message}` : runs }
    : { type: 'Ready', status: 'False', reason: cause?.reason ?? 'Starting', message: cause?.message ?? 'HAProxy is not running yet.' };
  const configured: ConditionClaim = isConfigured
    ? { type: 'Configured', status: 'True', reason: 'Loaded', message: 'The present configuration and members are loaded.' }
    : {
        type: 'Configured',
        status: 'False',
        reason: trouble && seen.running ? trouble.reason : 'Loading',
        message:
          trouble && seen.running ? `${trouble.message} What was loaded before serves on.` : 'The present configuration is not loaded yet.',
      };
  const lost: ConditionClaim = seen.lost
    ? {
        type: 'Lost',
        status: 'True',
        reason: seen.problem?.reason ?? 'AmphoraLost',
        message: seen.problem?.message ?? 'It is gone beyond restart.',
      }
    : { type: 'Lost', status: 'False', reason: 'Present', message: 'The amphora is there.' };
  const disrupted: ConditionClaim[] = seen.disruption ? [{ type: 'DisruptionTarget', status: 'True', ...seen.disruption }] : [];
  return [ready, configured, lost, ...disrupted];
}

/** What the schema has room for. */
const MOST_MEMBERS = 4096;

/**
 * How long counters that are news may wait to be written although nothing else changed; milliseconds. Briefly while something waits for
 * them; but one that has been quiet, or whose connections don't end, is not written twice a second for hours.
 */
function countersWait(amphora: Amphora, next: AmphoraStatus): number {
  if (amphora.spec.steering === 'Attached') return 15_000;
  if (amphora.status?.connections?.current !== next.connections?.current) return 500;
  const quiet = Date.parse(next.connections!.observedAt) - Date.parse(next.connections!.quietSince ?? next.connections!.observedAt);
  return quiet > 60_000 ? 15_000 : 500;
}

/** Whether somebody waits to read that no new connection has come for long enough to one that was taken from behind the VIP. */
const isQuietAwaited = (amphora: Amphora, settleMs: number): boolean =>
  amphora.status?.steeredAt !== undefined && !isAttached(amphora) && (quietFor(amphora) ?? -1) < settleMs;

/** Whether a new status is worth a write: anything but counters changed, or the counters are due: they have changed, or their standing still is awaited. */
export function isWorthWriting(amphora: Amphora, next: AmphoraStatus, settleMs: number): boolean {
  const before = amphora.status;
  if (!before?.connections) return true;
  const { connections: newer, statistics: newerStatistics, ...facts } = next;
  const { connections: older, statistics: olderStatistics, ...known } = before;
  if (!isSame(facts, known)) return true;
  const counted = ({ current, total, queued }: NonNullable<AmphoraStatus['connections']>) => [current, total, queued].join();
  const same = counted(newer!) === counted(older!) && isSame(newerStatistics ?? [], olderStatistics ?? []);
  if (same && !isQuietAwaited(amphora, settleMs)) return false;
  return Date.parse(newer!.observedAt) - Date.parse(older!.observedAt) >= countersWait(amphora, next);
}
