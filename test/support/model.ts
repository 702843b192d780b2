import {
  AMPHORA_FINALIZER,
  type Amphora,
  type AmphoraSpec,
  API_VERSION,
  type FlavorData,
  FlavorData as FlavorDataSchema,
  LOADBALANCER_FINALIZER,
  type LoadBalancer,
  LoadBalancerSpec,
} from '../../src/api/index.ts';
import type { Notice } from '../../src/controller/amphora/configuration.ts';
import { amphoraStatus } from '../../src/controller/amphora/status.ts';
import { isDrained } from '../../src/controller/amphora/view.ts';
import type { Act } from '../../src/controller/loadbalancer/acts.ts';
import type { Plan } from '../../src/controller/loadbalancer/decision.ts';
import { plan } from '../../src/controller/loadbalancer/plan.ts';
import { statusOf } from '../../src/controller/loadbalancer/status.ts';
import type { World } from '../../src/controller/loadbalancer/world.ts';
import type { AmphoraObservation } from '../../src/provider/amphora/driver.ts';

/** What really is the case with an amphora, whatever its object says. */
interface Fact {
  running: boolean;
  lost: boolean;
  /** Why it doesn't answer the operator, though it runs. */
  silent: { reason: string; message: string } | undefined;
  problem: { reason: string; message: string } | undefined;
  /** Why its place is soon to be taken from it. */
  disruption: { reason: string; message: string } | undefined;
  attached: boolean;
  loaded: string | undefined;
  drained: boolean;
  startedAt: number;
  /** Members that it sees down, and how many it has not checked. */
  down: string[];
  unchecked: number;
}

export interface ModelFlavor {
  enabled?: boolean;
  topology?: 'SINGLE' | 'ACTIVE_STANDBY';
  /** Its amphorae never start. */
  broken?: boolean;
  image?: string;
}

/** Deep copy, as a trip over the wire makes one. */
const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/**
 * A load balancer, its amphorae and its VIP in memory, on a clock of their own: the planner drives it step by step, so that its promises can
 * be checked after each. Everything that the shell and the driver do is done at once and in full; what may come between is a step of the test.
 */
export class Model {
  now = Date.parse('2026-01-01T00:00:00Z');
  visitedSince = this.now;
  loadBalancer: LoadBalancer | undefined;
  readonly amphorae = new Map<string, { object: Amphora; fact: Fact }>();
  readonly flavors = new Map<string, ModelFlavor>();
  readonly hindrances = new Map<string, { reason: string; message: string }>();
  vip: number[] | undefined;
  /** What the driver finds wrong with the VIP beside its ports. */
  vipProblem: { reason: string; message: string } | undefined;
  notices: Notice[] = [];
  /** What exists though no object stands for it. */
  strays: World['strays'] = [];
  /** What the present spec renders to; a new value is an edit. */
  edition = 'e1';
  /** The configuration that HAProxy refuses. */
  refused = new Set<string>();
  last: Plan | undefined;
  #version = 1;

  constructor(flavors: Record<string, ModelFlavor>, flavorId: string, strategy: Partial<LoadBalancer['spec']['strategy']> = {}) {
    for (const [id, flavor] of Object.entries(flavors)) this.flavors.set(id, flavor);
    const listeners = [{ name: 'web', protocol: 'HTTP', protocolPort: 80 }];
    this.loadBalancer = {
      apiVersion: API_VERSION,
      kind: 'LoadBalancer',
      metadata: { name: 'lb', namespace: 'default', uid: 'uid-1', resourceVersion: '1', generation: 1, finalizers: [] },
      spec: LoadBalancerSpec.parse({ flavorId, listeners, strategy }),
      status: { observedGeneration: -1 },
    };
  }

  get status() {
    return this.loadBalancer!.status!;
  }

  serving(): Amphora[] {
    return [...this.amphorae.values()].filter((a) => a.fact.running && a.fact.attached && !a.fact.lost).map((a) => a.object);
  }

  edit(change: (lb: LoadBalancer) => void): void {
    const lb = this.loadBalancer;
    if (!lb) return;
    change(lb);
    lb.metadata.generation = (lb.metadata.generation ?? 0) + 1;
    this.#touch(lb);
  }

  dataOf(flavorId: string): FlavorData {
    const { topology = 'SINGLE', image } = this.flavors.get(flavorId) ?? {};
    return FlavorDataSchema.parse({ loadbalancerTopology: topology, ampImageTag: image });
  }

