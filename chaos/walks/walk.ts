import { amphorae, flavors } from '../../src/controller/resources.ts';
import type { Log } from '../../src/controller/runtime/log.ts';
import type { Act, Fault } from '../../src/provider/amphora/simulated/faults.ts';
import { type SimulatedAmphora, settled } from '../../src/provider/amphora/simulated/world.ts';
import { MemoryCluster, type Running } from '../memory/cluster.ts';
import { comesToRest } from '../memory/rest.ts';
import { type DriverFault, REFUSED_PORT, type Step, type Walk } from './steps.ts';

/** Time that a cluster is given to come to rest: a failed failover is tried again after up to 5 minutes, and a clock may be 10 behind. Milliseconds. */
const REST_MS = 4_000_000;

const strategy = { settleSeconds: 1, verifySeconds: 2, drainSeconds: 15, progressDeadlineSeconds: 60 };

const pools = (addresses: string[]) => [
  { name: 'web', protocol: 'HTTP', healthMonitor: { type: 'TCP' }, members: addresses.map((address) => ({ address, protocolPort: 8080 })) },
];

const listeners = (ports: number[]) =>
  ports.map((protocolPort) => ({ name: `p${protocolPort}`, protocol: 'HTTP', protocolPort, defaultPool: 'web' }));

/** What a walk's steps act on, and what of it a new load balancer is made of. */
class Walker {
  readonly cluster: MemoryCluster;
  readonly #walk: Walk;
  ports = [80];
  addresses = ['10.1.0.1', '10.1.0.2'];
  flavor = 'a';
  #latencyMs = 0;

  constructor(walk: Walk, log?: Log) {
    this.#walk = walk;
    const { topology, seed, elected, delayMs, newConnectionsPerSecond } = walk;
    const shown = { build: delayMs, attach: delayMs, detach: delayMs, configure: delayMs / 2, ensureVip: delayMs / 2, sync: delayMs };
    this.cluster = new MemoryCluster({ seed, topology, elected, actAlone: this.#actAlone, delays: shown, newConnectionsPerSecond, log });
    this.cluster.amphorae.faults.inject({
      kind: 'configurationRefused',
      message: 'HAProxy refused it.',
      matches: ({ listeners: all }) => all.some((l) => l.protocolPort === REFUSED_PORT),
    });
  }

  get #actAlone(): boolean {
    return this.#walk.elected || this.#walk.operators === 1;
  }

  create(): void {
    if (this.cluster.loadBalancer) return;
    this.cluster.createLoadBalancer({ flavorId: this.flavor, strategy, listeners: listeners(this.ports), pools: pools(this.addresses) });
  }

  start(): void {
    const running = this.cluster.startOperator();
    // Two that act at once have to take some time, lest they contradict each other without an end.
    const least = this.#actAlone ? 0 : 10;
    running.link.latencyMs = () => Math.max(least, this.#latencyMs) * this.cluster.random();
  }

  take(step: Step): void {
    const takes = this.#steps[step.do] as (step: Step) => void;
    takes(step);
  }

  readonly #steps: { [K in Step['do']]: (step: Extract<Step, { do: K }>) => void } = {
    pass: () => {},
    want: ({ flavor }) => {
      this.flavor = flavor;
      this.cluster.edit({ flavorId: flavor });
    },
    listen: ({ ports }) => {
      this.ports = ports;
      this.cluster.edit({ listeners: listeners(ports) });
    },
    members: ({ addresses }) => {
      this.addresses = addresses;
      this.cluster.edit({ pools: pools(addresses) });
    },
    adminState: ({ up }) => this.cluster.edit({ adminStateUp: up }),
    suspend: ({ on }) => this.cluster.edit({ suspend: on }),
    request: ({ what }) => this.cluster.request(what),
    delete: ({ foreground }) => {
      const { server, amphoraObjects, loadBalancer } = this.cluster;
      if (foreground && loadBalancer) for (const { metadata } of amphoraObjects) server.delete(amphorae, metadata);
      this.cluster.deleteLoadBalancer();
    },
    create: () => this.create(),
    deleteAmphora: ({ which }) => {
      const object = chosen(this.cluster.amphoraObjects, which);
      if (object) this.cluster.server.delete(amphorae, object.metadata);
    },
    deleteFlavor: ({ flavor }) => {
      const { server } = this.cluster;
      if (server.find(flavors, { name: flavor })) server.delete(flavors, { name: flavor });
    },
    forgetStatus: () => this.cluster.forgetStatus(),
    crashAmphora: ({ which }) => this.#harm(which, ({ name }) => this.cluster.amphorae.crash(name)),
    loseAmphora: ({ which }) => this.#harm(which, ({ name }) => this.cluster.amphorae.lose(name)),
    healAmphora: ({ which }) =>
      this.#harm(which, (amphora) => {
        if (!amphora.lost) return;
        amphora.lost = false;
        amphora.problem = undefined;
        amphora.running = settled(amphora.loaded !== undefined);
      }),
    disrupt: ({ which, on }) => {
      const { amphorae: world } = this.cluster;
      this.#to(which, ({ name }) => (on ? world.disrupt(name) : world.settle(name)));
    },
    outdate: ({ which }) => this.#to(which, ({ name }) => this.cluster.amphorae.outdate(name)),
    member: ({ up }) => this.cluster.amphorae.setMember('10.1.0.1', 8080, up ? 'ONLINE' : 'ERROR'),
    connections: ({ which, current }) => this.#to(which, ({ name }) => this.cluster.amphorae.setConnections(name, current)),
    driverFault: ({ fault, times }) => {
      this.cluster.amphorae.faults.inject(faultOf(fault, this.cluster.random), { times });
    },
    driverChaos: ({ probability }) => {
      this.cluster.chaos = probability;
    },
    apiFault: ({ fault, times }) => this.cluster.operators[0]?.faults.arm(...Array<typeof fault>(times).fill(fault)),
    apiChaos: ({ probability }) => {
      for (const { faults } of this.cluster.operators) faults.probability = probability;
    },
    outage: ({ ms }) => {
      for (const { faults } of this.cluster.operators) {
        faults.cut();
        this.cluster.clock.setTimer(ms, () => faults.heal());
      }
    },
    breakWatches: () => {
      for (const { faults } of this.cluster.operators) faults.breakWatches();
    },
    lag: ({ ms }) => {
      const [first] = this.cluster.operators;
      // Two that act at once and see different times would contradict each other without an end.
      if (first && this.#actAlone) first.faults.lagMs = ms;
    },
    latency: ({ ms }) => {
      this.#latencyMs = ms;
      // Some five answers lie between a look and the act that follows from it.
      this.cluster.promises.raceMs = 1000 + 5 * ms;
    },
    compact: () => this.cluster.server.compact(),
    clock: ({ ms }) => this.cluster.clock.jumpWallClock(ms),
    crashOperator: ({ which, awayMs }) => {
      const running = chosen(this.cluster.operators, which);
      if (running) this.#crash(running, awayMs);
    },
    crashAtWrite: ({ which, inWrites, when }) => {
      const running = chosen(this.cluster.operators, which);
      if (!running) return;
      let left = inWrites;
      running.link.guard[when] = () => {
        left -= 1;
        if (left === 0) this.#crash(running, 1000);
      };
    },
    pauseOperator: ({ which, ms }) => {
      const running = chosen(this.cluster.operators, which);
      running?.link.pause();
      this.cluster.clock.setTimer(ms, () => running?.link.resume());
    },
    startOperator: () => {
      if (this.cluster.operators.length < 3 && (this.#walk.elected || this.#walk.operators > 1)) this.start();
    },
  };

  /** The world takes something of an amphora away, or gives it back. */
  #harm(which: number, change: (amphora: SimulatedAmphora) => void): void {
    this.#to(which, (amphora) => {
      this.cluster.promises.harmed();
      change(amphora);
    });
  }

  #to(which: number, change: (amphora: SimulatedAmphora) => void): void {
    const uid = this.cluster.loadBalancer?.metadata.uid;
    const amphora = uid === undefined ? undefined : chosen(this.cluster.amphorae.amphorae(uid), which);
    if (amphora) change(amphora);
  }

  #crash(running: Running, awayMs: number): void {
    this.cluster.killOperator(running);
    this.cluster.clock.setTimer(awayMs, () => this.start());
  }

  /** All faults end; what people left half done is mended: the port that HAProxy refuses, and suspension. */
  calm(): void {
    const { cluster } = this;
    this.take({ do: 'latency', ms: 0 });
    cluster.amphorae.faults.clear();
    cluster.amphorae.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'The image is not to be had.' },
      { flavorId: 'broken' },
    );
    cluster.chaos = 0;
    for (const { link, faults } of cluster.operators) {
      link.guard = {};
      link.resume();
      faults.clear();
    }
    if (cluster.operators.length === 0) this.start();
    const uid = cluster.loadBalancer?.metadata.uid;
    for (const { name } of uid ? cluster.amphorae.amphorae(uid) : []) cluster.amphorae.settle(name);
    cluster.edit({ suspend: false, listeners: listeners(this.ports.filter((port) => port !== REFUSED_PORT)) });
    cluster.amphorae.setMember('10.1.0.1', 8080, 'ONLINE');
  }
}

