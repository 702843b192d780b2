import { conditionOf, epoch, GOALS, type Operation, type OperationResult, rfc3339 } from '../../api/index.ts';
import { isDisrupted, isLost, isReady, lossOf, serves } from '../amphora/view.ts';
import { refusalOf } from './accept.ts';
import type { Act } from './acts.ts';
import type { Plan } from './decision.ts';
import { type Flow, firstUnmet, flowOf, names, steer, topologyOf, type Unmet, unconfigured } from './goals.ts';
import { advanced, type Book, bookOf, isOverdue } from './operation.ts';
import { listensOnVip } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

/** An operation at hand, forwards: turned round if its flavor is no longer wanted, it failed or is overdue; else the next goal. */
export function goOn(world: World, operation: Operation): Plan {
  const book = bookOf(world.loadBalancer);
  const flow = flowOf(world, operation, topologyOf(world, operation));
  const turn = unwanted(flow);
  if (turn) return turned(book, operation, turn.result, turn.reason, turn.message);

  const stranded = withoutService(flow);
  if (stranded) return turned(book, operation, 'Failed', 'AmphoraLost', stranded);
  const lost = flow.fresh.filter((v) => isLost(v.object));
  const moved = lost.length > 0 ? afterLoss(flow, lost) : beforeDisruption(flow);
  const { index, unmet } = moved ? { index: GOALS.indexOf('Built'), unmet: moved } : firstUnmet(flow);
  if (unmet?.failure) return turned(book, operation, 'Failed', unmet.failure.reason, unmet.failure.message);
  const { strategy } = world.loadBalancer.spec;
  const next = advanced(operation, strategy, index, world.now, unmet?.message, unmet?.paused ?? false);
  if (!unmet) return committed(flow, next);
  if (isOverdue(next, strategy, world.visitedSince, world.now)) {
    const message = `Nothing came nearer for ${strategy.progressDeadlineSeconds} s (progressDeadlineSeconds) at ${next.step}: ${unmet.message}`;
    return turned(book, operation, 'Failed', unmet.reason ?? 'DeadlineExceeded', message);
  }
  const acts = [...(unmet.acts ?? []), ...rescue(flow)];
  return {
    acts,
    book: { ...book, operation: next },
    verdict: { phase: 'Operating', reason: unmet.reason ?? 'OperationInProgress', message: unmet.message, stalled: unmet.paused },
    requeueAfterMs: Math.max(50, unmet.waitMs ?? 5000),
  };
}

/** Whether the spec no longer asks for what the operation builds. */
function unwanted(flow: Flow): { result: OperationResult; reason: string; message: string } | undefined {
  const { world, operation } = flow;
  const wanted = world.wantedFlavorId;
  const inForce = world.loadBalancer.status?.flavorId;
  if (wanted === undefined || wanted === operation.to) return undefined;
  const message = `flavor ${wanted} was asked for instead of ${operation.to}.`;
  const superseded = { result: 'Superseded', reason: 'ResizeSuperseded', message } as const;
  if (operation.kind === 'Resize') {
    if (wanted === inForce) return { result: 'Cancelled', reason: 'ResizeCancelled', message: `flavorId was set back to ${inForce}.` };
    return superseded;
  }
  // A create or failover whose amphorae take traffic already is nearly over; ending it would cut them.
  if (flow.fresh.some((v) => v.object.spec.steering === 'Attached')) return undefined;
  if (wanted === world.loadBalancer.status?.failedFlavorId || refusalOf(world, wanted)) return undefined;
  return superseded;
}

/** New amphorae were lost: the old ones take the traffic again if they had given it up, and the lost ones are built anew. */
function afterLoss(flow: Flow, lost: AmphoraView[]): Unmet {
  const { object } = lost[0]!;
  const why = lossOf(object)?.message ?? 'it was deleted.';
  const message = `Amphora ${object.metadata.name} was lost: ${why}`;
  // One that never got as far as the VIP will fare no better the next time, unless it is its place that was lost.
  const hopeless = lost.some(
    ({ object: o }) => o.spec.steering === 'Detached' && !o.metadata.deletionTimestamp && !DISPLACED.has(lossOf(o)?.reason ?? ''),
  );
  if (hopeless) return { message, failure: { reason: 'AmphoraBootFailed', message } };
  const back = steer(
    flow.old.filter((v) => v.object.spec.steering === 'Detached' && !isLost(v.object)),
    'Attached',
  );
  const others = flow.world.amphorae.some((v) => !lost.includes(v) && serves(v.object));
  // The only one that serves, though somebody has deleted it, serves on until there is another; without one in force there is nothing to lose.
  const free = lost.filter((v) => others || !serves(v.object) || flow.world.loadBalancer.status?.flavorId === undefined);
  return { message, acts: [...back, ...steer(free, 'Draining')], waitMs: 1000 };
}

