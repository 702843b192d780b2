import type { MemberStatus } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { DriverError } from '../driver.ts';
import { type Act, Faults } from './faults.ts';

/** A fact that takes its new value at a moment to come; nothing has to happen then, who looks later sees it. */
export interface Fact<T> {
  was: T;
  is: T;
  /** Milliseconds, on the clock of the world. */
  at: number;
}

/** A configuration with its digests, taken once: they are asked for at every look. */
export interface Loaded {
  configuration: Configuration;
  hash: string;
  revision: string;
}

/** One amphora of the simulated world. Invariant: `loaded` is undefined until it has been configured for the first time. */
export interface SimulatedAmphora {
  uid: string;
  name: string;
  flavorId: string;
  backup: boolean;
  address: string;
  problem?: { reason: string; message: string };
  /** The place that it runs on is being cleared. */
  disruption?: { reason: string; message: string };
  /** It is to be configured once more, although its configuration is loaded. */
  renewalDue: boolean;
  running: Fact<boolean>;
  lost: boolean;
  startedAt: number;
  loaded?: Fact<Loaded | undefined>;
  attached: Fact<boolean>;
  drained: boolean;
  syncedAt: number;
  /** Connections that go on until they are ended by drain, or by the world. */
  held: number;
  total: number;
  countedAt: number;
  queued: boolean;
  /** What `show servers state` of an older one gave it at its start. */
  serversState?: string;
}

export interface SimulatedVip {
  uid: string;
  address: string;
  ports: Fact<number[]>;
}

/** Milliseconds until the effect of an act can be observed; 0 where unset. `sync`: until stick tables have come over. */
export type Delays = Partial<Record<Act | 'sync', number>>;

export interface WorldOptions {
  /** Milliseconds; default: the time of day. */
  now?: () => number;
  delays?: Delays;
  /** New connections a second at each amphora that takes traffic. Default 0. */
  newConnectionsPerSecond?: number;
  /** Fails acts at random: `random` gives numbers from 0 to 1 (seed it), half of the failures come after the effect. */
  chaos?: { random: () => number; probability: number };
}

/** The value of a fact at this moment. */
export const seen = <T>(fact: Fact<T>, now: number): T => (now >= fact.at ? fact.is : fact.was);

/**
 * All that exists where the simulated amphorae run. It outlives a driver, as real amphorae outlive an operator: give the same world to
 * the next driver. No timer runs; everything follows from the clock at the moment of looking.
 */
export class SimulatedWorld {
  readonly faults = new Faults();
  readonly now: () => number;
  readonly delays: Delays;
  readonly chaos: WorldOptions['chaos'];
  newConnectionsPerSecond: number;

  readonly #amphorae = new Map<string, Map<string, SimulatedAmphora>>();
  readonly #vips = new Map<string, SimulatedVip>();
  readonly #addresses = new Map<string, string>();
  readonly #members = new Map<string, MemberStatus>();
  readonly #unchecked = new Map<string, number>();
  #lastAmphora = 0;
  #lastVip = 0;

  constructor({ now = Date.now, delays = {}, newConnectionsPerSecond = 0, chaos }: WorldOptions = {}) {
    this.now = now;
    this.delays = delays;
    this.newConnectionsPerSecond = newConnectionsPerSecond;
    this.chaos = chaos;
  }

  /** The amphora's process dies; a build starts it again. */
  crash(name: string): void {
    this.#named(name).running = settled(false);
  }

  /** The place that the amphora runs on is gone, and the amphora with it, for good. */
  lose(name: string, message = 'the place that it ran on is gone'): void {
    const amphora = this.#named(name);
    amphora.running = settled(false);
    amphora.lost = true;
    amphora.problem = { reason: 'AmphoraLost', message };
  }

  /** The place that the amphora runs on is being cleared, as a node that is cordoned; one that is built from now on gets another. */
  disrupt(name: string, message = 'the place that it runs on is being cleared'): void {
    this.#named(name).disruption = { reason: 'AmphoraDisrupted', message };
  }

