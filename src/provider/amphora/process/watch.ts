import { ABSENT, type AmphoraObservation } from '../driver.ts';
import { type Reading, read, Total } from '../haproxy/index.ts';
import type { AmphoraState, ProcessAmphora } from './amphora.ts';
import type { VipServerObservation } from './vip.ts';

/** One that lives but doesn't answer for this long is ended and started again; a machine may be too busy for a while. */
const longestFreezeMs = 10_000;
/** A silence shorter than this is not worth a word. */
const patienceMs = 3_000;

/** Observes amphorae, and remembers of each what one look can't tell: since when it is silent, and what workers that are gone had counted. */
export class AmphoraWatch {
  readonly #now: () => number;
  readonly #silentSince = new Map<string, number>();
  readonly #totals = new Map<string, Total>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What is seen of an amphora that is there. `key` names it for good. */
  async observe(
    key: string,
    target: ProcessAmphora,
    state: AmphoraState,
    vip: VipServerObservation,
    signal?: AbortSignal,
  ): Promise<AmphoraObservation> {
    const alive = (await target.process.alive()) !== undefined;
    const reading = alive ? await this.#read(key, target, state, signal) : undefined;
    const { workers, ...loaded } = reading ?? { workers: [] };
    const total = this.#totals.get(key) ?? new Total();
    this.#totals.set(key, total);
    if (reading) total.add(workers);
    const { connections, statistics } = total.of(workers);
    return {
      ...ABSENT,
      ...loaded,
      exists: true,
      running: reading !== undefined,
      lost: state.lost !== undefined,
      problem: reading && state.lost === undefined ? undefined : await this.#problem(key, target, state, alive),
      address: state.address,
      startedAt: reading && (await target.process.startedAt()),
      attached: vip.inRotation,
      standby: vip.inRotation ? vip.standby : undefined,
      // A client in the kernel's queue of the amphora is known to the VIP alone.
      connections: { ...connections, current: Math.max(connections.current, vip.current) },
      statistics,
    };
  }

  /**
   * Whether a living process has been silent for so long that it is to be ended. It is asked once more: an operator that stood still
   * itself knows of a silence that may be long over.
   */
  async isFrozen(key: string, target: ProcessAmphora, state: AmphoraState | undefined, signal?: AbortSignal): Promise<boolean> {
    const since = this.#silentSince.get(key);
    if (since === undefined || this.#now() - since < longestFreezeMs) return false;
    return state === undefined || (await this.#read(key, target, state, signal)) === undefined;
  }

  /** It is about to be started: its silence counts anew. */
  starts(key: string): void {
    this.#silentSince.delete(key);
  }

  /** It is gone. */
  forget(key: string): void {
    this.#silentSince.delete(key);
    this.#totals.delete(key);
  }

  /** What the living process says; undefined while it says nothing. */
  async #read(key: string, target: ProcessAmphora, state: AmphoraState, signal?: AbortSignal): Promise<Reading | undefined> {
    try {
      const reading = await read(target.process.control, (state.loading ?? state.loaded)?.peers ?? [], signal);
      this.#silentSince.delete(key);
      await target.process.trimLog();
      return reading;
    } catch {
      signal?.throwIfAborted();
      if (!this.#silentSince.has(key)) this.#silentSince.set(key, this.#now());
      return undefined;
    }
  }

  async #problem(key: string, { process }: ProcessAmphora, state: AmphoraState, alive: boolean): Promise<AmphoraObservation['problem']> {
    if (state.lost !== undefined) return { reason: 'AmphoraLost', message: state.lost };
    const startedAt = (await process.startedAt())?.getTime();
    if (startedAt === undefined) return undefined;
    if (!alive) return { reason: 'CrashLoop', message: `HAProxy ended, and is started again: ${await process.lastWords()}` };
    const silentMs = this.#now() - Math.max(startedAt, this.#silentSince.get(key) ?? startedAt);
    if (silentMs < patienceMs) return undefined;
    const message = `HAProxy has not answered for ${Math.round(silentMs / 1000)} s; after ${longestFreezeMs / 1000} s it is ended and started again`;
    return { reason: 'DriverFailed', message };
  }
}
