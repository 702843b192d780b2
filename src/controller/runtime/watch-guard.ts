import type { Clock, Timer } from './clock.ts';

/**
 * Ends a watch that the server should have ended, or that has been silent for too long: a connection that a firewall or a dead host
 * has forgotten looks exactly like a quiet one.
 */
export class WatchGuard {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #own = new AbortController();
  readonly #silenceMs: number;
  readonly #onOuterAbort = () => this.#own.abort(this.#outer.reason);
  #lastHeardAt: number;
  #silence: Timer;
  readonly #deadline: Timer;
  #hasEnded = false;

  constructor(clock: Clock, outer: AbortSignal, limits: { silenceMs: number; deadlineMs: number }) {
    this.#clock = clock;
    this.#outer = outer;
    this.#silenceMs = limits.silenceMs;
    this.#lastHeardAt = clock.monotonic();
    this.#silence = clock.setTimer(limits.silenceMs, () => this.#checkSilence());
    this.#deadline = clock.setTimer(limits.deadlineMs, () => this.#end('its time was up'));
    if (outer.aborted) this.#onOuterAbort();
    else outer.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  /** Aborts when the outer signal does, and when the watch is to end. */
  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** Whether this guard, and not the outer signal, has ended the watch. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Something came. Cheap: no timer is moved. */
  heard(): void {
    this.#lastHeardAt = this.#clock.monotonic();
  }

  release(): void {
    this.#silence.cancel();
    this.#deadline.cancel();
    this.#outer.removeEventListener('abort', this.#onOuterAbort);
  }

  #checkSilence(): void {
    const leftMs = this.#lastHeardAt + this.#silenceMs - this.#clock.monotonic();
    if (leftMs > 0) this.#silence = this.#clock.setTimer(leftMs, () => this.#checkSilence());
    else this.#end(`nothing came for ${this.#silenceMs / 1000} s`);
  }

  #end(because: string): void {
    this.#hasEnded = true;
    this.#own.abort(because);
  }
}
