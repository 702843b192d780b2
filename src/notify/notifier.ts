import { type FlavorData, type LoadBalancer, type LoadBalancerStatus, type NotificationLedger, rfc3339 } from '../api/index.ts';
import { backoffMs } from '../controller/runtime/backoff.ts';
import type { Clock } from '../controller/runtime/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../controller/runtime/controller.ts';
import { keyOf } from '../kube/paths.ts';
import { cloudEventOf } from './cloudevent.ts';
import type { EventRecorder } from './events.ts';
import { ledgerOf, overflowOf, untold } from './ledger.ts';
import { DELETED, deleted, type Notification, specHash, UPDATED } from './notifications.ts';
import type { HttpSink, Outcome } from './sink.ts';

export interface NotifierMetrics {
  tried(type: string, result: Outcome['result']): void;
  lost(because: 'overflow' | 'refused' | 'deleted', count?: number): void;
}

export interface NotifierOptions {
  sink: Pick<HttpSink, 'send'>;
  /** The CloudEvents attribute: which operator of which cluster. */
  source: string;
  /** The load balancer of a key, as it was last seen. */
  loadBalancer(key: string): LoadBalancer | undefined;
  /** What its amphorae of the flavor in force run with. */
  flavorData(lb: LoadBalancer): FlavorData | undefined;
  /** Asks for a visit to the load balancer, which writes down what was delivered. */
  remember(key: string): void;
  /** Asks for a visit here. */
  enqueue(key: string): void;
  events: EventRecorder;
  metrics: NotifierMetrics;
  clock: Clock;
  random: () => number;
  /** For how long a sink that refuses is asked again; milliseconds. */
  refusedForMs: number;
}

/** Of one load balancer, in this process alone: a restart repeats what it forgets. */
interface Memory {
  delivered: { ids: Set<string>; specHash?: string };
  failures: number;
  /** No try before this; on the monotonic clock, as all times here. */
  retryAt: number;
  /** Since when the sink refuses, and has taken nothing. */
  refusedSince?: number;
}

const BACKOFF = { baseMs: 1000, maxMs: 60_000, jitter: 0.5 };
/** The longest that a sink may ask to be left alone; milliseconds. */
const MAX_RETRY_AFTER_MS = 600_000;
/** How long a deletion waits for its last notification to be taken; milliseconds. */
const FAREWELL_MS = 2000;
/** How long that notification is tried after the object has gone; milliseconds. */
const MOURNING_MS = 60_000;

