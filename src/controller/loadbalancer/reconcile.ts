import { API_VERSION, type LoadBalancer, type LoadBalancerStatus, mergeConditions, rfc3339 } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../notify/events.ts';
import type { Notifier } from '../../notify/notifier.ts';
import { turnsOf } from '../../notify/turns.ts';
import { DriverError } from '../../provider/amphora/driver.ts';
import { MARGIN_MS } from '../fence.ts';
import { InvalidObject } from '../parse.ts';
import { loadBalancers } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../runtime/controller.ts';
import { stable } from '../stable.ts';
import { takesAway } from './acts.ts';
import type { Plan } from './decision.ts';
import { type ExecuteOptions, execute, FIELD_MANAGER } from './execute.ts';
import { cachedObjects, freshObjects, type GatherOptions, gather, type Objects } from './gather.ts';
import { plan } from './plan.ts';
import { type ActProblem, statusOf } from './status.ts';
import type { World } from './world.ts';

export interface LoadBalancerReconcilerOptions extends GatherOptions, ExecuteOptions {
  client: KubeClient;
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

/** Gather, plan, act, write: one visit to one load balancer. */
export function loadBalancerReconciler(options: LoadBalancerReconcilerOptions): Reconcile {
  const { clock, resyncMs } = options;
  const visitedSince = new Map<string, number>();

  return async (key, context) => {
    const cached = await cachedObjects(options, key, context.signal);
    if (!cached) {
      visitedSince.delete(key);
      return;
    }
    if (!visitedSince.has(key)) visitedSince.set(key, clock.now());
    const look = async (objects: Objects): Promise<[World, Plan]> => {
      const world = await gather(options, objects, clock.now(), visitedSince.get(key)!, context.signal);
      return [world, plan(world)];
    };
    try {
      let [world, planned] = await look(cached);
      if (planned.commits || planned.acts.some(takesAway)) {
        const fresh = await freshObjects(options, cached.loadBalancer, context.signal);
        if (!fresh) return;
        [world, planned] = await look(fresh);
        if (options.heldForMs() < MARGIN_MS) return { requeueAfterMs: 500 };
      }
      return await carryOut(options, world, planned, context, resyncMs);
    } catch (error) {
      if (!(error instanceof InvalidObject)) throw error;
      await writeStatus(options, cached.loadBalancer, invalidStatus(cached.loadBalancer, error, clock.now()), context);
      return { requeueAfterMs: resyncMs };
    }
  };
}

async function carryOut(
  options: LoadBalancerReconcilerOptions,
  world: World,
  planned: Plan,
  context: ReconcileContext,
  resyncMs: number,
): Promise<ReconcileResult> {
  const gone = planned.acts.some((act) => act.type === 'RemoveFinalizer');
  const farewellMs = (gone && options.notifier?.farewellMs(world.loadBalancer)) || 0;
  if (farewellMs > 0) return { requeueAfterMs: farewellMs };
  const problems: ActProblem[] = [];
  let failure: unknown;
  for (const act of planned.acts) {
    try {
      await execute(options, world, act, context.signal);
      if (act.type !== 'EnsureVip')
        context.log.info({ name: 'name' in act ? act.name : undefined, operation: planned.book.operation?.number }, act.type);
    } catch (error) {
      if (error instanceof DriverError) problems.push({ reason: error.reason, message: error.message });
      else failure ??= error;
    }
  }
  if (failure) throw failure;
  if (!gone) await writeStatus(options, world.loadBalancer, statusOf(world, planned, problems), context);
  const retry = problems.length > 0 ? 2000 : resyncMs;
  return { requeueAfterMs: Math.min(planned.requeueAfterMs ?? retry, retry) };
}

/** Writes a status that differs from the one read; a compare and swap, so that a decision taken on an old object never lands. */
async function writeStatus(
  { client, events, notifier }: LoadBalancerReconcilerOptions,
  before: LoadBalancer,
  after: LoadBalancerStatus,
  { signal, log }: ReconcileContext,
): Promise<void> {
  const status = { ...after, notifications: notifier?.ledger(before, after) };
  if (stable(status) === stable(before.status ?? {})) return;
  const { namespace, name, resourceVersion } = before.metadata;
  const object = { apiVersion: API_VERSION, kind: 'LoadBalancer', metadata: { namespace, name, resourceVersion }, status };
  await client.apply(loadBalancers, object, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true, signal });
  notifier?.written(before, status);
  for (const turn of turnsOf(before.status, status)) {
    events.record(before, turn);
    log.info({ operation: status.operation?.number, reason: turn.reason }, turn.note);
  }
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
