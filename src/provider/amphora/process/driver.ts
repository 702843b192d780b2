import { access, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Amphora } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import {
  ABSENT,
  type AmphoraDriver,
  type AmphoraObservation,
  DriverError,
  type ExistingAmphora,
  type LoadBalancerRef,
  type VipObservation,
  type VipRef,
} from '../driver.ts';
import { ALIVE_PORT } from '../haproxy/index.ts';
import { KeyedMutex } from '../mutex.ts';
import { AddressBook, amphoraAddresses, controlAddress, portProblem, vipAddress, vipAddresses } from './addresses.ts';
import { type AmphoraState, addressOf, ProcessAmphora } from './amphora.ts';
import { onDisk } from './disk.ts';
import { findBinary } from './haproxy-process.ts';
import { Layout } from './layout.ts';
import { Vip, type VipServerObservation } from './vip.ts';
import type { VipState } from './vip-configuration.ts';
import { AmphoraWatch } from './watch.ts';

export interface ProcessDriverOptions {
  /** Absolute. Who has it finds all that another driver on it has left. */
  stateDir: string;
  /** The HAProxy binary of flavors without an `ampImageTag`: a path, or a name on the PATH. Default `haproxy`. */
  haproxy?: string;
  /** Holds `<ampImageTag>/haproxy` for each tag of a flavor. Default `images` in the state folder. */
  imagesDir?: string;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * Amphorae that are HAProxy processes of this machine, behind VIPs on loopback addresses that a HAProxy in TCP mode serves: all of them
 * outlive the operator. One driver at a time may act on a state folder.
 */
export class ProcessDriver implements AmphoraDriver {
  readonly name = 'process';
  readonly #layout: Layout;
  readonly #addresses: AddressBook;
  readonly #haproxy: string;
  readonly #imagesDir: string;
  readonly #now: () => number;
  readonly #mutex = new KeyedMutex();
  readonly #watch: AmphoraWatch;

  constructor({ stateDir, haproxy = 'haproxy', imagesDir = join(stateDir, 'images'), now = Date.now }: ProcessDriverOptions) {
    this.#layout = new Layout(stateDir);
    this.#addresses = new AddressBook(this.#layout.addresses, (owner) => this.#isThere(owner));
    this.#haproxy = haproxy;
    this.#imagesDir = imagesDir;
    this.#now = now;
    this.#watch = new AmphoraWatch(now);
  }

