import type { TrafficCounts } from '../../tools/traffic/tally.ts';

type Counts = Pick<TrafficCounts, 'failed' | 'retriedOnClosedIdle' | 'byKind'>;

/** Requests that each client must have answered, one after the other, and for how long, before service counts as back. */
const STEADY = { requests: 20, ms: 2000 };

/** Tells of traffic whether it is served again after something was killed. */
export class Service {
  #since: { counts: Counts; at: number };

  constructor(counts: Counts, at: number) {
    this.#since = { counts, at };
  }

  /** Whether every client has been answered for a while with nothing lost. @param at milliseconds */
  isBack(counts: Counts, at: number): boolean {
    const before = this.#since.counts;
    if (counts.failed !== before.failed || counts.retriedOnClosedIdle !== before.retriedOnClosedIdle) {
      this.#since = { counts, at };
      return false;
    }
    const answered = (['newConnections', 'keepAlive'] as const).map((kind) => counts.byKind[kind].requests - before.byKind[kind].requests);
    return at - this.#since.at >= STEADY.ms && answered.every((requests) => requests >= STEADY.requests);
  }
}
