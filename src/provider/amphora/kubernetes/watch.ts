import { KubeError } from '../../../kube/errors.ts';
import type { Configuration } from '../configuration.ts';
import { type AmphoraObservation, DriverError } from '../driver.ts';
import { type MasterControl, type Reading, read, Total } from '../haproxy/index.ts';

/** A silence shorter than this is not worth a word. */
const patienceMs = 3_000;

/** Reads amphorae, and remembers of each what one look can't tell: since when it is silent, and what processes that are gone had counted. */
export class AmphoraWatch {
  readonly #now: () => number;
  readonly #silences = new Map<string, { since: number; why: string }>();
  readonly #totals = new Map<string, Total>();
  readonly #open = new Map<string, number>();

  /** `now`: milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the HAProxy of an amphora says; undefined while it says nothing. `key` names it for good. @throws KubeError, DriverError when the operator lacks what it needs to ask */
  async read(key: string, control: MasterControl, peers: Configuration['peers'], signal?: AbortSignal): Promise<Reading | undefined> {
    try {
      const reading = await read(control, peers, signal);
      this.#silences.delete(key);
      return reading;
    } catch (error) {
      signal?.throwIfAborted();
      // The operator's own certificate can't be had: that says nothing of the amphora.
      if (error instanceof KubeError || error instanceof DriverError) throw error;
      const since = this.#silences.get(key)?.since ?? this.#now();
      this.#silences.set(key, { since, why: (error as Error).message });
      return undefined;
    }
  }

  /** That one which was started says nothing, once that is worth a word. */
  silence(key: string): AmphoraObservation['problem'] {
    const silence = this.#silences.get(key);
    const forMs = this.#now() - (silence?.since ?? Number.POSITIVE_INFINITY);
    if (!silence || forMs < patienceMs) return undefined;
    const message = `HAProxy has not answered the operator for ${Math.round(forMs / 1000)} s (${silence.why}); one that hangs is started again by its kubelet.`;
    return { reason: 'DriverFailed', message };
  }

  /**
   * Its connections. One that is started and says nothing may have as many as it had, and more that nobody knows of: it counts as queued, so that it is
   * taken for neither quiet nor drained.
   */
  count(key: string, workers: Reading['workers'], isStarted: boolean): Pick<AmphoraObservation, 'connections' | 'statistics'> {
    const total = this.#totals.get(key) ?? new Total();
    this.#totals.set(key, total);
    if (workers.length > 0) total.add(workers);
    const counted = total.of(workers);
    if (workers.length === 0 && isStarted)
      return { ...counted, connections: { current: this.#open.get(key) ?? 0, total: total.connections, queued: true } };
    this.#open.set(key, counted.connections.current);
    return counted;
  }

  /** It is gone. */
  forget(key: string): void {
    this.#silences.delete(key);
    this.#totals.delete(key);
    this.#open.delete(key);
  }
}
