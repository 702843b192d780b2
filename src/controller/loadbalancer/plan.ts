import {
  type Amphora,
  epoch,
  LOADBALANCER_FINALIZER,
  type Operation,
  type OperationResult,
  rfc3339,
  type Topology,
} from '../../api/index.ts';
import { isDrained, isDraining, isLost, isReady, serves } from '../amphora/view.ts';
import { refusalOf } from './accept.ts';
import type { Act } from './acts.ts';
import { type Flow, firstUnmet, flowOf, names, slotsOf, unconfigured } from './goals.ts';
import { advanced, type Book, bookOf, hasFailed, isOverdue, record, requestsOf, retryDelay } from './operation.ts';
import { listenerPorts, portsToServe } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

/** What the status is to say of a visit, before the wording of the conditions. */
export interface Verdict {
  phase: 'Deleting' | 'Suspended' | 'Refused' | 'Operating' | 'GoingBack' | 'Failed' | 'Pending' | 'Steady';
  reason: string;
  message: string;
}

/** What a visit comes to. When the book changes, nothing is done before that is written: `acts` is empty then. */
export interface Plan {
  acts: Act[];
  book: Book;
  verdict: Verdict;
  /** The book makes another flavor the one in force: decided, like the acts that take away, on a fresh read. */
  commits?: boolean;
  /** When to look again although nothing may have happened; milliseconds. */
  requeueAfterMs?: number;
}

/** Decides one visit. Pure: the same world gives the same plan. */
export function plan(world: World): Plan {
  const { loadBalancer: lb } = world;
  if (lb.metadata.deletionTimestamp) return deletion(world);
  if (lb.spec.suspend) return suspension(world);
  if (!lb.metadata.finalizers?.includes(LOADBALANCER_FINALIZER)) {
    return {
      acts: [{ type: 'AddFinalizer' }],
      book: bookOf(lb),
      verdict: { phase: 'Pending', reason: 'ConfigurationPending', message: 'Taking the load balancer on.' },
    };
  }
  const { operation } = bookOf(lb);
  const running = operation && !operation.finishedAt;
  const decided = running ? (operation.result ? goBack(world, operation) : goOn(world, operation)) : rest(world);
  return { ...decided, acts: [...decided.acts, ...vipPorts(world, decided.book), ...housekeeping(world)] };
}

/** Deletion: the VIP first, so that no new connection comes; then the amphorae; then the object may go. */
function deletion(world: World): Plan {
  const { loadBalancer: lb, amphorae, vip } = world;
  const acts: Act[] = [];
  if (vip) acts.push({ type: 'ReleaseVip' });
  else if (amphorae.length > 0) {
    for (const { object } of amphorae)
      if (!object.metadata.deletionTimestamp) acts.push({ type: 'DeleteAmphora', name: object.metadata.name });
  } else if (lb.metadata.finalizers?.includes(LOADBALANCER_FINALIZER)) acts.push({ type: 'RemoveFinalizer' });
  const message = vip
    ? 'Releasing the VIP.'
    : amphorae.length > 0
      ? `Waiting for ${amphorae.length} amphorae to end.`
      : 'Everything of it is gone.';
  return { acts, book: bookOf(lb), verdict: { phase: 'Deleting', reason: 'Deleting', message } };
}

/** Nothing is done; the deadline of an operation at hand stands still. */
function suspension(world: World): Plan {
  const book = bookOf(world.loadBalancer);
  const { operation } = book;
  const running = operation && !operation.finishedAt;
  const message = running
    ? `Suspended in the middle of operation ${operation.number}; what serves goes on. Set spec.suspend to false to go on with it.`
    : 'Suspended; what serves goes on. Set spec.suspend to false to let the operator act.';
  const paused = running ? { ...operation, pausedAt: operation.pausedAt ?? rfc3339(world.now) } : operation;
  return { acts: [], book: { ...book, operation: paused }, verdict: { phase: 'Suspended', reason: 'Suspended', message } };
}

