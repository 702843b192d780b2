export interface Backoff {
  /** The first delay. */
  baseMs: number;
  /** No delay is longer. */
  maxMs: number;
  /** What part of a delay is left to chance, 0 to 1; at the cap too, so that those who failed together don't come back together. */
  jitter: number;
}

/** The delay after so many failures in a row (1 or more), doubling from `baseMs`; `random` gives 0 <= n < 1. */
export function backoffMs(failures: number, { baseMs, maxMs, jitter }: Backoff, random: () => number): number {
  const full = Math.min(maxMs, baseMs * 2 ** Math.max(0, failures - 1));
  return full * (1 - jitter * random());
}
