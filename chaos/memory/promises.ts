import { type Amphora, isTrue, type LoadBalancer, type Operation } from '../../src/api/index.ts';
import { amphorae as amphoraeResource, loadBalancers } from '../../src/controller/resources.ts';
import type { ObjectRef } from '../../src/kube/types.ts';
import type { Act } from '../../src/provider/amphora/simulated/faults.ts';
import { type SimulatedAmphora, type SimulatedWorld, seen } from '../../src/provider/amphora/simulated/world.ts';
import type { Change, MemoryApiServer } from './api-server.ts';

/** For how long after the world has taken something away it counts as the cause of what is missing; milliseconds. Longer than an effect takes to show. */
const EXCUSED_MS = 30_000;
/** For how long caches may be behind the spec; milliseconds. */
const LAG_MS = 30_000;
/** Changes at one moment of the virtual clock, after which it counts as a loop. */
const MOST_CHANGES = 2000;

/** Ports of the enabled listeners. */
export const portsOf = ({ spec }: Pick<LoadBalancer, 'spec'>): number[] =>
  spec.adminStateUp ? (spec.listeners ?? []).filter((l) => l.adminStateUp).map((l) => l.protocolPort) : [];

/**
 * Watches a cluster for broken promises: at each act of a driver right before it is done, at each change of an object, and whenever it is told to look.
 * It judges by what really is the case with the amphorae, not by what statuses say of it.
 */
export class Promises {
  readonly #server: MemoryApiServer;
  readonly #world: SimulatedWorld;
  readonly #ref: ObjectRef;
  readonly #monotonic: () => number;
  readonly #actAlone: boolean;
  readonly #broken: string[] = [];
  /** So much was written at one moment that it is of no use to go on. */
  isEndless = false;
  /** How long before an act the last look may have been that it was decided on; milliseconds. */
  raceMs = 1000;
  /** Who served when it was looked last, by uid of the load balancer. */
  #serving: { uid: string; names: string[] } | undefined;
  /** Whether a pair in force, or the one that takes its place, served whole when it was looked last, and nobody but the operator has taken anything since. */
  #isWhole = false;
  #burst = { at: 0, changes: 0 };
  #harmedAt = Number.NEGATIVE_INFINITY;
  /** Operations that were ever seen, by number: when each began. */
  #operations = new Map<number, string>();
  #uid: string | undefined;
  /** Ports that clients could reach when it was looked last. */
  #served = new Set<number>();
  /** Open ports on which no amphora listened, until all do. */
  #idle = new Set<number>();
  /** Since when the spec has had each port. */
  readonly #portsSince = new Map<number, number>();

