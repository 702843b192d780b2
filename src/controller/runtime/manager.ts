import type { Registry } from 'prom-client';
import { type Clock, realClock, sleep } from './clock.ts';
import type { Controller } from './controller.ts';
import type { LeaderElection } from './leaderelection.ts';
import { type Log, silentLog } from './log.ts';
import type { Reflector } from './reflector.ts';
import { type BindAddress, type Check, type RunningServer, serve } from './server.ts';

/** Something that runs beside the controllers while this process is the leader, such as a poll; it ends when the signal aborts. */
export interface Background {
  name: string;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * What the operator is made of: whoever wires the controllers builds one of these and hands it to the manager. Reflectors are already
 * connected to the controllers' queues (`reflector.onEvent(e => controller.enqueue(…))`); nothing has been started.
 */
export interface ControllerSetup {
  /** Run in every process, leader or not, so that a new leader starts with warm caches. */
  // biome-ignore lint/suspicious/noExplicitAny: reflectors of different kinds stand in one list
  reflectors: Reflector<any>[];
  /** Run by the leader alone, once all reflectors have synced. */
  controllers: Controller[];
  /** Run by the leader alone, beside the controllers. */
  background?: Background[];
  /** Further questions of `/readyz`. */
  readyz?: Record<string, Check>;
  /** Called last, after everything has stopped: close what was opened. */
  close?(): Promise<void>;
}

export interface ManagerOptions {
  setup: ControllerSetup;
  /** Absent: this process is the only one, and leads at once. */
  leaderElection?: LeaderElection;
  /** Where probes are answered; absent: nowhere. */
  healthAddress?: BindAddress;
  /** Where `/metrics` is; the same address as the probes' is fine. */
  metricsAddress?: BindAddress;
  registry?: Registry;
  onLeader?: (isLeader: boolean) => void;
  /** How long visits may take to end at a stop. Default 20,000. */
  graceMs?: number;
  clock?: Clock;
  log?: Log;
}

/** Starts and ends the parts in the right order. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #servers: RunningServer[] = [];

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#log = options.log ?? silentLog;
  }

  /** Where probes and metrics are answered, once `run` has bound them; in the order probes, metrics. */
  get addresses(): BindAddress[] {
    return this.#servers.map((server) => server.address);
  }

  /**
   * Runs until `stop` aborts (resolves to 0) or leadership is lost (resolves to 1: the process must end, so that nothing of it goes
   * on acting as a leader).
   *
   * @throws Error when an address can't be bound
   */
  async run(stop: AbortSignal): Promise<number> {
    const { setup } = this.#options;
    const reflecting = new AbortController();
    await this.#listen();
    const reflectors = setup.reflectors.map((reflector) => reflector.run(reflecting.signal));
    try {
      return await this.#lead(stop);
    } finally {
      reflecting.abort();
      await Promise.all(reflectors);
      await setup.close?.();
      for (const server of this.#servers) await server.close();
    }
  }

  async #lead(stop: AbortSignal): Promise<number> {
    const { setup, leaderElection, onLeader } = this.#options;
    const synced = Promise.all(setup.reflectors.map((reflector) => reflector.synced()));
    if (!(await before(stop, synced))) return 0;
    this.#log.info({ caches: setup.reflectors.map((reflector) => reflector.name) }, 'caches are filled');
    if (leaderElection && !(await leaderElection.acquire(stop))) return 0;

    onLeader?.(true);
    const held = new AbortController();
    // Without an election nothing ever takes the lead away.
    const lease = leaderElection ? leaderElection.hold(held.signal) : new Promise<never>(() => {});
    const background = this.#startAll();
    const lost = await before(stop, lease);
    this.#log.info({ because: lost ? 'the lease was lost' : 'asked to' }, 'stopping');
    await this.#stopAll(background, lost ? 0 : (this.#options.graceMs ?? 20_000));
    // Only now: whoever gets the lease next must find nobody still at work.
    held.abort();
    if (leaderElection) await lease;
    onLeader?.(false);
    return lost ? 1 : 0;
  }

  #startAll(): { abort: AbortController; done: Promise<unknown> } {
    const { controllers, background = [] } = this.#options.setup;
    const abort = new AbortController();
    for (const controller of controllers) controller.start();
    const done = Promise.all(
      background.map(async (task) => {
        try {
          await task.run(abort.signal);
        } catch (error) {
          this.#log.error({ err: error, background: task.name }, 'ended by an error');
        }
      }),
    );
    this.#log.info({ controllers: controllers.map((c) => c.name) }, 'controllers are running');
    return { abort, done };
  }

  async #stopAll(background: { abort: AbortController; done: Promise<unknown> }, graceMs: number): Promise<void> {
    const { controllers } = this.#options.setup;
    background.abort.abort();
    const ended = await Promise.all(controllers.map((controller) => controller.stop(graceMs)));
    await Promise.race([background.done, sleep(this.#clock, 1000)]);
    const stuck = controllers.filter((_, index) => !ended[index]).map((controller) => controller.name);
    if (stuck.length > 0) this.#log.error({ controllers: stuck }, 'visits did not end in time, leaving them behind');
  }

  async #listen(): Promise<void> {
    const { healthAddress, metricsAddress, registry, setup } = this.#options;
    const readyz: Record<string, Check> = { ...setup.readyz };
    for (const reflector of setup.reflectors) {
      readyz[`cache of ${reflector.name}`] = () => reflector.hasSynced() || 'not read yet';
    }
    const healthz: Record<string, Check> = { ping: () => true };
    const shared = healthAddress && metricsAddress && sameAddress(healthAddress, metricsAddress);
    if (healthAddress) this.#servers.push(await serve(healthAddress, { healthz, readyz, registry: shared ? registry : undefined }));
    if (metricsAddress && !shared) this.#servers.push(await serve(metricsAddress, { healthz, readyz, registry }));
    for (const { address } of this.#servers) this.#log.info({ address }, 'answering probes and metrics');
  }
}

/** Port 0 is another free port each time it is asked for. */
function sameAddress(a: BindAddress, b: BindAddress): boolean {
  return a.port !== 0 && a.port === b.port && a.host === b.host;
}

/** Resolves to true with the promise, or to false as soon as the signal aborts. */
async function before(signal: AbortSignal, promise: Promise<unknown>): Promise<boolean> {
  if (signal.aborted) return false;
  const aborted = Promise.withResolvers<boolean>();
  const onAbort = () => aborted.resolve(false);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise.then(() => true), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
