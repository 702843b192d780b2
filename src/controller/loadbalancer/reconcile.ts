import { type LoadBalancer, type LoadBalancerStatus, mergeConditions, rfc3339 } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../notify/events.ts';
import type { Notifier } from '../../notify/notifier.ts';
import { turnsOf } from '../../notify/turns.ts';
import { DriverError } from '../../provider/amphora/driver.ts';
import type { Caches } from '../caches.ts';
import { MARGIN_MS } from '../fence.ts';
import { InvalidObject } from '../parse.ts';
import { loadBalancers } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../runtime/controller.ts';
import { isSame } from '../same.ts';
import { writeStatus } from '../write-status.ts';
import { type Act, isKnownAtOnce, needsFreshEyes } from './acts.ts';
import type { Plan } from './decision.ts';
import { type ExecuteOptions, execute, FIELD_MANAGER, type Written } from './execute.ts';
import { cachedObjects, freshObjects, type GatherOptions, gather, type Objects } from './gather.ts';
import { plan } from './plan.ts';
import { type ActProblem, statusOf } from './status.ts';
import type { World } from './world.ts';

export interface LoadBalancerReconcilerOptions extends GatherOptions, ExecuteOptions {
  client: KubeClient;
  caches: Caches;
  driver: GatherOptions['driver'] & ExecuteOptions['driver'];
  events: EventRecorder;
  /** Absent where no notification sink is set. */
  notifier?: Pick<Notifier, 'ledger' | 'written' | 'farewellMs'>;
  clock: Clock;
  /** For how long this process is surely the only one that acts; milliseconds. */
  heldForMs(): number;
  /** When a load balancer is looked at again although nothing happened; milliseconds. */
  resyncMs: number;
}

/** How many steps a visit takes at most. Each follows from what the visit itself has written or done, so that no event need come round for it. */
const MOST_STEPS = 8;

/** How long a fresh read counts as one, within its visit; milliseconds. */
const FRESH_MS = 1000;

/** Gather, plan, act, write: one visit to one load balancer, for as long as there is something to do. */
export function loadBalancerReconciler(options: LoadBalancerReconcilerOptions): Reconcile {
  const { clock, resyncMs } = options;
  const visitedSince = new Map<string, number>();

  return async (key, context) => {
    const { signal } = context;
    const cached = await cachedObjects(options, key, signal);
    if (!cached) {
      visitedSince.delete(key);
      return;
    }
    if (!visitedSince.has(key)) visitedSince.set(key, clock.now());
    const look = async (objects: Objects): Promise<[World, Plan]> => {
      const world = await gather(options, objects, clock.now(), visitedSince.get(key)!, signal);
      return [world, plan(world)];
    };
    let objects = cached;
    let done: Act[] = [];
    try {
      for (let step = 1; ; step++) {
        let [world, planned] = await look(objects);
        if (planned.isDecisive || planned.acts.some(needsFreshEyes)) {
          if (objects.freshAt === undefined || clock.monotonic() - objects.freshAt > FRESH_MS) {
            const fresh = await freshObjects(options, objects.loadBalancer, signal);
            if (!fresh) return;
            objects = fresh;
            [world, planned] = await look(objects);
          }
          if (options.heldForMs() < MARGIN_MS) return { requeueAfterMs: 500 };
        }
        // The same acts once more would only be done once more: their effect takes time.
        const again = step < MOST_STEPS && (planned.acts.length === 0 || !isSame(planned.acts, done));
        const next = await carryOut(options, objects, world, planned, again, context, resyncMs);
        if (!('objects' in next)) return next;
        objects = next.objects;
        done = planned.acts;
      }
    } catch (error) {
      if (!(error instanceof InvalidObject)) throw error;
      const { loadBalancer } = objects;
      await report(options, loadBalancer, invalidStatus(loadBalancer, error, clock.now()), context);
      return { requeueAfterMs: resyncMs };
    }
  };
}

/**
 * One step. Where the next one has something to go on from, that is what it gives; then the status is left to it, unless the step has changed the book,
 * which is written before anything else is done.
 */
