import { DriverError, type VipObservation } from '../driver.ts';
import { parseStat } from '../haproxy/runtime.ts';
import { portProblem } from './addresses.ts';
import { HaproxyProcess } from './haproxy-process.ts';
import { type Folder, readJson, removeFolder, writeJson, writeWhole } from './layout.ts';
import {
  amphoraOf,
  BACKENDS,
  renderVip,
  serverArguments,
  serverName,
  socketName,
  type VipServer,
  type VipState,
} from './vip-configuration.ts';

/** What the VIP's HAProxy says of one amphora. */
export interface VipServerObservation {
  /** It is to be behind the VIP; differs from `inRotation` while that is brought about, and after it was cut off half done. */
  wanted: boolean;
  /** New connections may be given to it. */
  inRotation: boolean;
  /** It takes traffic only while no other does. */
  standby: boolean;
  /** Connections to it, over all workers. */
  current: number;
}

/** A master that reloads itself answers nobody meanwhile. */
const longestReloadMs = 2_000;

interface Row {
  proxy: string;
  server: string;
  status: string;
  current: number;
}

/**
 * The HAProxy process of one VIP. Its state file says what it is to be and is written first, so that a start or a reload at any moment
 * leads there; the running process is then brought along. The callers take care that no two acts on one VIP overlap.
 */
export class Vip {
  readonly #folder: Folder;
  readonly #process: HaproxyProcess;
  readonly #binary: () => Promise<string>;

  constructor(folder: Folder, binary: () => Promise<string>, now: () => number) {
    this.#folder = folder;
    this.#binary = binary;
    this.#process = new HaproxyProcess(folder, now);
  }

