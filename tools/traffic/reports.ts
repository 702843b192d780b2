import { Tally, type TrafficCounts } from './tally.ts';

/** What clients report wherever they run, some times a second. */
export interface TrafficReport {
  counts: TrafficCounts;
  final: boolean;
}

/** The reports of one traffic as they come in. */
export class Reports {
  latest: TrafficCounts = new Tally(Date.now).counts();
  readonly ended: Promise<TrafficCounts>;
  readonly #watchers = new Set<() => void>();
  readonly #resolve: (counts: TrafficCounts) => void;
  readonly #reject: (error: Error) => void;
  #over = false;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<TrafficCounts>();
    promise.catch(() => {});
    this.ended = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get over(): boolean {
    return this.#over;
  }

  add({ counts, final }: TrafficReport): void {
    this.latest = counts;
    if (final) {
      this.#over = true;
      this.#resolve(counts);
    }
    this.#look();
  }

  /** There will be no further ones, and the last was none to trust. */
  fail(error: Error): void {
    this.#over = true;
    this.#reject(error);
    this.#look();
  }

  /** See `Traffic.waitFor`. */
  waitFor(goal: number | ((counts: TrafficCounts) => boolean)): Promise<TrafficCounts> {
    const met = typeof goal === 'number' ? (counts: TrafficCounts) => counts.requests >= goal : goal;
    return new Promise((resolve, reject) => {
      const look = () => {
        const { requests, ended } = this.latest;
        if (met(this.latest)) resolve(this.latest);
        else if (this.#over)
          reject(new Error(`traffic ended (${ended ?? 'its clients died'}) after ${requests} requests, before what was waited for`));
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
