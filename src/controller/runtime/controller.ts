import { isConflict } from '../../kube/errors.ts';
import type { Backoff } from './backoff.ts';
import { type Clock, realClock, sleep, type Timer } from './clock.ts';
import { type Log, silentLog } from './log.ts';
import { type QueueMetrics, WorkQueue } from './workqueue.ts';

/** What one visit is given. */
export interface ReconcileContext {
  /** Aborts when the visit must end: at a stop, once its grace is over, at the loss of leadership, or after the controller's time-out. */
  signal: AbortSignal;
  /** Writes the controller's name and the key into every line. */
  log: Log;
}

/** How a visit that did not fail ended. Nothing: no need to look again until something changes. */
export interface ReconcileResult {
  /** Look again after so many ms. */
  requeueAfterMs?: number;
}

/** Brings the world nearer to what the object of this key asks for. A rejection means: again later, each time later than the last. */
// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile without a return statement is fine
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult | void>;

export interface ControllerMetrics {
  reconciled(result: 'success' | 'requeue_after' | 'error', seconds: number): void;
}

export interface ControllerOptions {
  name: string;
  reconcile: Reconcile;
  /** How many keys may be visited at the same time. Default 1. */
  concurrency?: number;
  /** After so long the visit's signal aborts. Default 120,000. */
  timeoutMs?: number;
  backoff?: Backoff;
  clock?: Clock;
  random?: () => number;
  log?: Log;
  metrics?: ControllerMetrics & { queue?: QueueMetrics };
}

/** A queue and the workers that visit its keys. What happens to one key never stops another. */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #abort = new AbortController();
  #workers: Promise<void>[] = [];

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#log = (options.log ?? silentLog).child({ controller: options.name });
    const { clock, random, backoff, metrics } = options;
    this.queue = new WorkQueue({ clock, random, backoff, metrics: metrics?.queue });
  }

  /** Asks for a visit of this key, soon. May be called before `start`. */
  enqueue(key: string): void {
    this.queue.add(key);
  }

  start(): void {
    if (this.#workers.length > 0) throw new Error(`controller ${this.name} was already started`);
    this.#workers = Array.from({ length: this.#options.concurrency ?? 1 }, () => this.#work());
  }

  /**
   * Starts no more visits, lets those under way end, and aborts their signals after `graceMs`.
   * Resolves to whether all had ended a second after that.
   */
  async stop(graceMs: number): Promise<boolean> {
    this.queue.shutDown();
    const ended = Promise.all(this.#workers);
    if (await this.#endsWithin(ended, graceMs)) return true;
    this.#log.warn({ visits: this.queue.processing }, `visits still run after ${graceMs} ms: aborting them`);
    this.#abort.abort(new Error('the operator is stopping'));
    return this.#endsWithin(ended, 1000);
  }

  async #endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
    const waiting = new AbortController();
    const result = await Promise.race([ended.then(() => true), sleep(this.#clock, ms, waiting.signal).then(() => false)]);
    waiting.abort();
    return result;
  }

  async #work(): Promise<void> {
    for (let key = await this.queue.get(); key !== undefined; key = await this.queue.get()) {
      await this.#visit(key);
    }
  }

  async #visit(key: string): Promise<void> {
    const { reconcile, metrics, timeoutMs = 120_000 } = this.#options;
    const log = this.#log.child({ key });
    const timeout = new AbortController();
    const timer: Timer = this.#clock.setTimer(timeoutMs, () => timeout.abort(new Error(`the visit took longer than ${timeoutMs} ms`)));
    const started = this.#clock.monotonic();
    const seconds = () => (this.#clock.monotonic() - started) / 1000;
    try {
      const result = await reconcile(key, { signal: AbortSignal.any([this.#abort.signal, timeout.signal]), log });
      this.queue.forget(key);
      if (result?.requeueAfterMs !== undefined) this.queue.addAfter(key, result.requeueAfterMs);
      metrics?.reconciled(result?.requeueAfterMs === undefined ? 'success' : 'requeue_after', seconds());
    } catch (error) {
      const inMs = Math.round(this.queue.addRateLimited(key));
      metrics?.reconciled('error', seconds());
      if (this.#abort.signal.aborted) log.info({ err: error }, 'visit aborted by the stop');
      else if (isConflict(error)) log.debug({ err: error, retryInMs: inMs }, 'someone else wrote in between, looking again');
      else log.warn({ err: error, retryInMs: inMs }, 'visit failed, trying again');
    } finally {
      timer.cancel();
      this.queue.done(key);
    }
  }
}