/** Reasons of a loss that say nothing of the amphora itself: built anew it gets another place. */
const DISPLACED = new Set(['Evicted', 'NodeGone', 'NodeNotReady', 'PodDeleted', 'Unschedulable']);

/** New amphorae that are to leave their place before they have got as far as the VIP are built anew in another; with nothing in force they serve first. */
function beforeDisruption({ fresh, world }: Flow): Unmet | undefined {
  const leaving = fresh.filter((v) => v.object.spec.steering === 'Detached' && isDisrupted(v.object));
  if (leaving.length === 0 || world.loadBalancer.status?.flavorId === undefined) return undefined;
  const why = conditionOf(leaving[0]!.object.status?.conditions, 'DisruptionTarget')!.message;
  return { message: `Building ${names(leaving)} anew in another place: ${why}`, acts: steer(leaving, 'Draining'), waitMs: 1000 };
}

/** How long nothing may serve before the flavor in force is rebuilt rather than the new one waited for; milliseconds. */
const STRANDED_MS = 30_000;

/** Why a resize is ended: the old amphorae were lost in the middle of it, and the new ones don't get ready to take the traffic. */
function withoutService({ world, operation, old, kept, fresh }: Flow): string | undefined {
  if (
    operation.kind !== 'Resize' ||
    old.length === 0 ||
    [...old, ...kept, ...fresh].some((v) => isReady(v.object) && v.object.spec.steering === 'Attached')
  )
    return undefined;
  const losses = old.map((v) => lossOf(v.object));
  const since = losses.map((loss) => epoch(loss?.lastTransitionTime));
  if (since.some((at) => at === undefined || world.now - at < STRANDED_MS)) return undefined;
  return `The amphorae of flavor ${operation.from} were lost (${losses[0]!.message}) and those of ${operation.to} did not get ready within ${STRANDED_MS / 1000} s, so that nothing serves: flavor ${operation.from} is rebuilt first.`;
}

/**
 * Nothing serves although something could: the flavor in force first, else the new ones as soon as they are configured. And old ones that
 * were taken out come back when the new ones stop serving before they have proved themselves.
 */
function rescue(flow: Flow): Act[] {
  const { world } = flow;
  if (world.loadBalancer.status?.flavorId === undefined) return [];
  if (world.amphorae.some((v) => serves(v.object))) {
    const unfit = flow.fresh.some((v) => !isReady(v.object)) || flow.fresh.length < flow.slots.length;
    return unfit
      ? steer(
          flow.old.filter((v) => v.object.spec.steering === 'Detached' && isReady(v.object) && listensOnVip(world, v)),
          'Attached',
        )
      : [];
  }
  const ready = (v: AmphoraView) => isReady(v.object) && v.object.spec.steering === 'Detached';
  const old = [...flow.old, ...flow.kept].filter(ready);
  return steer(old.length > 0 ? old : flow.fresh.filter((v) => ready(v) && !unconfigured(v)), 'Attached');
}

/** The operation is to go back; the book says so before anything is done about it. */
function turned(book: Book, operation: Operation, result: OperationResult, reason: string, message: string): Plan {
  const next = { ...operation, result, reason, message: message.slice(0, 2048), pausedAt: undefined };
  return {
    acts: [],
    book: { ...book, operation: next },
    verdict: { phase: 'GoingBack', reason: 'OperationInProgress', message },
    requeueAfterMs: 0,
  };
}

/** The last goal: the flavor is written. */
function committed(flow: Flow, operation: Operation): Plan {
  const { world } = flow;
  const book = bookOf(world.loadBalancer);
  const message =
    operation.kind === 'Failover' ? `Failed over onto new amphorae of flavor ${operation.to}.` : `Flavor ${operation.to} is in force.`;
  const goals = [...(operation.goals ?? []), { name: 'Committed' as const, metAt: rfc3339(world.now) }];
  return {
    acts: [],
    isDecisive: true,
    book: {
      ...book,
      flavorId: operation.to,
      topology: topologyOf(world, operation),
      operation: {
        ...operation,
        goals,
        step: 'Committed',
        progress: `${goals.length}/${goals.length}`,
        deadline: undefined,
        message,
        result: 'Succeeded',
        reason: operation.reason ?? 'AsSpecified',
        finishedAt: rfc3339(world.now),
      },
    },
    verdict: { phase: 'Operating', reason: 'OperationInProgress', message },
    requeueAfterMs: 0,
  };
}
