import type { Clock, Timer } from './clock.ts';

interface Entry {
  key: string;
  dueAt: number;
}

/** From that delay on it matters little whether a key is due a moment later; milliseconds. */
const PATIENT_MS = 2000;
/** To how full a moment the time of a patient key is put off, so that many are due at once and an idle process is seldom woken; milliseconds. */
const TICK_MS = 200;

/**
 * Keys that become due later; after a long delay up to a fifth of a second later than that. A key waits once; asked for twice, the sooner time wins. One timer
 * serves all.
 */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #due: (key: string) => void;
  /** When each waiting key is due. An entry of the heap that disagrees was overtaken by a sooner one and is skipped. */
  readonly #dueAt = new Map<string, number>();
  /** A binary heap: no entry is due before its parent, which is at `(index - 1) >> 1`. */
  readonly #heap: Entry[] = [];
  #timer: { at: number; timer: Timer } | undefined;

  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#dueAt.size;
  }

  add(key: string, delayMs: number): void {
    const exactly = this.#clock.monotonic() + delayMs;
    const dueAt = delayMs < PATIENT_MS ? exactly : Math.ceil(exactly / TICK_MS) * TICK_MS;
    const waiting = this.#dueAt.get(key);
    if (waiting !== undefined && waiting <= dueAt) return;
    this.#dueAt.set(key, dueAt);
    this.#push({ key, dueAt });
    this.#arm();
  }

  clear(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#dueAt.clear();
    this.#heap.length = 0;
  }

  #arm(): void {
    const next = this.#heap[0];
    if (!next || (this.#timer && this.#timer.at <= next.dueAt)) return;
    this.#timer?.timer.cancel();
    const timer = this.#clock.setTimer(next.dueAt - this.#clock.monotonic(), () => this.#release());
    this.#timer = { at: next.dueAt, timer };
  }

  #release(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (let next = this.#heap[0]; next && next.dueAt <= now; next = this.#heap[0]) {
      this.#pop();
      if (this.#dueAt.get(next.key) !== next.dueAt) continue;
      this.#dueAt.delete(next.key);
      this.#due(next.key);
    }
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.dueAt <= entry.dueAt) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueAt < heap[child]!.dueAt) child++;
      if (heap[child]!.dueAt >= last.dueAt) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