async function carryOut(
  options: LoadBalancerReconcilerOptions,
  objects: Objects,
  world: World,
  planned: Plan,
  again: boolean,
  context: ReconcileContext,
  resyncMs: number,
): Promise<ReconcileResult | { objects: Objects }> {
  const { acts } = planned;
  const gone = acts.some((act) => act.type === 'RemoveFinalizer');
  const farewellMs = (gone && options.notifier?.farewellMs(world.loadBalancer)) || 0;
  if (farewellMs > 0) return { requeueAfterMs: farewellMs };
  const problems: ActProblem[] = [];
  let failure: unknown;
  let after = objects;
  for (const act of acts) {
    try {
      const written = await execute(options, world, act, context.signal);
      if (written) after = withWritten(after, written);
      if (act.type !== 'EnsureVip')
        context.log.info({ name: 'name' in act ? act.name : undefined, operation: planned.book.operation?.number }, act.type);
    } catch (error) {
      if (error instanceof DriverError) problems.push({ reason: error.reason, message: error.message });
      else failure ??= error;
    }
  }
  if (failure) throw failure;
  const turned = planned.requeueAfterMs === 0;
  if (again && !turned && acts.length > 0 && acts.every(isKnownAtOnce) && problems.length === 0) return { objects: after };
  if (gone) return { requeueAfterMs: resyncMs };
  const before = { ...world.loadBalancer, metadata: after.loadBalancer.metadata };
  const loadBalancer = await report(options, before, statusOf(world, planned, problems), context);
  if (again && turned && problems.length === 0) return { objects: { ...after, loadBalancer } };
  const retry = problems.length > 0 ? 2000 : resyncMs;
  return { requeueAfterMs: Math.min(planned.requeueAfterMs ?? retry, retry) };
}

function withWritten(objects: Objects, written: Written): Objects {
  if ('loadBalancer' in written) return { ...objects, loadBalancer: written.loadBalancer };
  const { amphora } = written;
  const others = objects.amphorae.filter((a) => a.metadata.name !== amphora.metadata.name);
  return { ...objects, amphorae: [...others, amphora] };
}

/**
 * Writes a status that differs from the one read, and tells what turned by it.
 * @returns the object as it is then
 */
async function report(
  { client, caches, events, notifier }: LoadBalancerReconcilerOptions,
  before: LoadBalancer,
  after: LoadBalancerStatus,
  { signal, log }: ReconcileContext,
): Promise<LoadBalancer> {
  const status = { ...after, notifications: notifier?.ledger(before, after) };
  if (isSame(status, before.status ?? {})) return before;
  const written = await writeStatus(client, loadBalancers, before, status, { fieldManager: FIELD_MANAGER, signal });
  caches.loadBalancers.saw(written);
  notifier?.written(before, status);
  for (const turn of turnsOf(before.status, status)) {
    events.record(before, turn);
    log.info({ operation: status.operation?.number, reason: turn.reason }, turn.note);
  }
  return written;
}

/** The status of a load balancer whose spec can't be read: all that was known stays, and the conditions say what to correct. */
function invalidStatus(lb: LoadBalancer, error: InvalidObject, now: number): LoadBalancerStatus {
  const claim = { status: 'True' as const, reason: 'InvalidSpec', message: error.message };
  const kept = (lb.status?.conditions ?? []).filter((c) => c.type === 'Available' || c.type === 'Resizing');
  const claims = [
    { ...claim, type: 'Ready', status: 'False' as const },
    ...kept.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    { ...claim, type: 'Stalled' },
  ];
  const { operation } = lb.status ?? {};
  return {
    ...lb.status,
    operation: operation && !operation.finishedAt ? { ...operation, pausedAt: operation.pausedAt ?? rfc3339(now) } : operation,
    observedGeneration: lb.metadata.generation ?? 0,
    conditions: mergeConditions(lb.status?.conditions, claims, lb.metadata.generation, now),
  };
}