  /** What it is to be; undefined when there is no VIP. */
  state(): Promise<VipState | undefined> {
    return readJson<VipState>(this.#folder.stateFile);
  }

  /** Makes the VIP what `state` says: starts its process, or changes the running one without cutting a connection. */
  async apply(state: VipState, signal?: AbortSignal): Promise<void> {
    await writeWhole(this.#folder.configurationFile, renderVip(state, this.#folder));
    await writeJson(this.#folder.stateFile, state);
    const rows = await this.#running(signal);
    if (openPorts(rows).join() !== [...state.ports].sort(ascending).join()) await this.#process.reload(signal);
    else await this.#syncServers(state, rows, signal);
  }

  /** Refuses ports that can't be had before anything changes. @throws DriverError PortInUse, PermissionDenied, AddressNotAvailable */
  async requirePorts(address: string, ports: number[]): Promise<void> {
    const state = await this.state();
    // What it serves, if its state was damaged, is not known: it starts anew.
    if (state) await this.#process.endLeftovers();
    else await this.#process.end();
    const held = (await this.#process.alive()) ? (state?.ports ?? []) : [];
    for (const port of ports) {
      const problem = held.includes(port) ? undefined : await portProblem(address, port);
      if (problem) throw problem;
    }
  }

  /** What the running process says, of amphorae that are to stay behind it; undefined when there is no VIP. */
  async observe(signal?: AbortSignal): Promise<VipObservation | undefined> {
    const state = await this.state();
    if (!state) return undefined;
    const rows = (await this.#process.alive()) ? await this.#ask(() => this.#rows(signal), signal) : [];
    const up = rows.filter(({ proxy, status }) => proxy === 'amphorae' && (status.startsWith('UP') || status === 'no check'));
    const wanted = new Set(state.servers.map(({ amphora }) => amphora));
    const attached = up.map(({ server }) => amphoraOf(server)).filter((name) => wanted.has(name));
    return { address: state.address, ports: openPorts(rows), attached: [...new Set(attached)].sort() };
  }

  /**
   * What the running process says of an amphora; while it doesn't run, what it will do with it once it does. Rejects when it can't be
   * asked: that an amphora is out of rotation must not be a guess.
   */
  async observeServer(amphora: string, signal?: AbortSignal): Promise<VipServerObservation> {
    const mine = (rows: Row[]) =>
      rows.filter(({ proxy, server }) => isBackend(proxy) && server !== 'BACKEND' && amphoraOf(server) === amphora);
    const server = (await this.state())?.servers.find((candidate) => candidate.amphora === amphora);
    const wanted = server !== undefined;
    if (!(await this.#process.alive())) return { wanted, inRotation: wanted, standby: server?.role === 'BACKUP', current: 0 };
    return this.#ask(async () => {
      const { workers } = await this.#process.control.processes(signal);
      const inCharge = workers.filter(({ old }) => !old);
      const now = mine((await Promise.all(inCharge.map(({ pid }) => this.#rows(signal, pid)))).flat());
      // A worker that a reload left behind may end while it is asked.
      const old = workers.filter((worker) => worker.old).map(({ pid }) => this.#rows(signal, pid).then(mine, () => []));
      const current = [...now, ...(await Promise.all(old)).flat()].reduce((sum, row) => sum + row.current, 0);
      const inRotation = now.filter(({ status }) => !isOut(status));
      return { wanted, inRotation: inRotation.length > 0, standby: inRotation.length > 0 && inRotation.every(isStandby), current };
    }, signal);
  }

  /** Ends the process, with all connections. */
  end(): Promise<void> {
    return this.#process.end();
  }

  /** Removes all that is left of one that has ended. */
  remove(): Promise<void> {
    return removeFolder(this.#folder);
  }

  /** What the process says, which is started if it has to be; one that is alive and stays silent is ended for that. */
  async #running(signal?: AbortSignal): Promise<Row[]> {
    const rows = () => this.#process.untilItAnswers(() => this.#rows(signal), signal);
    if (await this.#process.alive()) {
      await this.#process.trimLog();
      const said = await rows().catch(() => undefined);
      if (said) return said;
      signal?.throwIfAborted();
      await this.#process.end();
    }
    await this.#process.start(await this.#binary());
    return rows();
  }

  /** Asks the living process, with patience for the moment of a reload in which nobody answers. */
  #ask<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#process.untilItAnswers(ask, signal, longestReloadMs);
  }

  /** Brings the servers of the running process to the state: those that are missing are added, those that are too many go out. */
  async #syncServers(state: VipState, rows: Row[], signal?: AbortSignal): Promise<void> {
    const ask = (command: string) => this.#process.control.worker(command, signal);
    const wanted = new Map(state.servers.map((server) => [serverName(server), server]));
    for (const backend of BACKENDS) {
      const present = new Map(rows.filter(({ proxy }) => proxy === backend).map((row) => [row.server, row]));
      for (const [name, server] of wanted) {
        const row = present.get(name);
        if (!row) await this.#add(ask, backend, name, server);
        else if (isOut(row.status)) await expectSilence(ask, `set server ${backend}/${name} state ready`);
      }
      for (const [name, row] of present) {
        if (wanted.has(name) || name === 'BACKEND') continue;
        if (!isOut(row.status)) await expectSilence(ask, `set server ${backend}/${name} state maint`);
        // It goes when its last connection has ended and it was added at run time; until then, or the next reload, it is of no weight.
        if (row.current === 0) await ask(`del server ${backend}/${name}`);
      }
    }
  }

  async #add(
    ask: (command: string) => Promise<string>,
    backend: (typeof BACKENDS)[number],
    name: string,
    server: VipServer,
  ): Promise<void> {
    const target = `${backend}/${name}`;
    const answer = await ask(`add server ${target} ${serverArguments(server, backend)}`);
    if (!/New server registered/.test(answer)) throw new DriverError('DriverFailed', `the VIP does not take ${name}: ${answer.trim()}`);
    if (backend === 'amphorae') await expectSilence(ask, `enable health ${target}`);
    await expectSilence(ask, `set server ${target} state ready`);
  }

  /** `show stat`, the rows of sockets and servers. */
  async #rows(signal?: AbortSignal, pid?: number): Promise<Row[]> {
    const { control } = this.#process;
    const ask = pid === undefined ? control.worker : control.workerOf(pid);
    return parseStat(await ask('show stat', signal)).map((row) => ({
      proxy: row('pxname'),
      server: row('svname'),
      status: row('status'),
      current: Number(row('scur')),
    }));
  }
}

const isBackend = (proxy: string) => (BACKENDS as readonly string[]).includes(proxy);

const isStandby = ({ server }: Row) => server !== amphoraOf(server);

const isOut = (status: string) => status.startsWith('MAINT') || status.startsWith('DRAIN');

const ascending = (a: number, b: number) => a - b;

/** A socket at its connection limit (FULL, or WAITING for the limit of the process) lets clients wait in the kernel's queue: it is open. */
const isBound = (status: string) => ['OPEN', 'FULL', 'WAITING'].includes(status);

function openPorts(rows: Row[]): number[] {
  const prefix = socketName(0).slice(0, -1);
  return rows
    .filter(({ proxy, server, status }) => proxy === 'vip' && server.startsWith(prefix) && isBound(status))
    .map(({ server }) => Number(server.slice(prefix.length)))
    .sort(ascending);
}

/** The commands that change a server answer nothing, unless they failed. */
async function expectSilence(ask: (command: string) => Promise<string>, command: string): Promise<void> {
  const answer = (await ask(command)).trim();
  if (answer !== '') throw new DriverError('DriverFailed', `the VIP's HAProxy did not obey "${command}": ${answer}`);
}
