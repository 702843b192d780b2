import type { Clock, Timer } from '../../src/controller/runtime/clock.ts';

interface Pending {
  at: number;
  order: number;
  task: () => void;
}

/** A clock that stands still until it is told to advance. */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #wallOffset: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(startAt: string | number = '2026-01-01T00:00:00Z') {
    this.#wallOffset = new Date(startAt).getTime();
  }

  now(): number {
    return this.#wallOffset + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(ms: number, task: () => void): Timer {
    const pending = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, task };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Moves the wall clock alone, as NTP or an administrator does. */
  jumpWallClock(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Runs everything that falls due within `ms`, in order, letting what each timer sets off come to rest before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await settle();
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#pending.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.task();
      await settle();
    }
    this.#elapsed = until;
  }

  /** Time passes and nothing runs, as for a process that was stopped and goes on. What fell due meanwhile runs at the next `advance`. */
  freeze(ms: number): void {
    this.#elapsed += ms;
  }

  #next(until: number): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at <= until && (!next || pending.at < next.at || (pending.at === next.at && pending.order < next.order))) next = pending;
    }
    return next;
  }
}

/** Lets promise callbacks run until none is left that another one would start at once. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