  /** The place is no longer being cleared. */
  settle(name: string): void {
    this.#named(name).disruption = undefined;
  }

  /** What the amphora has loaded beside its configuration, such as certificates, is out of date. */
  outdate(name: string): void {
    this.#named(name).renewalDue = true;
  }

  /** All amphorae see the member so from now on, or only the one that is named. Members are ONLINE to begin with. */
  setMember(address: string, protocolPort: number, status: MemberStatus, amphora = ''): void {
    this.#members.set(`${amphora} ${address} ${protocolPort}`, status);
  }

  memberStatus(address: string, protocolPort: number, amphora: string): MemberStatus {
    return this.#members.get(`${amphora} ${address} ${protocolPort}`) ?? this.#members.get(` ${address} ${protocolPort}`) ?? 'ONLINE';
  }

  /** So many of its members the amphora has not checked yet; none to begin with. */
  leaveUnchecked(name: string, members: number): void {
    this.#unchecked.set(name, members);
  }

  uncheckedMembers(name: string): number {
    return this.#unchecked.get(name) ?? 0;
  }

  /** Gives the amphora connections that go on until it is drained; `queued`: it is at its limit. */
  setConnections(name: string, current: number, { queued = false } = {}): void {
    const amphora = this.#named(name);
    amphora.total += Math.max(0, current - amphora.held);
    amphora.held = current;
    amphora.queued = queued;
  }

  amphora(uid: string, name: string): SimulatedAmphora | undefined {
    return this.#amphorae.get(uid)?.get(name);
  }

  amphorae(uid: string): SimulatedAmphora[] {
    return [...(this.#amphorae.get(uid)?.values() ?? [])];
  }

  addAmphora(amphora: Omit<SimulatedAmphora, 'address'>): SimulatedAmphora {
    const added = { ...amphora, address: ipv4(0x0a40_0000 + ++this.#lastAmphora) };
    const siblings = this.#amphorae.get(amphora.uid) ?? new Map<string, SimulatedAmphora>();
    this.#amphorae.set(amphora.uid, siblings.set(amphora.name, added));
    return added;
  }

  removeAmphora(uid: string, name: string): void {
    const siblings = this.#amphorae.get(uid);
    siblings?.delete(name);
    if (siblings?.size === 0) this.#amphorae.delete(uid);
  }

  vip(uid: string): SimulatedVip | undefined {
    return this.#vips.get(uid);
  }

  /** @throws DriverError AddressNotAvailable when the address is another load balancer's */
  addVip(uid: string, wanted: string | undefined): SimulatedVip {
    const address = wanted ?? this.#freeAddress();
    const owner = this.#addresses.get(address);
    if (owner !== undefined && owner !== uid) {
      throw new DriverError('AddressNotAvailable', `${address} is the VIP of another load balancer: choose another vip.address`);
    }
    const vip = { uid, address, ports: settled<number[]>([]) };
    this.#addresses.set(address, uid);
    this.#vips.set(uid, vip);
    return vip;
  }

  removeVip(uid: string): void {
    const vip = this.#vips.get(uid);
    if (vip) this.#addresses.delete(vip.address);
    this.#vips.delete(uid);
  }

  #freeAddress(): string {
    for (;;) {
      const address = ipv4(0xc612_0000 + ++this.#lastVip);
      if (!this.#addresses.has(address)) return address;
    }
  }

  #named(name: string): SimulatedAmphora {
    for (const siblings of this.#amphorae.values()) {
      const amphora = siblings.get(name);
      if (amphora) return amphora;
    }
    throw new Error(`there is no amphora ${name} in the simulated world`);
  }
}

/** A fact that has its value already. */
export const settled = <T>(value: T): Fact<T> => ({ was: value, is: value, at: Number.NEGATIVE_INFINITY });

/** From its 32 bits to dotted notation. */
const ipv4 = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
