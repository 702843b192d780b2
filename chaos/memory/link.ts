import { type Clock, sleep, type Timer } from '../../src/controller/runtime/clock.ts';

/** What is asked around each write of a process, to the API server or to the driver. */
export interface WriteGuard {
  before?(what: string): void;
  after?(what: string): void;
}

/**
 * Everything by which one operator process touches the world: its requests go through here, and its timers. So it can be stopped for a while, as by
 * SIGSTOP, or ended in the middle of anything: from then on nothing of it has an effect, whatever its promises still do.
 */
export class Link implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  readonly #onEnd = new Set<() => void>();
  #ended = false;
  #resumed: PromiseWithResolvers<void> | undefined;
  /** Milliseconds that the next request, or its answer, is on its way. */
  latencyMs: () => number = () => 0;
  guard: WriteGuard = {};
  /** Writes that took effect. */
  writes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get isPaused(): boolean {
    return this.#resumed !== undefined;
  }

  now = () => this.#clock.now();
  monotonic = () => this.#clock.monotonic();

  setTimer(ms: number, task: () => void): Timer {
    const due = async () => {
      this.#timers.delete(timer);
      if (this.#resumed) await this.#resumed.promise;
      if (!this.#ended && !cancelled) task();
    };
    let cancelled = false;
    const inner = this.#ended ? undefined : this.#clock.setTimer(ms, () => void due());
    const timer = {
      cancel: () => {
        cancelled = true;
        this.#timers.delete(timer);
        inner?.cancel();
      },
    };
    this.#timers.add(timer);
    return timer;
  }

  /** The process is gone, from one moment to the next. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) timer.cancel();
    for (const end of this.#onEnd) end();
    this.#onEnd.clear();
  }

  onEnd(end: () => void): void {
    this.#onEnd.add(end);
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  resume(): void {
    this.#resumed?.resolve();
    this.#resumed = undefined;
  }

  /** Resolves once the process may go on; never when it has ended. */
  async runs(): Promise<void> {
    while (this.#resumed && !this.#ended) await this.#resumed.promise;
    if (this.#ended) await new Promise(() => {});
  }

  /** A request on its way, and its answer back. What is sent arrives though the process be stopped meanwhile, but not when it has ended. */
  async call<T>(effect: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.runs();
    signal?.throwIfAborted();
    await this.#travel();
    if (this.#ended) await new Promise(() => {});
    try {
      const result = await effect();
      await this.#travel();
      return result;
    } finally {
      await this.runs();
      signal?.throwIfAborted();
    }
  }

  /** A write that takes effect, at one moment, between the two questions of the guard. */
  write<T>(what: string, effect: () => T): T | Promise<never> {
    this.guard.before?.(what);
    if (this.#ended) return new Promise(() => {});
    const result = effect();
    this.writes++;
    this.guard.after?.(what);
    if (!this.#ended) return result;
    // Nobody is left to hear of it.
    Promise.resolve(result).catch(() => {});
    return new Promise(() => {});
  }

  async #travel(): Promise<void> {
    const ms = this.latencyMs();
    if (ms > 0) await sleep(this.#clock, ms);
  }
}
