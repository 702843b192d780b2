import { Registry } from 'prom-client';
import { type Config, configFrom } from '../../src/config.ts';
import { setupWith } from '../../src/controller/index.ts';
import { LeaderElection } from '../../src/controller/runtime/leaderelection.ts';
import { type Log, silentLog } from '../../src/controller/runtime/log.ts';
import { Manager } from '../../src/controller/runtime/manager.ts';
import { RuntimeMetrics } from '../../src/controller/runtime/metrics.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { AmphoraDriver } from '../../src/provider/amphora/driver.ts';
import type { Link } from './link.ts';

export interface OperatorProcessOptions {
  link: Link;
  client: KubeClient;
  driver: AmphoraDriver;
  identity: string;
  /** Numbers from 0 to 1. */
  random: () => number;
  /** Stand for election rather than act at once. */
  elected: boolean;
  log?: Log;
}

/** One operator process, as `runOperator` makes it, in memory. */
export class OperatorProcess {
  readonly link: Link;
  readonly #options: OperatorProcessOptions;
  readonly #config: Config;

  constructor(options: OperatorProcessOptions) {
    this.#options = options;
    this.link = options.link;
    this.#config = configFrom({ driver: 'simulated', healthBindAddress: '0', metricsBindAddress: '0' }, {});
  }

  /** Resolves to the exit code when the process ends by itself, having lost its lease; never when it is ended. */
  async run(): Promise<number> {
    const { link, client, driver, identity, random, elected, log = silentLog } = this.#options;
    const config = this.#config;
    const registry = new Registry();
    const election = elected
      ? new LeaderElection({ client, namespace: 'reflavor', name: config.leaseName, identity, clock: link, random, log })
      : undefined;
    const setup = await setupWith(() => driver)({
      config,
      client,
      namespace: 'reflavor',
      recorder: { record() {} },
      clock: link,
      random,
      log,
      metrics: new RuntimeMetrics(registry),
      registry,
      heldForMs: () => election?.heldForMs() ?? Number.POSITIVE_INFINITY,
    });
    const code = await new Manager({ setup, leaderElection: election, clock: link, log }).run(new AbortController().signal);
    link.end();
    return code;
  }
}
