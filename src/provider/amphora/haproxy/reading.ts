import type { Configuration } from '../configuration.ts';
import type { MasterControl } from './control.ts';
import { type Connections, type Loaded, readConnections, readLoaded } from './statistics.ts';

/** What the workers of a running HAProxy say. */
export interface Reading extends Omit<Loaded, 'connections'> {
  /** By worker, the one that takes new connections first. */
  workers: (Connections & { pid: number })[];
}

/** Asks all workers; `peers`: those of the configuration that is loaded. Rejects while the newest can't be asked. */
export async function read(control: MasterControl, peers: Configuration['peers'], signal?: AbortSignal): Promise<Reading> {
  const { workers } = await control.processes(signal);
  const inCharge = workers.find(({ old }) => !old);
  if (!inCharge) throw new Error('HAProxy has no worker that takes connections');
  const old = workers.filter((worker) => worker.old);
  const [{ connections, ...loaded }, ...left] = await Promise.all([
    readLoaded(control.workerOf(inCharge.pid), peers, signal),
    // One may end while it is asked: then it has no connections.
    ...old.map(({ pid }) =>
      readConnections(control.workerOf(pid), signal).then(
        (counted) => [{ ...counted, pid }],
        () => [],
      ),
    ),
  ]);
  return { ...loaded, workers: [{ ...connections, pid: inCharge.pid }, ...left.flat()] };
}
