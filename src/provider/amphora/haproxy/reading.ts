import type { Configuration } from '../configuration.ts';
import type { MasterControl, Worker } from './control.ts';
import { type Connections, type Loaded, readConnections, readLoaded } from './statistics.ts';

/** What the workers of a running HAProxy say. */
export interface Reading extends Omit<Loaded, 'connections'> {
  /** By worker, the one that takes new connections first. */
  workers: (Connections & { pid: number })[];
}

/** Each takes some megabytes of memory: no amphora has so many. */
const MOST_WORKERS = 256;

/**
 * Asks all workers one after the other, over one connection and another for each that a reload left behind. `peers`: those of the configuration that is
 * loaded. Rejects while one that lives can't be asked, and when there are said to be more than can be.
 */
export async function read(control: MasterControl, peers: Configuration['peers'], signal?: AbortSignal): Promise<Reading> {
  const { loaded, pid, old } = await control.session(
    async (master) => {
      const { workers } = await master.processes();
      const inCharge = workers.find((worker) => !worker.old);
      if (!inCharge) throw new Error('HAProxy has no worker that takes connections');
      return {
        loaded: await readLoaded(master.workerOf(inCharge.pid), peers),
        pid: inCharge.pid,
        old: workers.filter((worker) => worker.old),
      };
    },
    { signal },
  );
  const { connections, ...rest } = loaded;
  if (old.length > MOST_WORKERS) throw new Error(`HAProxy says that ${old.length} workers are left of reloads, more than it can have`);
  const left: Reading['workers'] = [];
  for (const worker of old) left.push(...(await readOld(control, worker, signal)));
  return { ...rest, workers: [{ ...connections, pid }, ...left] };
}

/** One that ended while it was asked has no connections; one that is only silent may have some. */
async function readOld(control: MasterControl, { pid }: Worker, signal?: AbortSignal): Promise<Reading['workers']> {
  try {
    return [{ ...(await control.session((master) => readConnections(master.workerOf(pid)), { signal })), pid }];
  } catch (error) {
    const { workers } = await control.processes(signal);
    if (workers.some((worker) => worker.pid === pid)) throw error;
    return [];
  }
}