const chosen = <T>(there: readonly T[], which: number): T | undefined => there[which % Math.max(1, there.length)];

function faultOf(name: DriverFault, random: () => number): Fault {
  const [kind, act] = name.split(' ') as [Fault['kind'], Act];
  switch (kind) {
    case 'throws':
      return { kind, act, when: random() < 0.5 ? 'before' : 'after' };
    case 'hangs':
      return { kind, act };
    case 'slow':
      return { kind, act, ms: 5000 };
    case 'unseen':
      return { kind, reason: 'AmphoraUnreachable', message: 'It does not answer.' };
    case 'buildFails':
      return { kind, reason: 'AmphoraBootFailed', message: 'It ended at once.' };
    default:
      return { kind } as Fault;
  }
}

/** Takes a walk. Returns the promises that were broken on it. */
export async function take(
  walk: Walk,
  { log, tell }: { log?: Log; tell?: (step: Step, cluster: MemoryCluster) => void } = {},
): Promise<string[]> {
  const walker = new Walker(walk, log);
  const { cluster } = walker;
  try {
    for (let started = 0; started < walk.operators; started++) walker.start();
    walker.create();
    for (const step of walk.steps) {
      walker.take(step);
      await cluster.pass(step.do === 'pass' ? step.ms : 0);
      cluster.promises.look();
      tell?.(step, cluster);
      if (cluster.promises.broken.length > 0) return cluster.promises.broken;
    }
    walker.calm();
    const restless = await comesToRest(cluster, REST_MS);
    return [...cluster.promises.broken, ...restless];
  } finally {
    cluster.close();
  }
}
