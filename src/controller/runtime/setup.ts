import type { Registry } from 'prom-client';
import type { Config } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../notify/events.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { ControllerSetup } from './manager.ts';
import type { RuntimeMetrics } from './metrics.ts';

/** What the controllers are built from. */
export interface SetupDeps {
  config: Config;
  client: KubeClient;
  /** The operator's own. */
  namespace: string;
  recorder: EventRecorder;
  clock: Clock;
  random: () => number;
  log: Log;
  /** Hand `metrics.controller(name)` to each controller and `metrics.reflector(plural)` to each reflector. */
  metrics: RuntimeMetrics;
  /** For metrics of the controllers' own; their names start with `reflavor_`. */
  registry: Registry;
  /** For how many ms from now nobody else can be the leader; Infinity without an election. Ask before taking something away. */
  heldForMs: () => number;
}

/** Builds the controllers; starts nothing. */
export type Setup = (deps: SetupDeps) => ControllerSetup | Promise<ControllerSetup>;
