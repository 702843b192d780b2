import {
  type Amphora,
  API_VERSION,
  FAILOVER_ANNOTATION,
  type LoadBalancer,
  type LoadBalancerSpec,
  RETRY_ANNOTATION,
  type Topology,
} from '../../src/api/index.ts';
import { amphorae, flavorProfiles, flavors, loadBalancers } from '../../src/controller/resources.ts';
import type { Log } from '../../src/controller/runtime/log.ts';
import { SimulatedDriver } from '../../src/provider/amphora/simulated/driver.ts';
import { type Delays, SimulatedWorld } from '../../src/provider/amphora/simulated/world.ts';
import { seeded } from '../../test/support/seeded.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import { ApiFaults } from './api-faults.ts';
import { MemoryApiServer } from './api-server.ts';
import { MemoryKubeClient } from './client.ts';
import { LinkedDriver, type Witness } from './driver.ts';
import { Link } from './link.ts';
import { OperatorProcess } from './process.ts';
import { Promises } from './promises.ts';

export interface ClusterOptions {
  seed: number;
  topology: Topology;
  delays?: Delays;
  /** New connections a second at each amphora that takes traffic. Default 0. */
  newConnectionsPerSecond?: number;
  /** Its operators stand for election. Default false: there is one alone. */
  elected?: boolean;
  /** Whether only one operator acts at a time. Default true; false where several run without an election. */
  actAlone?: boolean;
  log?: Log;
}

export const LB = { namespace: 'default', name: 'web' };

/** Flavors that are there: `broken` never starts, `off` is not to be entered, `other` has the other topology; and one that is not, `none`. */
export const FLAVORS = ['a', 'b', 'c', 'broken', 'off', 'other', 'none'] as const;

/** One operator process and what may go wrong with it. */
export interface Running {
  link: Link;
  faults: ApiFaults;
}

/** An API server, amphorae, users and operators in one process, on one virtual clock. Equal options and equal calls give equal histories. */
export class MemoryCluster {
  readonly options: ClusterOptions;
  readonly clock = new VirtualClock();
  readonly server = new MemoryApiServer(() => this.clock.now());
  readonly amphorae: SimulatedWorld;
  readonly promises: Promises;
  readonly operators: Running[] = [];
  /** Numbers from 0 to 1. */
  readonly random: () => number;
  #started = 0;
  #tokens = 0;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.random = seeded(options.seed);
    const start = this.clock.now();
    // The amphorae's own time: no jump of the wall clock undoes what has happened.
    const now = () => start + this.clock.monotonic();
    this.amphorae = new SimulatedWorld({
      now,
      delays: options.delays,
      newConnectionsPerSecond: options.newConnectionsPerSecond,
      chaos: { random: this.random, probability: 0 },
    });
    this.amphorae.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'The image is not to be had.' },
      { flavorId: 'broken' },
    );
    this.promises = new Promises(this.server, this.amphorae, LB, () => this.clock.monotonic(), options.actAlone ?? true);
    const other = options.topology === 'SINGLE' ? 'ACTIVE_STANDBY' : 'SINGLE';
    for (const id of FLAVORS) {
      if (id === 'none') continue;
      this.makeFlavor(id, id === 'other' ? other : options.topology, id !== 'off');
    }
  }

  get loadBalancer(): LoadBalancer | undefined {
    return this.server.find<LoadBalancer>(loadBalancers, LB);
  }

  get amphoraObjects(): Amphora[] {
    return this.server.list(amphorae) as unknown as Amphora[];
  }

  /** How likely any act of the driver is to fail. */
  set chaos(probability: number) {
    this.amphorae.chaos!.probability = probability;
  }

  makeFlavor(id: string, topology: Topology, enabled = true): void {
    const profile = { provider: 'amphora', flavorData: { loadbalancerTopology: topology, maxConnections: 1000 } };
    this.server.create(flavorProfiles, { apiVersion: API_VERSION, kind: 'FlavorProfile', metadata: { name: id }, ...{ spec: profile } });
    this.server.create(flavors, {
      apiVersion: API_VERSION,
      kind: 'Flavor',
      metadata: { name: id },
      ...{ spec: { enabled, flavorProfile: id } },
    });
  }

  createLoadBalancer(spec: Partial<LoadBalancerSpec> | Record<string, unknown>): void {
    this.server.create(loadBalancers, { apiVersion: API_VERSION, kind: 'LoadBalancer', metadata: { ...LB }, ...{ spec } });
  }

  /** A merge patch by a user; nothing where there is no such object. */
  edit(spec: Record<string, unknown>): void {
    if (this.loadBalancer) this.server.patchMerge(loadBalancers, LB, { spec });
  }

  request(what: 'retry' | 'failover'): void {
    const key = what === 'retry' ? RETRY_ANNOTATION : FAILOVER_ANNOTATION;
    if (this.loadBalancer) this.server.patchMerge(loadBalancers, LB, { metadata: { annotations: { [key]: `t${++this.#tokens}` } } });
  }

  deleteLoadBalancer(): void {
    if (this.loadBalancer) this.server.delete(loadBalancers, LB);
  }

  /** As after a restore that brings no statuses. */
  forgetStatus(): void {
    const lb = this.loadBalancer;
    if (!lb) return;
    this.promises.statusForgotten();
    this.server.replace(loadBalancers, { ...lb, status: {} }, 'status');
  }

  /** Starts an operator process; one that ends by itself is started again, as a Deployment does. */
  startOperator(): Running {
    const link = new Link(this.clock);
    const faults = new ApiFaults(this.random);
    const running = { link, faults };
    const client = new MemoryKubeClient(this.server, link, faults);
    const witness: Witness = (act, about) => this.promises.onAct(act, about);
    const wallOffsetMs = () => this.clock.now() - this.amphorae.now();
    const driver = new LinkedDriver(new SimulatedDriver(this.amphorae), link, faults, witness, wallOffsetMs);
    const identity = `operator-${++this.#started}`;
    const { random, options } = this;
    const process = new OperatorProcess({ link, client, driver, identity, random, elected: options.elected ?? false, log: options.log });
    this.operators.push(running);
    void process.run().then(() => {
      this.#forget(running);
      this.clock.setTimer(1000, () => this.startOperator());
    });
    return running;
  }

  /** The process is gone in the middle of whatever it did, and nobody starts another. */
  killOperator(running: Running): void {
    running.link.end();
    this.#forget(running);
  }

  /** Nothing of any operator runs on. */
  close(): void {
    for (const running of [...this.operators]) this.killOperator(running);
  }

  /** Time passes, second by second, so that what is to hold at every moment is looked at often. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.promises.isEndless; left -= 1000) {
      await this.clock.advance(Math.min(left, 1000));
      this.promises.look();
    }
  }

  /** Time passes until a condition holds. Returns whether it did within so many milliseconds. */
  async until(holds: () => boolean, withinMs: number, everyMs = 1000): Promise<boolean> {
    for (let spent = 0; spent < withinMs; spent += everyMs) {
      if (holds()) return true;
      await this.pass(everyMs);
    }
    return holds();
  }

  #forget(running: Running): void {
    const index = this.operators.indexOf(running);
    if (index >= 0) this.operators.splice(index, 1);
  }
}