  ensureVip(ref: VipRef, ports: number[], signal?: AbortSignal): Promise<VipObservation> {
    return this.#onVip(ref.uid, signal, async (vip) => {
      const state = await vip.state();
      let address = state?.address;
      // The folder first: without it, a claim is void.
      await this.#layout.create(this.#layout.vip(ref.uid));
      try {
        address ??= await this.#vipAddress(ref, ports);
        await vip.requirePorts(address, ports);
      } catch (error) {
        if (!state) await this.#removeVip(vip, ref.uid, address);
        throw error;
      }
      await vip.apply({ address, ports: [...ports].sort((a, b) => a - b), servers: state?.servers ?? [] }, signal);
      return (await vip.observe(signal))!;
    });
  }

  async observeVip(ref: VipRef, signal?: AbortSignal): Promise<VipObservation | undefined> {
    signal?.throwIfAborted();
    return onDisk(() => this.#vip(ref.uid).observe(signal));
  }

  releaseVip(ref: VipRef, signal?: AbortSignal): Promise<void> {
    return this.#onVip(ref.uid, signal, async (vip) => {
      await this.#removeVip(vip, ref.uid, (await vip.state())?.address);
    });
  }

  build(
    amphora: Amphora,
    configuration: Configuration,
    { serversState }: { serversState?: string } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#onAmphora(amphora, signal, async (target) => {
      if (await target.process.alive()) {
        if (!(await this.#watch.isFrozen(keyOf(amphora), target, await target.state(), signal))) return;
        await target.process.end();
      }
      this.#watch.starts(keyOf(amphora));
      const state = (await target.state()) ?? (await this.#newAmphora(amphora, target));
      await target.start(state, configuration, serversState, signal);
    });
  }

  configure(amphora: Amphora, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    return this.#onAmphora(amphora, signal, async (target) => {
      const state = await target.settled(signal);
      if (!state || !(await target.process.alive()))
        throw new DriverError('DriverFailed', `${amphora.metadata.name} does not run, so that it can't be configured: build it first`);
      await target.configure(state, configuration, signal);
    });
  }

  async lastConfiguration(amphora: Amphora, signal?: AbortSignal): Promise<Configuration | undefined> {
    return this.#onAmphora(amphora, signal, async (target) => (await target.settled(signal))?.loaded);
  }

  async observe(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation> {
    signal?.throwIfAborted();
    const target = this.#amphora(amphora);
    const state = await target.state();
    if (!state) return { ...ABSENT };
    return onDisk(async () => {
      const vip = await this.#observeServer(amphora, signal);
      return this.#watch.observe(keyOf(amphora), target, state, vip, signal);
    });
  }

  async serversState(amphora: Amphora, signal?: AbortSignal): Promise<string | undefined> {
    signal?.throwIfAborted();
    const { process } = this.#amphora(amphora);
    if (!(await process.alive())) return undefined;
    return process.control.worker('show servers state', signal).catch(() => undefined);
  }

  async attach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    const { name } = amphora.metadata;
    const address = await this.#onAmphora(amphora, signal, async (target) => {
      const state = await target.state();
      if (!state) throw new DriverError('DriverFailed', `${name} can't be attached: it was never built`);
      // What comes to it from now on has not been asked to end.
      if (state.drainedTo !== undefined) await target.remember({ ...state, drainedTo: undefined });
      return addressOf(state);
    });
    await this.#onVip(amphora.spec.loadBalancer.uid, signal, async (vip) => {
      const state = await vip.state();
      if (!state) throw new DriverError('VipPending', `${name} can't be attached: its load balancer has no VIP yet`);
      const server = { amphora: name, role: amphora.spec.role, address, checkAddress: controlAddress(address), checkPort: ALIVE_PORT };
      await vip.apply({ ...state, servers: [...without(state, name), server] }, signal);
    });
  }

  detach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#onVip(amphora.spec.loadBalancer.uid, signal, async (vip) => {
      const state = await vip.state();
      if (state) await vip.apply({ ...state, servers: without(state, amphora.metadata.name) }, signal);
    });
  }

  drain(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#onAmphora(amphora, signal, async (target) => {
      const state = await target.settled(signal);
      if (!state || !(await target.process.alive())) return;
      await this.#requireDetached(amphora, 'drained');
      await target.drain(state, signal);
    });
  }

  destroy(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#onAmphora(amphora, signal, async (target) => {
      const state = await target.state();
      await this.#requireDetached(amphora, 'destroyed');
      await target.process.end();
      if (state?.address !== undefined) await this.#addresses.free(keyOf(amphora), state.address);
      await target.remove();
      this.#watch.forget(keyOf(amphora));
      const { uid } = amphora.spec.loadBalancer;
      // A release of the VIP that ended with the operator may have left files: without a state it counts as released, and nobody else would look.
      await this.#onVip(uid, signal, async (vip) => {
        if (!(await vip.state())) await vip.remove();
      });
      await this.#removeIfEmpty(uid);
    });
  }

  async list({ uid }: LoadBalancerRef, signal?: AbortSignal): Promise<ExistingAmphora[]> {
    signal?.throwIfAborted();
    const names = await readdir(this.#layout.amphorae(uid)).catch(() => []);
    return names.sort().map((name) => ({ name, isEnding: false }));
  }

  /**
   * How the VIP has an amphora. What was cut off between the VIP's state and its process, as by the operator's death, is carried through before:
   * the next act starts from the state, and would take with it what nobody decided on then.
   */
  async #observeServer({ spec, metadata: { name } }: Amphora, signal?: AbortSignal): Promise<VipServerObservation> {
    const { uid } = spec.loadBalancer;
    const seen = await this.#vip(uid).observeServer(name, signal);
    if (seen.inRotation === seen.wanted) return seen;
    return this.#onVip(uid, signal, async (vip) => {
      const state = await vip.state();
      // What keeps it from that is told by the act that meets with it: here it must not hide how the amphora is.
      if (state) await vip.apply(state, signal).catch(() => signal?.throwIfAborted());
      return vip.observeServer(name, signal);
    });
  }

  async #newAmphora(amphora: Amphora, target: ProcessAmphora): Promise<AmphoraState> {
    await this.#layout.create(this.#layout.amphora(amphora.spec.loadBalancer.uid, amphora.metadata.name));
    const isUsable = async (address: string) => (await portProblem(controlAddress(address), ALIVE_PORT)) === undefined;
    const state = { address: await this.#addresses.allocate(keyOf(amphora), amphoraAddresses, isUsable) };
    await target.remember(state);
    return state;
  }

  /** The address of a VIP that has none yet. */
  async #vipAddress({ uid, address: wanted }: VipRef, ports: number[]): Promise<string> {
    const owner = vipOwner(uid);
    if (wanted === undefined) {
      // Where another program has a port on all addresses, no address is free of it, and which port it is will be told.
      let passedOver = 0;
      const isUsable = async (address: string) => {
        const problems = await Promise.all(ports.map((port) => portProblem(address, port)));
        return !problems.some((problem) => problem?.reason === 'PortInUse') || ++passedOver > 10;
      };
      return this.#addresses.allocate(owner, vipAddresses, isUsable);
    }
    const address = vipAddress(wanted);
    const problem = await portProblem(address, 0);
    if (problem) throw problem;
    await this.#addresses.take(owner, address);
    return address;
  }

  /** The folder last: while it is there, so is the memory of the address that is to be freed. */
  async #removeVip(vip: Vip, uid: string, address: string | undefined): Promise<void> {
    await vip.end();
    if (address !== undefined) await this.#addresses.free(vipOwner(uid), address);
    await vip.remove();
    await this.#removeIfEmpty(uid);
  }

  /** Whether an owner of an address has a folder. */
  #isThere(owner: string): Promise<boolean> {
    const [uid = '', name = ''] = owner.split('/');
    const { dir } = owner === vipOwner(uid) ? this.#layout.vip(uid) : this.#layout.amphora(uid, name);
    return access(dir).then(
      () => true,
      () => false,
    );
  }

  async #requireDetached(amphora: Amphora, what: string): Promise<void> {
    const vip = this.#vip(amphora.spec.loadBalancer.uid);
    const { name } = amphora.metadata;
    const { wanted, inRotation } = await vip.observeServer(name);
    if (wanted || inRotation) throw new DriverError('DriverFailed', `${name} is behind the VIP and can't be ${what}: detach it first`);
  }

  /** The HAProxy of the flavor: of its image tag, or the default. */
  #binary({ spec }: Amphora): Promise<string> {
    const tag = spec.flavorData.ampImageTag;
    if (tag === undefined) return findBinary(this.#haproxy, 'install HAProxy, or name it with --haproxy');
    return findBinary(
      join(this.#imagesDir, tag, 'haproxy'),
      `put the HAProxy of ampImageTag ${tag} there, or use a flavor with another tag`,
    );
  }

  #amphora(amphora: Amphora): ProcessAmphora {
    const folder = this.#layout.amphora(amphora.spec.loadBalancer.uid, amphora.metadata.name);
    return new ProcessAmphora(folder, () => this.#binary(amphora), this.#now);
  }

  #vip(uid: string): Vip {
    return new Vip(this.#layout.vip(uid), () => findBinary(this.#haproxy, 'install HAProxy, or name it with --haproxy'), this.#now);
  }

  async #onVip<T>(uid: string, signal: AbortSignal | undefined, act: (vip: Vip) => Promise<T>): Promise<T> {
    return this.#mutex.run(vipOwner(uid), async () => {
      signal?.throwIfAborted();
      return onDisk(() => act(this.#vip(uid)));
    });
  }

  async #onAmphora<T>(amphora: Amphora, signal: AbortSignal | undefined, act: (target: ProcessAmphora) => Promise<T>): Promise<T> {
    return this.#mutex.run(keyOf(amphora), async () => {
      signal?.throwIfAborted();
      return onDisk(() => act(this.#amphora(amphora)));
    });
  }

  async #removeIfEmpty(uid: string): Promise<void> {
    for (const dir of [this.#layout.amphorae(uid), this.#layout.loadBalancer(uid)]) await rmdir(dir).catch(() => {});
  }
}

const without = ({ servers }: VipState, amphora: string) => servers.filter((server) => server.amphora !== amphora);

const vipOwner = (uid: string) => `${uid}/vip`;

const keyOf = ({ spec, metadata }: Amphora) => `${spec.loadBalancer.uid}/${metadata.name}`;
