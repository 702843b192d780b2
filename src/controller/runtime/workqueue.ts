import { type Backoff, backoffMs } from './backoff.ts';
import { type Clock, realClock } from './clock.ts';
import { DelayedKeys } from './delayed-keys.ts';

/** What a queue tells about itself; times in seconds. */
export interface QueueMetrics {
  depth(keys: number): void;
  added(): void;
  /** From the first add until the key was handed out. */
  waited(seconds: number): void;
  /** From handing out until done. */
  worked(seconds: number): void;
  retried(): void;
}

const noMetrics: QueueMetrics = { depth() {}, added() {}, waited() {}, worked() {}, retried() {} };

export interface WorkQueueOptions {
  clock?: Clock;
  random?: () => number;
  /** How long a failed key waits. Default: 100 ms, doubling up to 60 s, half of it left to chance. */
  backoff?: Backoff;
  metrics?: QueueMetrics;
}

/**
 * client-go's work queue. It holds keys, not events, so that any number of changes to one object ask for one visit.
 *
 * Invariants: a key is never handed out twice at once; a key added while it is being processed is handed out once more after
 * `done`; no added key is lost before `shutDown`.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #metrics: QueueMetrics;
  /** Wanting a visit and free to have one, oldest first, with the time they were added. */
  readonly #ready = new Map<string, number>();
  /** Handed out and not yet done, with the time they were handed out. */
  readonly #processing = new Map<string, number>();
  /** Added while processing, with the time; never in `#ready` at the same time. */
  readonly #dirty = new Map<string, number>();
  readonly #delayed: DelayedKeys;
  readonly #failures = new Map<string, number>();
  /** Callers of `get` that wait, oldest first. None waits while a key is ready. */
  readonly #waiting: ((key: string | undefined) => void)[] = [];
  #drained: (() => void)[] = [];
  #isShutDown = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? realClock;
    this.#random = options.random ?? Math.random;
    this.#backoff = options.backoff ?? { baseMs: 100, maxMs: 60_000, jitter: 0.5 };
    this.#metrics = options.metrics ?? noMetrics;
    this.#delayed = new DelayedKeys(this.#clock, (key) => this.add(key));
  }

  /** How many keys are ready, not counting those delayed or being processed. */
  get depth(): number {
    return this.#ready.size;
  }

  /** How many keys are handed out and not done. */
  get processing(): number {
    return this.#processing.size;
  }

  /** How long the oldest key that is handed out has been so, in ms; 0 when there is none. */
  longestRunningMs(): number {
    const started = Math.min(...this.#processing.values());
    return Number.isFinite(started) ? this.#clock.monotonic() - started : 0;
  }

  add(key: string): void {
    if (this.#isShutDown || this.#ready.has(key) || this.#dirty.has(key)) return;
    this.#metrics.added();
    const now = this.#clock.monotonic();
    if (this.#processing.has(key)) this.#dirty.set(key, now);
    else this.#makeReady(key, now);
  }

  /** Adds the key in `delayMs`. Of several such wishes for one key the soonest wins. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0) this.add(key);
    else this.#delayed.add(key, delayMs);
  }

  /** Adds the key after its back-off, which grows with each call until `forget`. Returns the delay in ms. */
  addRateLimited(key: string): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.#metrics.retried();
    const delayMs = backoffMs(failures, this.#backoff, this.#random);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** The key is well again: its next failure starts from the shortest delay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often the key was rate limited since it was last forgotten. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, once there is one; undefined once the queue is shut down. Each key handed out must be given back with `done`. */
  get(): Promise<string | undefined> {
    if (this.#isShutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#handOut();
    });
  }

  done(key: string): void {
    const started = this.#processing.get(key);
    if (started === undefined) throw new Error(`done("${key}"): this key was not handed out`);
    this.#processing.delete(key);
    this.#metrics.worked((this.#clock.monotonic() - started) / 1000);
    const addedAt = this.#dirty.get(key);
    if (addedAt !== undefined) {
      this.#dirty.delete(key);
      this.#makeReady(key, addedAt);
    }
    if (this.#processing.size === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Hands out nothing more and drops what waits: what a key stands for is asked again by whoever starts next. */
  shutDown(): void {
    this.#isShutDown = true;
    this.#delayed.clear();
    this.#ready.clear();
    this.#dirty.clear();
    this.#failures.clear();
    this.#metrics.depth(0);
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  /** Resolves as soon as no key is handed out. */
  drained(): Promise<void> {
    if (this.#processing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #makeReady(key: string, addedAt: number): void {
    if (this.#isShutDown) return;
    this.#ready.set(key, addedAt);
    this.#handOut();
  }

  #handOut(): void {
    while (this.#waiting.length > 0 && this.#ready.size > 0) {
      const [key, addedAt] = this.#ready.entries().next().value!;
      const now = this.#clock.monotonic();
      this.#ready.delete(key);
      this.#processing.set(key, now);
      this.#metrics.waited((now - addedAt) / 1000);
      this.#waiting.shift()!(key);
    }
    this.#metrics.depth(this.#ready.size);
  }
}
