import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Configuration } from '../configuration.ts';
import { ConfigurationRefused, DriverError } from '../driver.ts';
import { ALIVE_PORT, applyMembers, carriedOver, configurationHash, PEERS_PORT, render } from '../haproxy/index.ts';
import { parseEnv } from '../haproxy/runtime.ts';
import { controlAddress, isAmphorae, portProblem } from './addresses.ts';
import { checkConfiguration, HaproxyProcess } from './haproxy-process.ts';
import { type Folder, readJson, readText, removeFolder, writeJson, writeWhole } from './layout.ts';

/** What an amphora keeps in its folder about itself. */
export interface AmphoraState {
  /** Unknown only of one that is lost. */
  address?: string;
  /** The configuration that was last loaded with success. */
  loaded?: Configuration;
  /** One that is on its way; it counts as loaded once the running process reports its hash. */
  loading?: Configuration;
  /** The worker that a drain left in charge: what came before it has been asked to end. */
  drainedTo?: number;
  /** Why it can't be started again. */
  lost?: string;
}

/** The HAProxy of one amphora and what it loads. The callers take care that no two acts on one amphora overlap. */
export class ProcessAmphora {
  readonly process: HaproxyProcess;
  readonly #folder: Folder;
  readonly #binary: () => Promise<string>;

  /** `binary` finds the HAProxy to run, or rejects in words. */
  constructor(folder: Folder, binary: () => Promise<string>, now: () => number) {
    this.#folder = folder;
    this.process = new HaproxyProcess(folder, now);
    this.#binary = binary;
  }

