import { createHistogram } from 'node:perf_hooks';

/** The kinds of clients; see `TrafficOptions`. */
export const kinds = ['newConnections', 'keepAlive', 'slow', 'downloads', 'sticky', 'held'] as const;
export type Kind = (typeof kinds)[number];

/** What became of one request, or of one tcp exchange. */
export interface Outcome {
  /** Why it failed; undefined: it was answered in full. */
  error?: string;
  /** Who answered, as far as it is known. */
  member?: string;
  /** From the call to the last byte, milliseconds. */
  ms: number;
  /** Whether it opened a connection (a keep-alive client mostly doesn't). */
  connected: boolean;
  /** It failed on a connection that was reused, before any byte of the answer, so soon that the server most likely closed it while it was idle. */
  closedWhileIdle?: boolean;
}

export interface Failure {
  /** Milliseconds since the epoch. */
  at: number;
  kind: Kind;
  error: string;
}

/** A sticky client that got another member than before. */
export interface Move {
  /** Milliseconds since the epoch. */
  at: number;
  client: string;
  from: string;
  to: string;
}

/** The state of traffic at one moment. */
export interface TrafficCounts {
  /** Requests that have ended, well or badly. */
  requests: number;
  /** Those that were not answered 200 in full by the time-out. */
  failed: number;
  inFlight: number;
  /** Requests that were sent a second time, as RFC 9112 section 9.3.1 allows; each counts as one request, by what became of the second try. */
  retriedOnClosedIdle: number;
  /** How often a sticky client got another member than before. Not counted in `failed`. */
  moved: number;
  byKind: Record<Kind, { requests: number; failed: number; connections: number }>;
  /** Answered requests by the member's name; `unknown` where the answer names none. */
  byMember: Record<string, number>;
  /** The first 100. */
  failures: Failure[];
  /** The first 100. */
  moves: Move[];
  /** Latency of the answered requests of the quick kinds (newConnections, keepAlive, sticky), milliseconds; 0 where there are none. */
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  elapsedMs: number;
  /** The longest time without an answer of the quick kinds, from one to the next: how long an outage was that is over. Milliseconds. */
  longestGapMs: number;
  /** Why clients make no further requests: it was asked for, or a bound was reached. Undefined while they do. */
  ended?: 'stopped' | 'maxRequests' | 'maxSeconds';
}

const kept = 100;
const quick: ReadonlySet<Kind> = new Set(['newConnections', 'keepAlive', 'sticky']);

/** Adds up outcomes. The clock gives milliseconds since the epoch. */
export class Tally {
  #now: () => number;
  #startedAt: number;
  #latency = createHistogram();
  #answeredAt: number | undefined;
  #counts = {
    requests: 0,
    failed: 0,
    inFlight: 0,
    retriedOnClosedIdle: 0,
    moved: 0,
    longestGapMs: 0,
    byKind: Object.fromEntries(kinds.map((kind) => [kind, { requests: 0, failed: 0, connections: 0 }])) as TrafficCounts['byKind'],
    byMember: {} as Record<string, number>,
    failures: [] as Failure[],
    moves: [] as Move[],
  };

  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
  }

  begin(): void {
    this.#counts.inFlight++;
  }

  retried(): void {
    this.#counts.retriedOnClosedIdle++;
  }

  end(kind: Kind, outcome: Outcome): void {
    const counts = this.#counts;
    const ofKind = counts.byKind[kind];
    counts.inFlight--;
    counts.requests++;
    ofKind.requests++;
    if (outcome.connected) ofKind.connections++;
    if (outcome.error !== undefined) {
      counts.failed++;
      ofKind.failed++;
      if (counts.failures.length < kept) counts.failures.push({ at: this.#now(), kind, error: outcome.error });
      return;
    }
    const member = outcome.member ?? 'unknown';
    counts.byMember[member] = (counts.byMember[member] ?? 0) + 1;
    if (!quick.has(kind)) return;
    this.#latency.record(Math.max(1, Math.round(outcome.ms * 1000)));
    const now = this.#now();
    counts.longestGapMs = Math.max(counts.longestGapMs, now - (this.#answeredAt ?? now));
    this.#answeredAt = now;
  }

  moved(client: string, from: string, to: string): void {
    this.#counts.moved++;
    if (this.#counts.moves.length < kept) this.#counts.moves.push({ at: this.#now(), client, from, to });
  }

  counts(): TrafficCounts {
    const none = this.#latency.count === 0;
    const at = (percentile: number) => (none ? 0 : this.#latency.percentile(percentile) / 1000);
    return {
      ...structuredClone(this.#counts),
      p50Ms: at(50),
      p99Ms: at(99),
      maxMs: none ? 0 : this.#latency.max / 1000,
      elapsedMs: this.#now() - this.#startedAt,
    };
  }
}