/** The VIP serves the right ports at every visit, also in the middle of an operation: listeners may be edited at any time. */
function vipPorts(world: World, book: Book): Act[] {
  if (book.flavorId === undefined && !book.operation) return [];
  const ports = portsToServe(world);
  return world.vip && ports.join() === world.vip.ports.join() ? [] : [{ type: 'EnsureVip', ports }];
}

/** Amphorae that belong neither to the flavor in force nor to the operation at hand: destroyed once drained. Never holds anything up. */
function housekeeping(world: World): Act[] {
  const { drainSeconds } = world.loadBalancer.spec.strategy;
  return world.amphorae
    .map((v) => v.object)
    .filter((a) => !a.metadata.deletionTimestamp && isDrained(a, drainSeconds, world.now))
    .map((a) => ({ type: 'DeleteAmphora', name: a.metadata.name }));
}

const topologyOf = (world: World, operation: Operation): Topology => {
  const fresh = world.amphorae.find((v) => v.object.spec.operation === operation.number);
  const found = world.lookup(operation.to);
  return (
    world.loadBalancer.status?.topology ??
    fresh?.object.spec.flavorData.loadbalancerTopology ??
    ('flavor' in found ? found.flavor.data.loadbalancerTopology : 'SINGLE')
  );
};

const steer = (views: AmphoraView[], to: 'Attached' | 'Detached' | 'Draining'): Act[] =>
  views.map((v) => ({ type: 'Steer', name: v.object.metadata.name, to }));

/** An operation at hand, forwards: turned round if its flavor is no longer wanted, it failed or is overdue; else the next goal. */
function goOn(world: World, operation: Operation): Plan {
  const book = bookOf(world.loadBalancer);
  const flow = flowOf(world, operation, topologyOf(world, operation));
  const turn = unwanted(flow);
  if (turn) return turned(book, operation, turn.result, turn.reason, turn.message);

  const lost = flow.fresh.filter((v) => isLost(v.object));
  if (lost.length > 0) return afterLoss(flow, lost);

  const { index, unmet } = firstUnmet(flow);
  if (unmet?.failure) return turned(book, operation, 'Failed', unmet.failure.reason, unmet.failure.message);
  const { strategy } = world.loadBalancer.spec;
  const next = advanced(operation, strategy, index, world.now, unmet?.message, unmet?.paused ?? false);
  if (!unmet) return committed(flow, next);
  if (isOverdue(next, strategy, world.visitedSince, world.now)) {
    const message = `Nothing came nearer for ${strategy.progressDeadlineSeconds} s (progressDeadlineSeconds) at ${next.step}: ${unmet.message}`;
    return turned(book, operation, 'Failed', 'DeadlineExceeded', message);
  }
  const acts = [...(unmet.acts ?? []), ...rescue(flow)];
  return {
    acts,
    book: { ...book, operation: next },
    verdict: { phase: 'Operating', reason: 'OperationInProgress', message: unmet.message },
    requeueAfterMs: Math.max(50, unmet.waitMs ?? 5000),
  };
}

/** Whether the spec no longer asks for what the operation builds. */
function unwanted(flow: Flow): { result: OperationResult; reason: string; message: string } | undefined {
  const { world, operation } = flow;
  const wanted = world.wantedFlavorId;
  const inForce = world.loadBalancer.status?.flavorId;
  if (wanted === undefined || wanted === operation.to) return undefined;
  if (operation.kind === 'Resize') {
    if (wanted === inForce)
      return { result: 'Cancelled', reason: 'ResizeCancelled', message: `Cancelled: flavorId was set back to ${inForce}.` };
    return {
      result: 'Superseded',
      reason: 'ResizeSuperseded',
      message: `Superseded: flavor ${wanted} was asked for instead of ${operation.to}.`,
    };
  }
  // A create or failover whose amphorae take traffic already is nearly over; ending it would cut them.
  if (flow.fresh.some((v) => v.object.spec.steering === 'Attached')) return undefined;
  if (wanted === world.loadBalancer.status?.failedFlavorId || refusalOf(world, wanted)) return undefined;
  return {
    result: 'Superseded',
    reason: 'ResizeSuperseded',
    message: `Superseded: flavor ${wanted} was asked for instead of ${operation.to}.`,
  };
}

