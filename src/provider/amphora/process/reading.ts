import type { Configuration } from '../configuration.ts';
import { type Connections, type Loaded, readConnections, readLoaded } from '../haproxy/statistics.ts';
import { type HaproxyProcess, newest } from './haproxy-process.ts';

/** What the workers of a running HAProxy say. */
export interface Reading extends Omit<Loaded, 'connections'> {
  /** By worker, the one that takes new connections first. */
  workers: (Connections & { pid: number })[];
}

/** Asks all workers; `peers`: those of the configuration that is loaded. Rejects while the newest can't be asked. */
export async function read(process: HaproxyProcess, peers: Configuration['peers'], signal?: AbortSignal): Promise<Reading> {
  const processes = await process.processes(signal);
  const inCharge = newest(processes);
  if (inCharge === undefined) throw new Error('HAProxy has no worker that takes connections');
  const ask = (pid: number) => (command: string) => process.ask(command, signal, pid);
  const old = processes.workers.filter((worker) => worker.old);
  const [{ connections, ...loaded }, ...left] = await Promise.all([
    readLoaded(ask(inCharge), peers, signal),
    // One may end while it is asked: then it has no connections.
    ...old.map(({ pid }) =>
      readConnections(ask(pid), signal).then(
        (counted) => [{ ...counted, pid }],
        () => [],
      ),
    ),
  ]);
  return { ...loaded, workers: [{ ...connections, pid: inCharge }, ...left.flat()] };
}

/** The hash that the running process reports. */
export async function loadedHash(process: HaproxyProcess, signal?: AbortSignal): Promise<string | undefined> {
  return /^CONFIG_HASH=(\S+)/m.exec(await process.ask('show env CONFIG_HASH', signal))?.[1];
}