  /** What it keeps about itself; undefined when there is no such amphora. */
  state(): Promise<AmphoraState | undefined> {
    return readJson<AmphoraState>(this.#folder.stateFile, { lost: "what is kept of it (state.json) is damaged and can't be read" });
  }

  /** The same, a configuration that has been loaded meanwhile taken as such. */
  async settled(signal?: AbortSignal): Promise<AmphoraState | undefined> {
    const state = await this.state();
    if (!state?.loading || !(await this.process.alive())) return state;
    const env = await this.process.control.worker('show env CONFIG_HASH', signal).catch(() => '');
    if (parseEnv(env).get('CONFIG_HASH') !== configurationHash(state.loading)) return state;
    const settled = { ...state, loaded: state.loading, loading: undefined };
    await this.remember(settled);
    return settled;
  }

  /** Remembers something about it. */
  remember(state: AmphoraState): Promise<void> {
    return writeJson(this.#folder.stateFile, state);
  }

  /**
   * Starts it; after a crash with the configuration that it had, should the given one be refused.
   * @throws ConfigurationRefused, DriverError PortInUse, ImageNotFound, AmphoraLost
   */
  async start(state: AmphoraState, configuration: Configuration, serversState: string | undefined, signal?: AbortSignal): Promise<void> {
    const address = addressOf(state);
    if (await this.process.isCrashLooping()) return this.#giveUp(state, `it ended again and again: ${await this.process.lastWords()}`);
    const binary = await this.#binary().catch((error) => {
      if (state.loaded) return this.#giveUp(state, error.message);
      throw error;
    });
    await writeWhole(this.#serverStateFile, serversState === undefined ? '1\n' : carriedOver(serversState));
    let next = configuration;
    try {
      await this.#prepare(binary, address, next, signal);
    } catch (error) {
      if (!state.loaded || !(error instanceof ConfigurationRefused)) throw error;
      next = state.loaded;
      await this.#prepare(binary, address, next, signal);
    }
    await this.process.endLeftovers();
    await this.#requirePorts(address, portsOf(next));
    await this.#install();
    await this.remember({ ...state, loading: next, drainedTo: undefined });
    await this.process.start(binary);
  }

  /**
   * Brings the running process to this configuration: members by the runtime API where that can be, the rest by a reload. Clients wait for members, so that
   * these go first and into the file after; what the process has taken needs no check there, and whatever loads the file has it checked.
   * @throws ConfigurationRefused
   */
  async configure(state: AmphoraState, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    refuseAmphoraeAsMembers(configuration);
    const { reloadNeeded } = await this.process.control.session(({ worker }) => applyMembers(worker, configuration), { signal });
    if (reloadNeeded === undefined) {
      await this.#write(addressOf(state), configuration);
      await this.#install();
    } else {
      await this.#stage(state, configuration, signal);
      await this.remember({ ...state, loading: configuration });
      await this.#reload(signal).catch((error) => this.#unstage(state, error, signal));
    }
    await this.remember({ ...state, loaded: configuration, loading: undefined });
  }

  /**
   * Puts a configuration in the place from which the process loads. Nothing has changed when it rejects. Ports are tried here, since HAProxy
   * pauses all listeners of the old worker while a new one can't bind.
   * @throws ConfigurationRefused; DriverError PortInUse, PermissionDenied
   */
  async #stage(state: AmphoraState, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    const address = addressOf(state);
    const had = new Set(portsOf(state.loaded));
    await this.#prepare(await this.#binary(), address, configuration, signal);
    await this.#requirePorts(
      address,
      portsOf(configuration).filter((port) => !had.has(port)),
    );
    await this.#install();
  }

  /** After a reload that was refused: whatever loads next is to find what has been running all along. Rejects with the refusal. */
  async #unstage(state: AmphoraState, error: unknown, signal?: AbortSignal): Promise<never> {
    if (error instanceof ConfigurationRefused) {
      if (state.loaded) await this.#stage(state, state.loaded, signal);
      await this.remember({ ...state, loading: undefined });
    }
    throw error;
  }

  /**
   * Has a new worker load what is staged, with the members that are known to be down. The old worker tells its clients to go, and ends
   * with its last connection. Resolves to the new worker's pid.
   */
  async #reload(signal?: AbortSignal): Promise<number> {
    await writeWhole(this.#serverStateFile, carriedOver(await this.process.control.worker('show servers state', signal)));
    return this.process.reload(signal);
  }

  /** Asks all connections to end, unless those that it has have been asked already. */
  async drain(state: AmphoraState, signal?: AbortSignal): Promise<void> {
    const { workers } = await this.process.control.processes(signal);
    if (workers.find(({ old }) => !old)?.pid === state.drainedTo) return;
    // An operator that died in an act may have left something else there, which has never been loaded.
    if (state.loaded) await this.#stage(state, state.loaded, signal);
    await this.remember({ ...state, drainedTo: await this.#reload(signal) });
  }

  /** Removes all that is left of one that has ended. */
  remove(): Promise<void> {
    return removeFolder(this.#folder);
  }

  /** Writes the candidate and has it checked. */
  async #prepare(binary: string, address: string, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    refuseAmphoraeAsMembers(configuration);
    await this.#write(address, configuration);
    const { candidateFile } = this.#folder;
    const alerts = await checkConfiguration(binary, candidateFile, signal);
    if (alerts === undefined) return;
    await rm(candidateFile, { force: true });
    throw new ConfigurationRefused(this.process.withoutPaths(alerts));
  }

  /** Writes the candidate, and the files that it names. */
  async #write(address: string, configuration: Configuration): Promise<void> {
    const text = JSON.stringify(configuration);
    const filesDir = join(this.#folder.dir, `files-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
    const { config, files } = render(withControlAddresses(configuration), {
      bindAddress: address,
      acceptProxy: true,
      filesDir,
      adminSocket: this.#folder.adminSocket,
      aliveBind: `${controlAddress(address)}:${ALIVE_PORT}`,
      peersBind: `${controlAddress(address)}:${PEERS_PORT}`,
      serverStateFile: this.#serverStateFile,
    });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(filesDir, path)), { recursive: true, mode: 0o700 });
      await writeWhole(join(filesDir, path), content);
    }
    await writeWhole(this.#folder.candidateFile, config);
  }

  /** Makes the candidate the one that the next start or reload loads; what only older ones refer to goes. */
  async #install(): Promise<void> {
    const { dir, candidateFile, configurationFile } = this.#folder;
    await rename(candidateFile, configurationFile);
    const config = await readText(configurationFile);
    for (const name of await readdir(dir)) {
      if (name.startsWith('files-') && !config?.includes(name)) await rm(join(dir, name), { recursive: true, force: true });
    }
  }

  async #requirePorts(address: string, ports: number[]): Promise<void> {
    for (const port of ports) {
      const problem = await portProblem(address, port);
      if (problem) throw problem;
    }
  }

  async #giveUp(state: AmphoraState, why: string): Promise<never> {
    await this.remember({ ...state, lost: why });
    throw lostError(why);
  }

  get #serverStateFile(): string {
    return join(this.#folder.dir, 'servers.state');
  }
}

const lostError = (why: string) =>
  new DriverError('AmphoraLost', `HAProxy can't be kept running, so that the amphora is to be replaced: ${why}`);

/** Where it listens. @throws DriverError AmphoraLost */
export function addressOf({ address, lost }: AmphoraState): string {
  if (lost !== undefined || address === undefined) throw lostError(lost ?? 'its address is not known');
  return address;
}

const portsOf = (configuration: Configuration | undefined) =>
  [...(configuration?.listeners ?? []), ...(configuration?.kept?.listeners ?? [])].map(({ protocolPort }) => protocolPort);

/** A tenant's member at such an address would be another load balancer's amphora, or its control port. @throws ConfigurationRefused */
function refuseAmphoraeAsMembers({ pools, kept }: Configuration): void {
  for (const { pool, servers } of [...pools, ...(kept?.pools ?? [])]) {
    const address = servers.flatMap((server) => [server.address, server.monitorAddress ?? []].flat()).find(isAmphorae);
    if (address === undefined) continue;
    throw new ConfigurationRefused(
      `pool ${pool.name} has a member at ${address} (address or monitorAddress): 127.64.0.0/10 is where amphorae live, use another address`,
    );
  }
}

/** Peers are spoken to where no listener can be in the way. */
const withControlAddresses = (configuration: Configuration): Configuration => ({
  ...configuration,
  peers: configuration.peers.map((peer) => (peer.address === undefined ? peer : { ...peer, address: controlAddress(peer.address) })),
});
