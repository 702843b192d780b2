import { setTimeout as delay } from 'node:timers/promises';
import type { Kind, TrafficCounts } from './tally.ts';

/** The bounds of traffic. */
export interface PaceOptions {
  /** Requests a second of the quick kinds together; undefined: as fast as the answers come. */
  rate?: number;
  maxRequests: number;
  maxSeconds: number;
}

const paced: ReadonlySet<Kind> = new Set(['newConnections', 'keepAlive', 'sticky']);

/** Says when a client may make its next request, and when there are none any more. The clock is monotonic, milliseconds. */
export class Pace {
  ended: TrafficCounts['ended'];
  #options: PaceOptions;
  #now: () => number;
  #endsAt: number;
  #started = 0;
  #nextSlot: number;
  #stop = new AbortController();

  constructor(options: PaceOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
    this.#nextSlot = now();
    this.#endsAt = this.#nextSlot + options.maxSeconds * 1000;
  }

  stop(): void {
    this.#end('stopped');
  }

  /** Resolves to true when one more request may be made now, to false when no more are to be made. */
  async turn(kind: Kind): Promise<boolean> {
    if (this.#options.rate !== undefined && paced.has(kind)) await this.#slot(1000 / this.#options.rate);
    if (this.#now() >= this.#endsAt) this.#end('maxSeconds');
    if (this.#started >= this.#options.maxRequests) this.#end('maxRequests');
    if (this.ended !== undefined) return false;
    this.#started++;
    return true;
  }

  async #slot(everyMs: number): Promise<void> {
    const now = this.#now();
    // Slots that were missed are let go: after a stall the rate is the rate again, not a burst.
    this.#nextSlot = Math.max(this.#nextSlot + everyMs, now - 100);
    const waitMs = Math.min(this.#nextSlot, this.#endsAt) - now;
    if (waitMs >= 1) await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  #end(why: NonNullable<TrafficCounts['ended']>): void {
    this.ended ??= why;
    this.#stop.abort();
  }
}