/** New amphorae were lost: the old ones take the traffic again if they had given it up, and the lost ones are built anew. */
function afterLoss(flow: Flow, lost: AmphoraView[]): Plan {
  const { world, operation } = flow;
  const condition = lost[0]!.object.status?.conditions?.find((c) => c.type === 'Lost');
  const message = `Amphora ${lost[0]!.object.metadata.name} was lost: ${condition?.message ?? 'it was deleted.'}`;
  if (condition?.reason === 'AmphoraBootFailed' || condition?.reason === 'ImageNotFound') {
    return turned(bookOf(world.loadBalancer), operation, 'Failed', condition.reason, condition.message);
  }
  const back = steer(
    flow.old.filter((v) => v.object.spec.steering === 'Detached'),
    'Attached',
  );
  const others = world.amphorae.filter((v) => !lost.includes(v));
  const free = lost.filter((v) => v.object.spec.steering !== 'Attached' || others.some((o) => serves(o.object)) || !isReady(v.object));
  const next = { ...operation, message };
  return {
    acts: [...back, ...steer(free, 'Draining')],
    book: { ...bookOf(world.loadBalancer), operation: next },
    verdict: { phase: 'Operating', reason: 'OperationInProgress', message },
    requeueAfterMs: 1000,
  };
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
          flow.old.filter((v) => v.object.spec.steering === 'Detached' && isReady(v.object)),
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
    commits: true,
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
        reason: 'AsSpecified',
        finishedAt: rfc3339(world.now),
      },
    },
    verdict: { phase: 'Operating', reason: 'OperationInProgress', message },
    requeueAfterMs: 0,
  };
}

/** An operation at hand, backwards: the old ones take the traffic again, then the new ones go, then it is over. */
function goBack(world: World, operation: Operation): Plan {
  const book = bookOf(world.loadBalancer);
  const flow = flowOf(world, operation, topologyOf(world, operation));
  const verdict: Verdict = { phase: 'GoingBack', reason: 'OperationInProgress', message: `Going back: ${operation.message ?? ''}` };
  const alive = flow.old.filter((v) => !isLost(v.object));
  const out = alive.filter((v) => v.object.spec.steering !== 'Attached');
  if (out.length > 0) return { acts: steer(out, 'Attached'), book, verdict };
  if (alive.some((v) => isReady(v.object) && !serves(v.object))) return { acts: [], book, verdict, requeueAfterMs: 1000 };
  const others = [...flow.old, ...flow.kept].some((v) => serves(v.object));
  const going = flow.fresh.filter((v) => others || !serves(v.object) || book.flavorId === undefined);
  if (going.length > 0) return { acts: steer(going, 'Draining'), book, verdict };
  const failed = operation.kind === 'Resize' && operation.result === 'Failed' ? operation.to : book.failedFlavorId;
  return {
    acts: [],
    book: { ...book, failedFlavorId: failed, operation: { ...operation, deadline: undefined, finishedAt: rfc3339(world.now) } },
    verdict,
    requeueAfterMs: 0,
  };
}