  world(): World {
    const lb = wire(this.loadBalancer!);
    return {
      now: this.now,
      visitedSince: this.visitedSince,
      loadBalancer: lb,
      wantedFlavorId: lb.spec.flavorId ?? lb.status?.flavorId,
      lookup: (id) => {
        const flavor = this.flavors.get(id);
        if (!flavor) return { refused: 'FlavorNotFound', message: `There is no Flavor ${id}.` };
        return { flavor: { id, enabled: flavor.enabled ?? true, provider: 'amphora', data: this.dataOf(id) } };
      },
      amphorae: [...this.amphorae.values()].map(({ object }) => ({
        object: wire(object),
        configurationHash: this.edition,
        membersRevision: 'm1',
      })),
      isStranger: () => false,
      vip: this.vip && {
        address: '127.0.0.9',
        ports: [...this.vip],
        attached: this.serving().map((a) => a.metadata.name),
        problem: this.vipProblem,
      },
      problems: [],
      notices: this.notices,
      strays: this.strays,
    };
  }

  /** One visit of the operator to the load balancer. */
  visit(): Plan | undefined {
    if (!this.loadBalancer) return undefined;
    const world = this.world();
    const planned = plan(world);
    this.last = planned;
    for (const act of planned.acts) this.#execute(act);
    if (!this.loadBalancer) return planned;
    const status = wire(statusOf(world, planned));
    if (JSON.stringify(status) !== JSON.stringify(this.loadBalancer.status)) {
      this.loadBalancer.status = status;
      this.#touch(this.loadBalancer);
    }
    return planned;
  }

  /** One visit to an amphora: the driver brings it one step nearer, and the object's status says what is seen. */
  tick(name: string): void {
    const found = this.amphorae.get(name);
    if (!found) return;
    const { object, fact } = found;
    const lb = this.loadBalancer;
    if (object.metadata.deletionTimestamp && (!lb || lb.metadata.deletionTimestamp || isDrained(object, lb.spec.strategy, this.now))) {
      this.amphorae.delete(name);
      return;
    }
    if (!lb?.spec.suspend && !fact.lost) this.#drive(object, fact);
    if (fact.lost || object.spec.steering !== 'Attached') if (fact.attached && object.spec.steering !== 'Attached') fact.attached = false;
    const broken = this.flavors.get(object.spec.flavorId)?.broken ?? false;
    const seen: AmphoraObservation = {
      exists: true,
      running: fact.running && !fact.lost && !fact.silent,
      lost: fact.lost,
      problem:
        fact.problem ??
        fact.silent ??
        (broken && !fact.running ? { reason: 'ImageNotFound', message: 'The image is not to be had.' } : undefined),
      disruption: fact.disruption,
      address: '127.0.0.1',
      startedAt: fact.running ? new Date(fact.startedAt) : undefined,
      attached: fact.attached,
      standby: fact.attached ? object.spec.role === 'BACKUP' : undefined,
      configurationHash: fact.silent ? undefined : fact.loaded,
      membersRevision: fact.silent ? undefined : fact.loaded && 'm1',
      listeners: fact.loaded && !fact.silent ? [{ protocolPort: 80, open: true }] : [],
      members: fact.down.map((address) => ({ pool: 'web', address, protocolPort: 8080, status: 'ERROR' })),
      uncheckedMembers: fact.unchecked,
      stickTablesSynced: true,
      connections: { current: 0, total: 0, queued: fact.silent !== undefined },
      statistics: [],
    };
    const refused = this.refused.has(this.edition) && fact.loaded !== this.edition;
    const trouble = refused ? { reason: 'ConfigurationRefused', message: 'HAProxy refused it.', refused: true } : undefined;
    object.status = wire(amphoraStatus(object, seen, { hash: this.edition, revision: 'm1' }, trouble, fact.drained, this.now));
    this.#touch(object);
  }

  /** Everybody visits once, and time passes. */
  round(ms = 500): void {
    this.visit();
    for (const name of [...this.amphorae.keys()]) this.tick(name);
    this.now += ms;
  }

  /** Rounds until a condition holds. @throws Error with the state when it doesn't within `rounds` */
  until(condition: (model: Model) => boolean, rounds = 400, check?: (model: Model) => void): void {
    for (let i = 0; i < rounds; i++) {
      if (condition(this)) return;
      this.round();
      check?.(this);
    }
    throw new Error(`not reached; last plan ${JSON.stringify(this.last?.verdict)}, status ${JSON.stringify(this.loadBalancer?.status)}`);
  }

