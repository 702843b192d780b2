/** How many answers are kept at most; the oldest go first. */
const CAPACITY = 10_000;

/** Answers that are good for a short while. Whoever asks while an answer is on its way waits for the same one; failures are forgotten. */
export class BriefMemory<V> {
  readonly #ttlMs: number;
  readonly #entries = new Map<string, { value: Promise<V>; until: number }>();

  /** @param ttlMs how long an answer is good, counted from the question; 0: not at all */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  get(key: string, ask: () => Promise<V>): Promise<V> {
    if (this.#ttlMs === 0) return ask();
    const now = performance.now();
    const known = this.#entries.get(key);
    if (known && known.until > now) return known.value;
    const entry = { value: ask(), until: now + this.#ttlMs };
    // Set anew, so that the order is that of age.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    if (this.#entries.size > CAPACITY) this.#entries.delete(this.#entries.keys().next().value!);
    return entry.value;
  }
}
