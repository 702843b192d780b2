import { configFrom } from '../../src/config.ts';
import { setupWith } from '../../src/controller/index.ts';
import { createLogger } from '../../src/log.ts';
import { runOperator } from '../../src/operator.ts';
import { SimulatedDriver } from '../../src/provider/amphora/simulated/driver.ts';
import type { SimulatedWorld } from '../../src/provider/amphora/simulated/world.ts';

/** An operator inside this process, over amphorae that are entries in a world of the test's. */
export class TestOperator {
  readonly driver: SimulatedDriver;
  readonly #flags: Record<string, string>;
  #stop = new AbortController();
  #running: Promise<number> | undefined;

  /** @param flags as `Config` names them: settings that differ from those of a fast test */
  constructor(kubeconfig: string, world: SimulatedWorld, flags: Record<string, string> = {}) {
    this.driver = new SimulatedDriver(world);
    this.#flags = {
      kubeconfig,
      driver: 'simulated',
      healthBindAddress: '0',
      metricsBindAddress: '0',
      progressMs: '50',
      observeSeconds: '1',
      logLevel: process.env.TEST_LOG ?? 'silent',
      ...flags,
    };
  }

  start(): void {
    this.#stop = new AbortController();
    const config = configFrom(this.#flags, {});
    this.#running = runOperator(
      config,
      setupWith(() => this.driver),
      createLogger(config.logLevel),
      this.#stop.signal,
    );
  }

  /** Ends it in order; the world goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