/**
 * Tells the sink what the statuses of load balancers have to tell, in their order, at least once. A status says what was delivered; only
 * the load balancer's own visits write it, so that no write here ever crosses one of theirs.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #memories = new Map<string, Memory>();
  /** Whose finalizer is about to go or has gone, by key, and until when it is waited for. */
  readonly #leaving = new Map<string, { lb: LoadBalancer; until: number }>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** The ledger to be written with a status. */
  ledger(before: LoadBalancer, after: LoadBalancerStatus): NotificationLedger {
    return ledgerOf(before, after, this.#memoryOf(before).delivered);
  }

  /** A status was written: what leaves the history with it and was not delivered is lost, and counted. */
  written(before: LoadBalancer, after: LoadBalancerStatus): void {
    const lost = overflowOf(before, after, this.#memoryOf(before).delivered);
    if (lost.length === 0) return;
    this.#options.metrics.lost('overflow', lost.length);
    const note = `${lost.map(({ type }) => type).join(', ')} of operation ${lost[0]!.turn.number} left the history before the sink had taken it.`;
    this.#options.events.record(before, { type: 'Warning', reason: 'NotificationLost', action: 'Notify', note });
  }

  /** How long the finalizer may stay for the sink's sake; milliseconds. 0 once the sink has taken the last notification, or is in trouble. */
  farewellMs(lb: LoadBalancer): number {
    if (!lb.status?.notifications) return 0;
    const { clock, enqueue } = this.#options;
    const key = keyOf(lb);
    const { delivered, failures } = this.#memoryOf(lb);
    if (delivered.ids.has(DELETED)) return 0;
    let leaving = this.#leaving.get(key);
    if (leaving?.lb.metadata.uid !== lb.metadata.uid) {
      leaving = { lb, until: clock.monotonic() + FAREWELL_MS };
      this.#leaving.set(key, leaving);
      enqueue(key);
    }
    return failures > 0 ? 0 : Math.max(0, leaving!.until - clock.monotonic());
  }

  /** It is gone from the API server. */
  forget(lb: LoadBalancer): void {
    if (this.#leaving.get(keyOf(lb))?.lb.metadata.uid !== lb.metadata.uid) this.#memories.delete(lb.metadata.uid!);
  }

  /** One visit to the load balancer of a key, and to the one before it of that name. */
  async visit(key: string, context: ReconcileContext): Promise<ReconcileResult> {
    const present = this.#options.loadBalancer(key);
    const leaving = this.#leaving.get(key);
    const waits: (number | undefined)[] = [];
    if (leaving) waits.push(await this.#bidFarewell(key, leaving, present, context));
    if (present && present.metadata.uid !== leaving?.lb.metadata.uid) {
      this.#prune(present);
      waits.push(await this.#tell(present, untold(present, this.#memoryOf(present).delivered), context));
    }
    const due = waits.filter((wait) => wait !== undefined);
    return due.length > 0 ? { requeueAfterMs: Math.min(...due) } : {};
  }

  /** The rest of what one that is going has to tell, and that it is gone. Resolves as `#tell` does. */
  async #bidFarewell(
    key: string,
    { lb: last, until }: { lb: LoadBalancer; until: number },
    present: LoadBalancer | undefined,
    context: ReconcileContext,
  ): Promise<number | undefined> {
    const { clock, metrics } = this.#options;
    const gone = present?.metadata.uid !== last.metadata.uid;
    const lb = gone ? last : present!;
    const { delivered } = this.#memoryOf(lb);
    const todo = [...untold(lb, delivered), deleted(rfc3339(clock.now()))];
    const wait = await this.#tell(lb, todo, context);
    if (!gone) return wait;
    if (wait !== undefined && clock.monotonic() <= until + MOURNING_MS) return wait;
    if (wait !== undefined) metrics.lost('deleted', todo.filter(({ id }) => !delivered.ids.has(id)).length);
    this.#leaving.delete(key);
    this.#memories.delete(lb.metadata.uid!);
    return undefined;
  }

  /** Tells one after the other. Resolves to how long to wait before the next try, in milliseconds; to nothing when all is told. */
  async #tell(lb: LoadBalancer, todo: Notification[], { signal, log }: ReconcileContext): Promise<number | undefined> {
    const { sink, source, flavorData, clock, metrics, remember } = this.#options;
    const memory = this.#memoryOf(lb);
    for (const notification of todo) {
      const { id, type } = notification;
      if (memory.delivered.ids.has(id)) continue;
      const early = memory.retryAt - clock.monotonic();
      if (early > 0) return early;
      const event = cloudEventOf(lb, notification, { source, flavor: flavorData(lb), now: clock.now() });
      const outcome = await sink.send(event, signal);
      metrics.tried(type, outcome.result);
      const wait = this.#judge(memory, outcome);
      if (wait !== undefined && outcome.result !== 'delivered') {
        log.warn({ id, type, failures: memory.failures, retryInMs: Math.round(wait) }, `notification not delivered: ${outcome.message}`);
        return wait;
      }
      if (outcome.result === 'refused') {
        this.#giveUp(lb, type, outcome.message);
        log.error({ id, type }, `notification given up: ${outcome.message}`);
      }
      memory.delivered.ids.add(id);
      if (type === UPDATED) memory.delivered.specHash = specHash(lb);
      remember(keyOf(lb));
    }
    return undefined;
  }

  /** How long to wait before the same is tried again, in milliseconds; nothing when it need not be, or is given up. */
  #judge(memory: Memory, outcome: Outcome): number | undefined {
    const { clock, random, refusedForMs } = this.#options;
    const now = clock.monotonic();
    memory.refusedSince = outcome.result === 'refused' ? (memory.refusedSince ?? now) : undefined;
    if (outcome.result === 'delivered') {
      memory.failures = 0;
      return undefined;
    }
    if (memory.refusedSince !== undefined && now - memory.refusedSince >= refusedForMs) return undefined;
    const asked = outcome.result === 'failed' ? Math.min(outcome.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
    const wait = Math.max(asked, backoffMs(++memory.failures, BACKOFF, random));
    memory.retryAt = now + wait;
    return wait;
  }

  #giveUp(lb: LoadBalancer, type: string, message: string): void {
    const { metrics, events, refusedForMs } = this.#options;
    metrics.lost('refused');
    const note = `${type} is given up: ${message}, for ${refusedForMs / 1000} s.`;
    events.record(lb, { type: 'Warning', reason: 'NotificationRefused', action: 'Notify', note });
  }

  #memoryOf({ metadata }: LoadBalancer): Memory {
    const known = this.#memories.get(metadata.uid!);
    if (known) return known;
    const memory: Memory = { delivered: { ids: new Set() }, failures: 0, retryAt: Number.NEGATIVE_INFINITY };
    this.#memories.set(metadata.uid!, memory);
    return memory;
  }

  /** What stands in the status need not be kept here as well. */
  #prune(lb: LoadBalancer): void {
    const { delivered } = this.#memoryOf(lb);
    const { delivered: written = [], specHash: hash } = lb.status?.notifications ?? {};
    for (const id of written) delivered.ids.delete(id);
    if (delivered.specHash === hash) delivered.specHash = undefined;
  }
}