/** No operation at hand: begin one if the spec, a request or a loss asks for it; else keep what is in force as it should be. */
function rest(world: World): Plan {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  const book = bookOf(lb);
  if (book.flavorId === undefined) return adopt(world) ?? create(world);

  const requests = requestsOf(lb);
  const retry = requests.retry !== undefined && requests.retry !== book.handledRequests?.retry;
  const failover = requests.failover !== undefined && requests.failover !== book.handledRequests?.failover;
  const tried = wanted === book.failedFlavorId;
  const refusal = wanted !== book.flavorId && (!tried || retry) ? refusalOf(world, wanted!) : undefined;
  const { fit, unfit, extra, missing } = inForce(world);
  const stale = [...unfit, ...extra].filter((v) => v.object.spec.steering === 'Detached');
  if (stale.length > 0) {
    const message = `Clearing ${names(stale)}, which belongs to nothing any more.`;
    return { acts: steer(stale, 'Draining'), book, verdict: { phase: 'Pending', reason: 'ConfigurationPending', message } };
  }
  const all = [...fit, ...unfit, ...extra].map((v) => v.object.metadata.name);

  if (wanted !== book.flavorId && (!tried || retry) && !refusal) return begun(world, { kind: 'Resize', to: wanted!, replaces: all });
  if (failover) return begun(world, { kind: 'Failover', to: book.flavorId, replaces: all });

  if (missing > 0) {
    const last = book.operation;
    const delay =
      last && hasFailed(book, 'Failover', book.flavorId) && !retry
        ? (epoch(last.finishedAt) ?? 0) + retryDelay(last.attempt) - world.now
        : 0;
    if (delay <= 0) return begun(world, { kind: 'Failover', to: book.flavorId, replaces: unfit.map((v) => v.object.metadata.name) });
    const message = `The failover failed and is tried again in ${Math.ceil(delay / 1000)} s: ${last!.message}`;
    return {
      acts: [...upkeep(world, fit, extra)],
      book,
      verdict: { phase: 'Failed', reason: 'FailoverFailed', message },
      requeueAfterMs: delay,
    };
  }
  const answered: Book = {
    ...book,
    handledRequests: retry ? requests : book.handledRequests,
    failedFlavorId: tried ? book.failedFlavorId : undefined,
  };
  return {
    acts: upkeep(world, fit, extra),
    book: answered,
    verdict: verdictAtRest(world, answered, fit, refusal),
    requeueAfterMs: undefined,
  };
}

/** The status was lost but its amphorae live: the flavor of those behind the VIP is in force; those that serve first, then the one wanted. */
function adopt(world: World): Plan | undefined {
  const rank = (a: Amphora) => (serves(a) ? 2e9 : 0) + (a.spec.flavorId === world.wantedFlavorId ? 1e9 : 0) + a.spec.operation;
  const attached = world.amphorae.map((v) => v.object).filter((a) => a.spec.steering === 'Attached');
  const adopted = attached.sort((a, b) => rank(b) - rank(a))[0];
  if (!adopted) return undefined;
  const book = { ...bookOf(world.loadBalancer), flavorId: adopted.spec.flavorId, topology: adopted.spec.flavorData.loadbalancerTopology };
  const message = `Amphorae of flavor ${adopted.spec.flavorId} are behind the VIP already: taken over.`;
  return { acts: [], book, commits: true, verdict: { phase: 'Pending', reason: 'ConfigurationPending', message }, requeueAfterMs: 0 };
}

function create(world: World): Plan {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  const book = bookOf(lb);
  const refused = (reason: string, message: string): Plan => ({ acts: [], book, verdict: { phase: 'Refused', reason, message } });
  if (wanted === undefined) return refused('FlavorRequired', 'Set spec.flavorId to the name of a flavor: the operator has no default one.');
  const refusal = refusalOf(world, wanted);
  if (refusal) return refused(refusal.reason, refusal.message);
  const left = world.amphorae.filter((v) => !isDraining(v.object));
  if (left.length > 0)
    return {
      acts: steer(left, 'Draining'),
      book,
      verdict: { phase: 'Pending', reason: 'ConfigurationPending', message: 'Clearing what an earlier attempt left.' },
    };
  const { retry } = requestsOf(lb);
  const asked = retry !== undefined && retry !== book.handledRequests?.retry;
  if (hasFailed(book, 'Create', wanted) && !asked) {
    const delay = epoch(book.operation!.finishedAt)! + retryDelay(book.operation!.attempt) - world.now;
    const message = `${book.operation!.message} It is tried again by itself, or at once when the annotation reflavor.dev/retry is given a new value.`;
    if (delay > 0) return { acts: [], book, verdict: { phase: 'Failed', reason: 'CreateFailed', message }, requeueAfterMs: delay };
  }
  return begun(world, { kind: 'Create', to: wanted, replaces: [] });
}

