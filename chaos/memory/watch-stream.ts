import { errorFromTransport } from '../../src/kube/errors.ts';
import type { ApiFaults } from './api-faults.ts';
import type { Link } from './link.ts';

/** The events of one watch on their way to a process: in order, later by the lag of the moment, until the stream ends, breaks or is given up. */
export class WatchStream<E> {
  readonly #link: Link;
  readonly #faults: ApiFaults;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: { dueAt: number; event: E }[] = [];
  readonly #onClose: (() => void)[] = [];
  #ended = false;
  #broken = false;
  #wake: (() => void) | undefined;

  constructor(link: Link, faults: ApiFaults, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#link = link;
    this.#faults = faults;
    this.#signal = signal;
    const wake = () => this.#wake?.();
    signal?.addEventListener('abort', wake, { once: true });
    const timer = link.setTimer(timeoutMs, () => {
      this.#ended = true;
      wake();
    });
    const forget = faults.onBreak(() => {
      this.#broken = true;
      wake();
    });
    link.onEnd(() => this.close());
    this.onClose(() => {
      signal?.removeEventListener('abort', wake);
      timer.cancel();
      forget();
    });
  }

  onClose(close: () => void): void {
    this.#onClose.push(close);
  }

  close(): void {
    for (const close of this.#onClose.splice(0)) close();
  }

  everyMinute(task: () => void): void {
    const timer = this.#link.setTimer(60_000, () => {
      task();
      this.everyMinute(task);
    });
    this.onClose(() => timer.cancel());
  }

  push(event: E): void {
    const dueAt = Math.max(this.#queue.at(-1)?.dueAt ?? 0, this.#link.monotonic() + this.#faults.lagMs);
    this.#queue.push({ dueAt, event });
    this.#wake?.();
  }

  async *events(): AsyncIterable<E> {
    for (;;) {
      await this.#link.runs();
      this.#signal?.throwIfAborted();
      if (this.#broken) throw errorFromTransport('watch', new Error('connection reset'));
      const next = this.#queue[0];
      const waitMs = next ? next.dueAt - this.#link.monotonic() : Number.POSITIVE_INFINITY;
      if (next && waitMs <= 0) {
        this.#queue.shift();
        yield next.event;
      } else if (this.#ended) return;
      else await this.#changes(waitMs);
    }
  }

  /** Resolves when there may be something to do: an event that is due, or the end. */
  async #changes(waitMs: number): Promise<void> {
    const woken = Promise.withResolvers<void>();
    this.#wake = woken.resolve;
    const timer = Number.isFinite(waitMs) ? this.#link.setTimer(waitMs, woken.resolve) : undefined;
    await woken.promise;
    timer?.cancel();
    this.#wake = undefined;
  }
}
