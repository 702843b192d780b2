import { isDeepStrictEqual } from 'node:util';
import type { Amphora, MemberStatus } from '../../../api/index.ts';
import type { Configuration, MemberServer, PoolConfiguration } from '../configuration.ts';
import {
  ABSENT,
  type AmphoraDriver,
  type AmphoraObservation,
  ConfigurationRefused,
  DriverError,
  type ExistingAmphora,
  type LoadBalancerRef,
  type VipObservation,
  type VipRef,
} from '../driver.ts';
import { configurationHash, membersRevision } from '../haproxy/index.ts';
import { type Act, injectedError, type Subject } from './faults.ts';
import { type Fact, type Loaded, type SimulatedAmphora, type SimulatedVip, SimulatedWorld, seen, settled } from './world.ts';

/**
 * Amphorae that are entries in memory: for tests with faults and delays, for benchmarks, and for trying the operator where no HAProxy
 * is. It keeps the contract of `AmphoraDriver` to the letter; what goes wrong is asked of its world.
 */
export class SimulatedDriver implements AmphoraDriver {
  readonly name = 'simulated';
  readonly world: SimulatedWorld;

  constructor(world = new SimulatedWorld()) {
    this.world = world;
  }

  async ensureVip(ref: VipRef, ports: number[], signal?: AbortSignal): Promise<VipObservation> {
    await this.#act('ensureVip', { loadBalancerUid: ref.uid }, signal, (slow) => {
      const vip = this.world.vip(ref.uid) ?? this.world.addVip(ref.uid, ref.address);
      vip.ports = this.#soon('ensureVip', slow, vip.ports, [...ports].sort(ascending), (a, b) => a.join() === b.join());
    });
    return this.#observeVip(this.world.vip(ref.uid)!);
  }

  async observeVip(ref: VipRef, signal?: AbortSignal): Promise<VipObservation | undefined> {
    signal?.throwIfAborted();
    const vip = this.world.vip(ref.uid);
    return vip && this.#observeVip(vip);
  }

  async releaseVip(ref: VipRef, signal?: AbortSignal): Promise<void> {
    await this.#act('releaseVip', { loadBalancerUid: ref.uid }, signal, () => {
      this.world.removeVip(ref.uid);
      for (const amphora of this.world.amphorae(ref.uid)) amphora.attached = settled(false);
    });
  }

  async build(
    amphora: Amphora,
    configuration: Configuration,
    options: { serversState?: string } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const subject = subjectOf(amphora);
    await this.#act('build', subject, signal, (slow) => {
      const { world } = this;
      const now = world.now();
      const existing = this.#find(amphora);
      if (existing?.lost) throw lostError(existing.name);
      if (existing?.running.is && !existing.problem) return;
      const refusal = this.world.faults.strike('configurationRefused', subject, { configuration });
      if (refusal) throw new ConfigurationRefused(refusal.message);

      const built = existing ?? world.addAmphora(newborn(amphora, now));
      const failure = world.faults.strike('buildFails', subject);
      built.problem = failure && { reason: failure.reason, message: failure.message };
      if (failure || world.faults.strike('neverReady', subject)) return;
      built.running = this.#soon('build', slow, built.running, true);
      built.startedAt = built.running.at;
      built.loaded = this.#soon('build', slow, built.loaded ?? settled<Loaded | undefined>(undefined), load(configuration), sameLoaded);
      built.syncedAt = built.running.at + (world.delays.sync ?? 0);
      built.serversState = options.serversState;
      built.held = 0;
      built.total = 0;
      built.countedAt = built.running.at;
    });
  }

  async configure(amphora: Amphora, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    const subject = subjectOf(amphora);
    await this.#act('configure', subject, signal, (slow) => {
      const target = this.#existing(amphora);
      if (!this.#isRunning(target))
        throw new DriverError('DriverFailed', `${target.name} does not run, so that it can't be configured: build it first`);
      const refusal = this.world.faults.strike('configurationRefused', subject, { configuration });
      if (refusal) throw new ConfigurationRefused(refusal.message);
      target.renewalDue = false;
      target.loaded = this.#soon(
        'configure',
        slow,
        target.loaded ?? settled<Loaded | undefined>(undefined),
        load(configuration),
        sameLoaded,
      );
    });
  }

  async lastConfiguration(amphora: Amphora, signal?: AbortSignal): Promise<Configuration | undefined> {
    signal?.throwIfAborted();
    const loaded = this.#find(amphora)?.loaded;
    return loaded && structuredClone(seen(loaded, this.world.now())?.configuration);
  }

  async observe(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation> {
    signal?.throwIfAborted();
    const { world } = this;
    const now = world.now();
    const found = this.#find(amphora);
    if (!found) return structuredClone(ABSENT);
    const unseen = world.faults.strike('unseen', subjectOf(amphora));
    if (unseen) throw new DriverError(unseen.reason, unseen.message);
    const running = this.#isRunning(found);
    const loaded = running && found.loaded ? seen(found.loaded, now) : undefined;
    const attached = world.vip(found.uid) !== undefined && seen(found.attached, now);
    return {
      exists: true,
      running,
      lost: found.lost,
      problem: found.problem,
      disruption: found.disruption,
      renewalDue: running && found.renewalDue,
      address: found.address,
      haproxyVersion: running ? 'simulated' : undefined,
      startedAt: running ? new Date(found.startedAt) : undefined,
      attached,
      // One that is on its way out is not settled: to keep it, it has to be attached once more.
      standby: attached && found.attached.is ? found.backup : undefined,
      configurationHash: loaded?.hash,
      membersRevision: loaded?.revision,
      listeners: [...(loaded?.configuration.listeners ?? []), ...(loaded?.configuration.kept?.listeners ?? [])].map(({ protocolPort }) => ({
        protocolPort,
        open: running,
      })),
      members: (loaded?.configuration.pools ?? []).flatMap((pool) => this.#members(pool, found.name)),
      uncheckedMembers: loaded ? world.uncheckedMembers(found.name) : 0,
      stickTablesSynced: !running || now >= found.syncedAt,
      ...(running
        ? this.#counted(found, loaded?.configuration.listeners[0]?.protocolPort)
        : { connections: ABSENT.connections, statistics: [] }),
    };
  }

  async serversState(amphora: Amphora, signal?: AbortSignal): Promise<string | undefined> {
    signal?.throwIfAborted();
    const found = this.#find(amphora);
    if (!found || !this.#isRunning(found) || !found.loaded) return undefined;
    const members = (seen(found.loaded, this.world.now())?.configuration.pools ?? []).flatMap((pool) => this.#members(pool, found.name));
    return ['1', ...members.map((member) => `${member.pool} ${member.address} ${member.protocolPort} ${member.status}`), ''].join('\n');
  }

  async attach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    await this.#act('attach', subjectOf(amphora), signal, (slow) => {
      const target = this.#existing(amphora);
      if (!this.world.vip(target.uid))
        throw new DriverError('VipPending', `${target.name} can't be attached: its load balancer has no VIP yet`);
      target.backup = amphora.spec.role === 'BACKUP';
      target.drained = false;
      target.attached = this.#soon('attach', slow, target.attached, true);
    });
  }

  async detach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    await this.#act('detach', subjectOf(amphora), signal, (slow) => {
      const target = this.#find(amphora);
      if (target) target.attached = this.#soon('detach', slow, target.attached, false);
    });
  }

  async drain(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    const subject = subjectOf(amphora);
    await this.#act('drain', subject, signal, () => {
      const target = this.#find(amphora);
      if (!target || !this.#isRunning(target)) return;
      if (target.attached.is) throw stillAttached(target.name, 'drained');
      target.drained = true;
      if (!this.world.faults.strike('connectionsDontEnd', subject)) target.held = 0;
    });
  }

  async destroy(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    await this.#act('destroy', subjectOf(amphora), signal, () => {
      const target = this.#find(amphora);
      if (!target) return;
      const attached = target.attached.is || seen(target.attached, this.world.now());
      if (attached && this.world.vip(target.uid)) throw stillAttached(target.name, 'destroyed');
      this.world.removeAmphora(target.uid, target.name);
    });
  }

  async list({ uid }: LoadBalancerRef, signal?: AbortSignal): Promise<ExistingAmphora[]> {
    signal?.throwIfAborted();
    const names = this.world.amphorae(uid).map(({ name }) => name);
    return names.sort().map((name) => ({ name, isEnding: false }));
  }

  /** Every act goes through here: what is injected happens around it, and nothing else does. */
  async #act(act: Act, subject: Subject, signal: AbortSignal | undefined, effect: (slowMs: number) => void): Promise<void> {
    signal?.throwIfAborted();
    const { faults, chaos } = this.world;
    if (faults.strike('hangs', subject, { act })) await aborted(signal);
    const before = faults.strike('throws', subject, { act, when: 'before' });
    if (before) throw before.error ?? injectedError(act, 'before');
    const roll = chaos ? chaos.random() / chaos.probability : Number.POSITIVE_INFINITY;
    if (roll < 0.5) throw injectedError(act, 'before');
    effect(faults.strike('slow', subject, { act })?.ms ?? 0);
    const after = faults.strike('throws', subject, { act, when: 'after' });
    if (after) throw after.error ?? injectedError(act, 'after');
    if (roll < 1) throw injectedError(act, 'after');
  }

  /** The fact as the act leaves it. A repeated act doesn't put off what is on its way. */
  #soon<T>(act: Act, slowMs: number, fact: Fact<T>, value: T, equal: (a: T, b: T) => boolean = Object.is): Fact<T> {
    if (equal(fact.is, value)) return fact;
    const now = this.world.now();
    return { was: seen(fact, now), is: value, at: now + (this.world.delays[act] ?? 0) + slowMs };
  }

  #observeVip(vip: SimulatedVip): VipObservation {
    const now = this.world.now();
    const reachable = this.world.amphorae(vip.uid).filter((a) => a.attached.is && seen(a.attached, now) && this.#isRunning(a));
    return { address: vip.address, ports: [...seen(vip.ports, now)], attached: reachable.map(({ name }) => name).sort() };
  }

  /** All connections are of one listener, and each brings 100 bytes and takes 1000. */
  #counted(amphora: SimulatedAmphora, protocolPort: number | undefined): Pick<AmphoraObservation, 'connections' | 'statistics'> {
    const now = this.world.now();
    const rivals = this.world.amphorae(amphora.uid).filter((other) => !other.backup && seen(other.attached, now) && this.#isRunning(other));
    const takesTraffic = seen(amphora.attached, now) && (!amphora.backup || rivals.length === 0);
    if (takesTraffic) amphora.total += ((now - amphora.countedAt) / 1000) * this.world.newConnectionsPerSecond;
    amphora.countedAt = now;
    const [current, total] = [amphora.held, Math.floor(amphora.total)];
    const counted = { activeConnections: current, totalConnections: total, bytesIn: 100 * total, bytesOut: 1000 * total, requestErrors: 0 };
    return {
      connections: { current, total, queued: amphora.queued },
      statistics: protocolPort === undefined ? [] : [{ protocolPort, ...counted }],
    };
  }

  #members({ pool, servers }: PoolConfiguration, amphora: string): AmphoraObservation['members'] {
    const monitored = pool.healthMonitor?.adminStateUp === true;
    return servers.map((server) => ({
      pool: pool.name,
      address: server.address,
      protocolPort: server.protocolPort,
      status: memberStatus(server, monitored, this.world.memberStatus(server.address, server.protocolPort, amphora)),
    }));
  }

  #isRunning = (amphora: SimulatedAmphora) => !amphora.lost && seen(amphora.running, this.world.now());

  #find = (amphora: Amphora) => this.world.amphora(amphora.spec.loadBalancer.uid, amphora.metadata.name);

  #existing(amphora: Amphora): SimulatedAmphora {
    const found = this.#find(amphora);
    if (!found) throw new DriverError('DriverFailed', `there is no amphora ${amphora.metadata.name}: build it first`);
    return found;
  }
}

