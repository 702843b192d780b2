import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from './config.ts';
import { realClock } from './controller/runtime/clock.ts';
import { LeaderElection } from './controller/runtime/leaderelection.ts';
import type { Log } from './controller/runtime/log.ts';
import { Manager } from './controller/runtime/manager.ts';
import { RuntimeMetrics } from './controller/runtime/metrics.ts';
import type { Setup } from './controller/runtime/setup.ts';
import { connect, namespaceOf } from './kube/index.ts';
import { KubeEventRecorder } from './notify/events.ts';

/**
 * The operator as a whole: connects to the cluster, builds the controllers and runs them until `stop` aborts.
 * Resolves to the process's exit code: 0 after a stop, 1 when leadership was lost.
 *
 * @throws Error saying what to do when there is no cluster to talk to, or an address can't be bound
 */
export async function runOperator(config: Config, setup: Setup, log: Log, stop: AbortSignal): Promise<number> {
  const registry = new Registry();
  // By default it would wake an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  const metrics = new RuntimeMetrics(registry);
  const cluster = { kubeconfig: config.kubeconfig, context: config.context };
  const namespace = config.operatorNamespace ?? namespaceOf(cluster);
  const client = connect(cluster, { userAgent: 'reflavor-operator', onRequest: metrics.request });
  const recorder = new KubeEventRecorder({ client, controller: 'reflavor.dev/operator', instance: config.identity, log });
  const leaderElection = config.leaderElect
    ? new LeaderElection({
        client,
        namespace: config.leaseNamespace ?? namespace,
        name: config.leaseName,
        identity: config.identity,
        leaseDurationMs: config.leaseDurationSeconds * 1000,
        renewDeadlineMs: config.leaseRenewDeadlineSeconds * 1000,
        retryPeriodMs: config.leaseRetryPeriodSeconds * 1000,
        log,
      })
    : undefined;
  const controllers = await setup({
    config,
    client,
    namespace,
    recorder,
    clock: realClock,
    random: Math.random,
    log,
    metrics,
    registry,
    heldForMs: () => leaderElection?.heldForMs() ?? Number.POSITIVE_INFINITY,
  });
  const manager = new Manager({
    setup: controllers,
    leaderElection,
    healthAddress: config.healthBindAddress,
    metricsAddress: config.metricsBindAddress,
    registry,
    onLeader: (isLeader) => metrics.leader(isLeader),
    graceMs: config.graceSeconds * 1000,
    log,
  });
  try {
    return await manager.run(stop);
  } finally {
    await recorder.close(2000);
    await client.close();
  }
}
