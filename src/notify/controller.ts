import type { FlavorData, LoadBalancer } from '../api/index.ts';
import { Controller, type ControllerOptions } from '../controller/runtime/controller.ts';
import type { SetupDeps } from '../controller/runtime/setup.ts';
import { keyOf } from '../kube/paths.ts';
import type { Watched } from '../kube/watched.ts';
import { notifierMetrics } from './metrics.ts';
import { Notifier } from './notifier.ts';
import { HttpSink } from './sink.ts';

export interface Notifications {
  notifier: Notifier;
  controller: Controller;
  close(): Promise<void>;
}

/** The notifier with a queue of its own, beside that of the load balancers; nothing where no sink is set. */
export function notificationsFor(
  deps: Pick<SetupDeps, 'config' | 'recorder' | 'clock' | 'random' | 'log' | 'metrics' | 'registry'>,
  loadBalancers: Pick<Watched<LoadBalancer>, 'get' | 'onEvent'>,
  flavorData: (lb: LoadBalancer) => FlavorData | undefined,
  remember: (key: string) => void,
): Notifications | undefined {
  const { config, recorder: events, clock, random, log, metrics, registry } = deps;
  if (!config.notificationsSink) return undefined;
  const sink = new HttpSink({
    url: config.notificationsSink,
    mode: config.notificationsMode,
    timeoutMs: config.notificationsTimeoutSeconds * 1000,
    tokenFile: config.notificationsTokenFile,
    headersFile: config.notificationsHeadersFile,
    caFile: config.notificationsCaFile,
  });
  const reconcile: ControllerOptions['reconcile'] = (key, context) => notifier.visit(key, context);
  const name = 'notification';
  const controller = new Controller({
    name,
    reconcile,
    // One visit may have a whole history to tell to a slow sink.
    timeoutMs: 600_000,
    concurrency: config.concurrency,
    clock,
    random,
    log,
    metrics: metrics.controller(name),
  });
  const notifier = new Notifier({
    sink,
    source: config.notificationsSource,
    loadBalancer: (key) => loadBalancers.get(key),
    flavorData,
    remember,
    enqueue: (key) => controller.enqueue(key),
    events,
    metrics: notifierMetrics(registry),
    clock,
    random,
    refusedForMs: config.notificationsRefusedSeconds * 1000,
  });
  loadBalancers.onEvent(({ type, object }) => {
    if (type === 'deleted') notifier.forget(object);
    controller.enqueue(keyOf(object));
  });
  return { notifier, controller, close: () => sink.close() };
}