function newborn(amphora: Amphora, now: number): Omit<SimulatedAmphora, 'address'> {
  return {
    uid: amphora.spec.loadBalancer.uid,
    name: amphora.metadata.name,
    flavorId: amphora.spec.flavorId,
    backup: amphora.spec.role === 'BACKUP',
    renewalDue: false,
    running: settled(false),
    lost: false,
    startedAt: now,
    attached: settled(false),
    drained: false,
    syncedAt: now,
    held: 0,
    total: 0,
    countedAt: now,
    queued: false,
  };
}

const load = (configuration: Configuration): Loaded => ({
  configuration: structuredClone(configuration),
  hash: configurationHash(configuration),
  revision: membersRevision(configuration),
});

/** What is kept of an earlier configuration counts in neither. */
const sameLoaded = (a: Loaded | undefined, b: Loaded | undefined) =>
  a?.hash === b?.hash && a?.revision === b?.revision && isDeepStrictEqual(a?.configuration.kept, b?.configuration.kept);

function memberStatus({ enabled, draining }: MemberServer, monitored: boolean, checked: MemberStatus): MemberStatus {
  if (!enabled) return 'OFFLINE';
  if (draining) return 'DRAINING';
  return monitored ? checked : 'NO_MONITOR';
}

const subjectOf = ({ metadata, spec }: Amphora): Subject => ({
  amphora: metadata.name,
  flavorId: spec.flavorId,
  loadBalancerUid: spec.loadBalancer.uid,
});

const lostError = (name: string) => new DriverError('AmphoraLost', `${name} is gone for good and can't be started again: replace it`);

const stillAttached = (name: string, what: string) =>
  new DriverError('DriverFailed', `${name} is behind the VIP and can't be ${what}: detach it first`);

const ascending = (a: number, b: number) => a - b;

/** Rejects as soon as the signal aborts; without a signal, never. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
