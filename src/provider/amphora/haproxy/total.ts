import type { ListenerStatistics } from '../../../api/index.ts';
import type { AmphoraObservation } from '../driver.ts';
import type { Connections } from './statistics.ts';

/** What a worker has counted since it started. */
type Counted = Omit<ListenerStatistics, 'protocolPort' | 'activeConnections'>;
const COUNTED = ['totalConnections', 'bytesIn', 'bytesOut', 'requestErrors'] satisfies (keyof Counted)[];

/** What an amphora has counted, over workers that come and go: what one has counted stays counted when it ends. */
export class Total {
  /** By listening port. */
  readonly #ended = new Map<number, Counted>();
  #byWorker = new Map<number, ListenerStatistics[]>();

  /** What each worker that there is has counted. The pid names it among those that this amphora has at one time. */
  add(workers: readonly (Pick<Connections, 'statistics'> & { pid: number })[]): void {
    const now = new Map(workers.map(({ pid, statistics }) => [pid, statistics]));
    for (const [pid, before] of this.#byWorker) if (isAnother(before, now.get(pid))) for (const one of before) this.#keep(one);
    this.#byWorker = now;
  }

  /**
   * All that was counted, and what is open now: of listeners that some worker still has. The limits are those of the worker that takes new connections,
   * the first.
   */
  of(workers: readonly Connections[]): Pick<AmphoraObservation, 'connections' | 'statistics'> {
    const ports = new Set(workers.flatMap(({ statistics }) => statistics.map(({ protocolPort }) => protocolPort)));
    const statistics = [...ports].sort((a, b) => a - b).map((port) => this.#listener(port));
    const current = statistics.reduce((sum, { activeConnections }) => sum + activeConnections, 0);
    return { connections: { current, total: this.connections, queued: workers[0]?.queued ?? false }, statistics };
  }

  /** Connections ever, of all listeners. */
  get connections(): number {
    const counted = [...this.#ended.values(), ...[...this.#byWorker.values()].flat()];
    return counted.reduce((sum, { totalConnections }) => sum + totalConnections, 0);
  }

  #listener(protocolPort: number): ListenerStatistics {
    const living = [...this.#byWorker.values()].flat().filter((one) => one.protocolPort === protocolPort);
    const sum = (name: keyof Counted) => living.reduce((total, one) => total + one[name], this.#ended.get(protocolPort)?.[name] ?? 0);
    const [totalConnections, bytesIn, bytesOut, requestErrors] = COUNTED.map(sum) as [number, number, number, number];
    const activeConnections = living.reduce((total, one) => total + one.activeConnections, 0);
    return { protocolPort, activeConnections, totalConnections, bytesIn, bytesOut, requestErrors };
  }

  #keep({ protocolPort, ...counted }: ListenerStatistics): void {
    const before = this.#ended.get(protocolPort);
    const { activeConnections: _, ...sum } = counted;
    for (const name of COUNTED) sum[name] += before?.[name] ?? 0;
    this.#ended.set(protocolPort, sum);
  }
}

/** One that has counted less than before is another that took its pid. */
const isAnother = (before: readonly ListenerStatistics[], now: readonly ListenerStatistics[] | undefined): boolean =>
  before.some((one) => {
    const later = now?.find(({ protocolPort }) => protocolPort === one.protocolPort);
    return !later || COUNTED.some((name) => later[name] < one[name]);
  });