  /** @param actAlone only one operator acts at a time, as leader or since there is no other */
  constructor(server: MemoryApiServer, world: SimulatedWorld, ref: ObjectRef, monotonic: () => number, actAlone: boolean) {
    this.#server = server;
    this.#world = world;
    this.#ref = ref;
    this.#monotonic = monotonic;
    this.#actAlone = actAlone;
    server.onChange.add((change) => this.#onChange(change));
  }

  get broken(): string[] {
    return [...new Set(this.#broken)];
  }

  /** The world takes something away: what is missing for a while is not the operator's doing. */
  harmed(): void {
    this.#harmedAt = this.#monotonic();
    this.#serving = undefined;
    this.#isWhole = false;
  }

  /** Numbers that no amphora has any more may be given again. */
  statusForgotten(): void {
    this.#operations = new Map();
  }

  /** Who new connections can reach now. */
  serving(uid = this.#uid): SimulatedAmphora[] {
    const now = this.#world.now();
    if (uid === undefined || !this.#world.vip(uid)) return [];
    return this.#world.amphorae(uid).filter((a) => !a.lost && seen(a.running, now) && seen(a.attached, now));
  }

  onAct(act: Act, { uid, amphora, ports }: { uid: string; amphora?: string; ports?: number[] }): void {
    this.look();
    const lb = this.#loadBalancer(uid);
    const going = !lb || lb.metadata.deletionTimestamp !== undefined;
    if (act === 'releaseVip' && !going) this.#break('the VIP of a load balancer that nobody deleted is released');
    if (act === 'detach' && !going && lb.status?.flavorId !== undefined) {
      const staying = this.serving(uid).filter((a) => a.attached.is);
      if (staying.some((a) => a.name === amphora) && staying.length === 1 && !this.#isRace)
        this.#break(`${amphora}, the last that serves, is detached`);
      const left = staying.filter((a) => a.name !== amphora);
      if (this.#isWhole && this.#actAlone && !isPair(left)) this.#break(`${amphora} is detached, and less than a pair is left`);
    }
    if (act === 'ensureVip' && !going && lb.status?.flavorId !== undefined) this.#onPorts(uid, ports!);
  }

  /** What is to hold at every moment. */
  look(): void {
    const lb = this.#server.peek<LoadBalancer>(loadBalancers, this.#ref);
    const uid = lb?.metadata.uid;
    if (!lb || lb.metadata.deletionTimestamp || uid !== this.#uid) {
      this.#serving = undefined;
      this.#isWhole = false;
      this.#uid = lb?.metadata.uid;
      return;
    }
    const serving = this.serving();
    if (this.#serving?.uid === uid && this.#serving?.names.length && serving.length === 0 && !this.#isExcused && lb.status?.flavorId) {
      this.#break(`nothing serves any more, though the world took nothing away: before it was ${this.#serving.names}`);
    }
    const { flavorId, topology } = lb.status ?? {};
    if (this.#isWhole && this.#actAlone && flavorId !== undefined && !isPair(serving))
      this.#break(`less than a pair serves, though the world took nothing away: ${serving.map((a) => a.name)}`);
    const kept = serving.filter((a) => a.attached.is && a.flavorId === flavorId && !this.#isGoing(a.name));
    this.#isWhole =
      !this.#isRace && flavorId !== undefined && topology === 'ACTIVE_STANDBY' && (isPair(kept) || (this.#isWhole && isPair(serving)));
    this.#serving = { uid: uid!, names: serving.map((a) => a.name) };
    const now = this.#world.now();
    const ports = seen(this.#world.vip(uid!)?.ports ?? { was: [], is: [], at: 0 }, now);
    const listening = serving.map((amphora) => ({ name: amphora.name, on: listensOn(amphora, now) }));
    const without = (port: number) => listening.filter(({ on }) => !on.has(port)).map(({ name }) => name);
    const isServed = (port: number) => without(port).length < serving.length;
    for (const port of ports.filter((each) => this.#isLongWanted(each))) {
      // Where no amphora listens, and none has, an open port is as good as a closed one, and they may begin one after the other.
      const isHarm = !this.#idle.has(port) && (isServed(port) || this.#served.has(port));
      // Of two that act at once, one may not have seen the spec yet that the other has the VIP serve.
      if (without(port).length > 0 && isHarm && !this.#isExcused && this.#actAlone)
        this.#break(`the VIP sends port ${port} to ${without(port)}, which does not listen on it`);
    }
    this.#served = new Set(ports.filter(isServed));
    const isIdle = (port: number) => (serving.length > 0 && !isServed(port)) || (this.#idle.has(port) && without(port).length > 0);
    this.#idle = new Set(ports.filter(isIdle));
  }

  /** Whether a listener has had the port for so long that everybody must have heard of it. */
  #isLongWanted(port: number): boolean {
    return this.#monotonic() - (this.#portsSince.get(port) ?? Number.POSITIVE_INFINITY) > LAG_MS;
  }

  get #isRace(): boolean {
    return this.#monotonic() - this.#harmedAt < this.raceMs;
  }

  get #isExcused(): boolean {
    return this.#monotonic() - this.#harmedAt < EXCUSED_MS;
  }

  #onPorts(uid: string, ports: number[]): void {
    // Of two that act at once, one may go by what an amphora listened on before the world took it.
    if (!this.#actAlone) return;
    const open = seen(this.#world.vip(uid)?.ports ?? { was: [], is: [], at: 0 }, this.#world.now());
    for (const port of open) {
      if (!ports.includes(port) && this.#isLongWanted(port))
        this.#break(`port ${port} is closed, though a listener has had it for a while`);
    }
  }

  #onChange({ resource, type, object, before }: Change): void {
    const now = this.#monotonic();
    this.#burst = now === this.#burst.at ? { at: now, changes: this.#burst.changes + 1 } : { at: now, changes: 1 };
    if (this.#burst.changes > MOST_CHANGES) {
      this.isEndless = true;
      this.#break('it writes without an end');
      throw new Error('too many changes at one moment');
    }
    if (resource.plural === loadBalancers.plural)
      this.#onLoadBalancer(type, object as unknown as LoadBalancer, before as unknown as LoadBalancer);
    if (resource.plural === amphoraeResource.plural) this.#onAmphora(type, object as unknown as Amphora);
  }

  #onLoadBalancer(type: Change['type'], lb: LoadBalancer, before: LoadBalancer | undefined): void {
    const uid = lb.metadata.uid!;
    if (type === 'DELETED') {
      const left = this.#world.amphorae(uid).map((a) => a.name);
      // Of two that act at once, one may make what the other has just taken away; nobody is left to see it.
      if (!this.#actAlone) return;
      if (left.length > 0) this.#break(`the load balancer is gone and left ${left}`);
      if (this.#world.vip(uid)) this.#break('the load balancer is gone and left its VIP');
      return;
    }
    if (type === 'ADDED') {
      this.#operations.clear();
      this.#portsSince.clear();
      this.#uid = uid;
    }
    const ports = portsOf(lb);
    for (const port of this.#portsSince.keys()) if (!ports.includes(port)) this.#portsSince.delete(port);
    for (const port of ports) if (!this.#portsSince.has(port)) this.#portsSince.set(port, this.#monotonic());
    if (before && lb.status) this.#onStatus(lb, before);
  }

  #onStatus(lb: LoadBalancer, before: LoadBalancer): void {
    const { flavorId, topology, operation, conditions } = lb.status!;
    const was = before.status ?? { observedGeneration: -1 };
    if (isTrue(conditions, 'Reconciling') && isTrue(conditions, 'Stalled')) this.#break('Reconciling and Stalled are both True');
    const wanted = lb.spec.flavorId ?? flavorId;
    const observed = lb.status!.observedGeneration === lb.metadata.generation;
    if (observed && isTrue(conditions, 'Ready') && flavorId !== wanted)
      this.#break(`Ready, with flavor ${flavorId} though ${wanted} is wanted`);
    if (was.topology !== undefined && topology !== undefined && topology !== was.topology)
      this.#break(`the topology changed to ${topology}`);
    if (operation) this.#onOperation(operation, flavorId);
    if (was.flavorId !== undefined && flavorId !== undefined && flavorId !== was.flavorId) {
      const serving = this.serving();
      const others = serving.filter((a) => a.flavorId !== flavorId).map((a) => a.name);
      // Of two that act at once, one may not have heard yet of what the other has just put behind the VIP.
      if (others.length > 0 && this.#actAlone) this.#break(`flavor ${flavorId} is in the status while ${others} of another serve`);
      if (serving.length === 0 && !this.#isExcused) this.#break(`flavor ${flavorId} is in the status and none of it serves`);
    }
  }

  #onOperation({ number, startedAt, kind, result, from }: Operation, flavorId: string | undefined): void {
    const known = this.#operations.get(number);
    if (known !== undefined && known !== startedAt) this.#break(`operation number ${number} is given twice`);
    if (known === undefined && this.#operations.size > 0 && number < Math.max(...this.#operations.keys()))
      this.#break(`operation number ${number} comes after larger ones`);
    this.#operations.set(number, startedAt);
    if (kind === 'Resize' && result !== undefined && result !== 'Succeeded' && flavorId !== from) {
      this.#break(`a resize from ${from} that was ${result} left flavor ${flavorId} in force`);
    }
  }

  #onAmphora(type: Change['type'], { metadata, spec }: Amphora): void {
    const lb = this.#loadBalancer(spec.loadBalancer.uid);
    if (type === 'ADDED') {
      if (spec.flavorId === 'off') this.#break('an amphora of a disabled flavor is made');
      // Of two that act at once, one may not have heard yet that what it was at is over.
      if (this.#actAlone && lb?.status?.topology !== undefined && spec.flavorData.loadbalancerTopology !== lb.status.topology)
        this.#break('an amphora of another topology is made');
      const sisters = (this.#server.list(amphoraeResource) as unknown as Amphora[]).filter(
        (a) => a.spec.loadBalancer.uid === spec.loadBalancer.uid && a.metadata.name !== metadata.name,
      );
      if (this.#actAlone && sisters.some((a) => a.spec.peer === spec.peer)) this.#break(`two amphorae are both peer ${spec.peer}`);
    }
    // What somebody deletes of those in force is taken away at once, and built anew.
    if (metadata.deletionTimestamp && spec.steering !== 'Draining') this.#isWhole = false;
    if (type === 'DELETED' && this.#actAlone && this.#world.amphora(spec.loadBalancer.uid, metadata.name))
      this.#break(`Amphora ${metadata.name} is gone, and what it stood for is left`);
  }

  /** Whether the object of an amphora is being deleted, or is not there. */
  #isGoing(name: string): boolean {
    const object = this.#server.peek<Amphora>(amphoraeResource, { namespace: this.#ref.namespace, name });
    return object?.metadata.deletionTimestamp !== undefined || object?.spec.steering !== 'Attached';
  }

  #loadBalancer(uid: string): LoadBalancer | undefined {
    const found = this.#server.peek<LoadBalancer>(loadBalancers, this.#ref);
    return found?.metadata.uid === uid ? found : undefined;
  }

  #break(what: string): void {
    const at = (this.#monotonic() / 1000).toFixed(1);
    if (this.#broken.length < 20) this.#broken.push(`${what} (at ${at} s)`);
  }
}

/** The ports of what it has loaded. */
function listensOn({ loaded }: SimulatedAmphora, now: number): Set<number> {
  const configuration = loaded && seen(loaded, now)?.configuration;
  return new Set([...(configuration?.listeners ?? []), ...(configuration?.kept?.listeners ?? [])].map((l) => l.protocolPort));
}

/** Whether one takes the traffic and another would at once. Two of one slot are no pair: one of them is to go, as where a lost one came back beside its successor. */
const isPair = (amphorae: readonly SimulatedAmphora[]): boolean =>
  new Set(amphorae.map(slotOf)).size >= 2 && amphorae.some(({ backup }) => !backup);

const slotOf = ({ name }: SimulatedAmphora): string => name.slice(name.lastIndexOf('-') + 1);