  lose(name: string, problem?: { reason: string; message: string }): void {
    const found = this.amphorae.get(name);
    if (!found) return;
    found.fact.lost = true;
    found.fact.running = false;
    found.fact.problem = problem;
  }

  /** One that was lost is back, as when its node was only cut off for a while. */
  heal(name: string): void {
    const found = this.amphorae.get(name);
    if (!found?.fact.lost) return;
    found.fact.lost = false;
    found.fact.running = found.fact.loaded !== undefined;
    found.fact.problem = undefined;
  }

  /** It goes on serving, and no longer answers the operator for this reason; undefined: it does again. */
  silence(name: string, reason: { reason: string; message: string } | undefined): void {
    const found = this.amphorae.get(name);
    if (found) found.fact.silent = reason;
  }

  /** Its HAProxy ends, and nobody starts it again. */
  crash(name: string): void {
    const found = this.amphorae.get(name);
    if (found) found.fact.running = false;
  }

  /** The place where an amphora runs is being cleared, or no longer. One that is made from then on gets another. */
  disrupt(name: string, on = true): void {
    const found = this.amphorae.get(name);
    if (found) found.fact.disruption = on ? { reason: 'NodeCordoned', message: 'Node n1 is cordoned.' } : undefined;
  }

  /** Why amphorae of a flavor don't start from now on; undefined: they do. */
  hinder(flavorId: string, problem: { reason: string; message: string } | undefined): void {
    if (problem) this.hindrances.set(flavorId, problem);
    else this.hindrances.delete(flavorId);
  }

  /** Somebody deletes an Amphora object; its finalizer holds it. */
  deleteAmphora(name: string): void {
    this.#write(name, (a) => {
      a.metadata.deletionTimestamp ??= new Date(this.now).toISOString();
    });
  }

  /** The operator is started anew: it remembers nothing. */
  restart(): void {
    this.visitedSince = this.now;
  }

  #drive(object: Amphora, fact: Fact): void {
    const broken = this.flavors.get(object.spec.flavorId)?.broken ?? false;
    if (object.spec.steering === 'Draining') {
      if (!fact.attached) fact.drained = true;
    } else if (!fact.running) {
      fact.problem = this.hindrances.get(object.spec.flavorId);
      if (broken || fact.problem || this.refused.has(this.edition)) return;
      fact.running = true;
      fact.startedAt = this.now;
      fact.loaded = this.edition;
    } else if (!this.refused.has(this.edition) && !fact.silent) fact.loaded = this.edition;
    if (object.spec.steering === 'Attached' && !fact.silent) fact.attached = true;
  }

  #execute(act: Act): void {
    const lb = this.loadBalancer!;
    switch (act.type) {
      case 'AddFinalizer':
        lb.metadata.finalizers = [LOADBALANCER_FINALIZER];
        return;
      case 'RemoveFinalizer':
        this.loadBalancer = undefined;
        return;
      case 'EnsureVip':
        this.vip = act.ports;
        return;
      case 'ReleaseVip':
        this.vip = undefined;
        for (const a of this.amphorae.values()) a.fact.attached = false;
        return;
      case 'CreateAmphora':
        if (!this.amphorae.has(act.name)) this.#create(act.name, act.spec);
        return;
      case 'Steer':
        this.#write(act.name, (a) => {
          a.spec.steering = act.to;
        });
        return;
      case 'Promote':
        this.#write(act.name, (a) => {
          a.spec.role = 'MASTER';
        });
        return;
      case 'DeleteAmphora':
        this.deleteAmphora(act.name);
    }
  }

  #create(name: string, spec: AmphoraSpec): void {
    const metadata = {
      name,
      namespace: 'default',
      uid: `${name}-${++this.#version}`,
      resourceVersion: '1',
      generation: 1,
      finalizers: [AMPHORA_FINALIZER],
    };
    const fact: Fact = {
      running: false,
      lost: false,
      silent: undefined,
      problem: undefined,
      disruption: undefined,
      attached: false,
      loaded: undefined,
      drained: false,
      startedAt: 0,
      down: [],
      unchecked: 0,
    };
    this.amphorae.set(name, { object: { apiVersion: API_VERSION, kind: 'Amphora', metadata, spec: wire(spec) }, fact });
  }

  #write(name: string, change: (a: Amphora) => void): void {
    const found = this.amphorae.get(name);
    if (!found) return;
    change(found.object);
    this.#touch(found.object);
  }

  #touch(object: { metadata: { resourceVersion?: string } }): void {
    object.metadata.resourceVersion = String(++this.#version);
  }
}