function begun(world: World, operation: Pick<Operation, 'kind' | 'to' | 'replaces'>): Plan {
  const book = record(
    world.loadBalancer,
    world.amphorae.map((v) => v.object),
    world.now,
    operation,
  );
  const message =
    operation.kind === 'Create'
      ? `Creating with flavor ${operation.to}.`
      : operation.kind === 'Resize'
        ? `Resizing from ${book.flavorId} to ${operation.to}.`
        : `Failing over onto new amphorae of flavor ${operation.to}.`;
  return { acts: [], book, verdict: { phase: 'Operating', reason: 'OperationInProgress', message }, requeueAfterMs: 0 };
}

/** The amphorae of the flavor in force, one a slot; those that must be replaced; those that nothing needs; how many slots are empty. */
function inForce(world: World): { fit: AmphoraView[]; unfit: AmphoraView[]; extra: AmphoraView[]; missing: number } {
  const { flavorId, topology } = world.loadBalancer.status ?? {};
  const living = world.amphorae.filter((v) => !isDraining(v.object));
  const good = living.filter((v) => !isLost(v.object) && v.object.spec.flavorId === flavorId);
  const rank = (v: AmphoraView) => (v.object.spec.steering === 'Attached' ? 1e9 : 0) + v.object.spec.operation;
  const slots = slotsOf(topology ?? 'SINGLE');
  const fit = slots.flatMap((slot) =>
    good
      .filter((v) => v.object.spec.slot === slot)
      .sort((a, b) => rank(b) - rank(a))
      .slice(0, 1),
  );
  const missing = slots.length - fit.length;
  const rest = living.filter((v) => !fit.includes(v));
  return missing > 0 ? { fit, unfit: rest, extra: [], missing } : { fit, unfit: [], extra: rest, missing };
}

/** What keeps the flavor in force as it should be: attached, and what nothing needs gone. */
function upkeep(world: World, fit: AmphoraView[], extra: AmphoraView[]): Act[] {
  const acts = steer(
    fit.filter((v) => v.object.spec.steering !== 'Attached'),
    'Attached',
  );
  if (fit.some((v) => serves(v.object))) acts.push(...steer(extra, 'Draining'));
  return acts;
}

function verdictAtRest(world: World, book: Book, fit: AmphoraView[], refusal: { reason: string; message: string } | undefined): Verdict {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  if (refusal) return { phase: 'Refused', ...refusal };
  if (wanted !== book.flavorId) {
    const cause = [book.operation, ...(book.history ?? [])].find((o) => o?.kind === 'Resize' && o.to === wanted && o.result === 'Failed');
    const message = `The resize to ${wanted} failed: ${cause?.message ?? 'see status.history.'} Flavor ${book.flavorId} is in force and serves. Mend the cause and set the annotation reflavor.dev/retry to a new value, or set flavorId back to ${book.flavorId}.`;
    return { phase: 'Failed', reason: cause?.reason ?? 'ResizeFailed', message };
  }
  const unready = fit.find((v) => !serves(v.object));
  if (unready)
    return { phase: 'Pending', reason: 'ConfigurationPending', message: `Waiting for amphora ${unready.object.metadata.name} to serve.` };
  for (const view of fit) {
    const unmet = unconfigured(view);
    if (unmet?.paused) return { phase: 'Failed', reason: 'ConfigurationRefused', message: unmet.message };
    if (unmet) return { phase: 'Pending', reason: 'ConfigurationPending', message: unmet.message };
  }
  const problem = world.problems[0];
  if (problem) return { phase: 'Failed', reason: problem.reason, message: `Listener ${problem.listener}: ${problem.message}` };
  const closed = listenerPorts(lb).filter((l) => !world.vip?.ports.includes(l.port));
  if (closed.length > 0) return { phase: 'Pending', reason: 'VipPending', message: `Opening port ${closed[0]!.port} of the VIP.` };
  return { phase: 'Steady', reason: 'AsSpecified', message: `Flavor ${book.flavorId} is in force; everything is as specified.` };
}
