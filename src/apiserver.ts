import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { FastifyBaseLogger } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ApiConfig } from './config.ts';
import { type BindAddress, serve } from './controller/runtime/server.ts';
import { connect } from './kube/index.ts';
import { Authentication } from './rest/auth/authentication.ts';
import { Authorization } from './rest/auth/authorization.ts';
import { RestMetrics } from './rest/metrics.ts';
import { Repository } from './rest/repository.ts';
import { createServer } from './rest/server.ts';
import { followTlsPair, readTlsPair } from './rest/tls.ts';

/**
 * The REST API as a whole: serves until `stop` aborts, then lets the requests under way end. It keeps nothing: any number of them may run.
 *
 * @param listening told where it listens, with the port that it was given
 * @throws Error saying what to do when there is no cluster to talk to, no certificate, or an address can't be bound
 */
export async function runApi(
  config: ApiConfig,
  log: FastifyBaseLogger,
  stop: AbortSignal,
  listening: (address: BindAddress) => void = () => {},
): Promise<void> {
  const registry = new Registry();
  // By default it would wake an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  const metrics = new RestMetrics(registry);
  const client = connect(
    { kubeconfig: config.kubeconfig, context: config.context },
    { userAgent: 'reflavor-api', onRequest: metrics.kubernetes },
  );
  const ttlMs = config.authCacheSeconds * 1000;
  const tls = config.tlsDir === undefined ? undefined : await readTlsPair(config.tlsDir);
  const app = await createServer({
    repository: new Repository(client, config.watchNamespaces),
    authentication: new Authentication(client, { audiences: config.tokenAudiences, ttlMs }),
    authorization: new Authorization(client, { ttlMs }),
    gitopsManagers: config.gitopsManagers,
    log,
    metrics,
    tls,
    bodyLimitBytes: config.bodyLimitKib * 1024,
    rateLimit: config.rateLimit,
    trustedProxies: config.trustedProxies,
  });
  const check = { healthz: { ping: () => true as const }, readyz: { serving: () => !stop.aborted || 'stopping' } };
  const { healthBindAddress: health, metricsBindAddress: scrape } = config;
  const shared = health && scrape && health.host === scrape.host && health.port === scrape.port;
  const probes = [
    ...(health ? [await serve(health, { ...check, registry: shared ? registry : undefined })] : []),
    ...(scrape && !shared ? [await serve(scrape, { ...check, registry })] : []),
  ];
  try {
    const { host, port } = config.bindAddress;
    await app.listen({ port, host: host || everyAddress() });
    const { address, port: bound } = app.server.address() as AddressInfo;
    if (tls) followTlsPair(config.tlsDir!, tls, app.server as unknown as Server, { log, signal: stop });
    log.info({ address, port: bound, tls: tls !== undefined }, 'serving');
    listening({ host: address, port: bound });
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await closed(app, config.graceSeconds * 1000);
    await Promise.all(probes.map((probe) => probe.close()));
    await client.close();
  }
}

/** Of both families where there is IPv6; fastify itself would take loopback addresses alone. */
const everyAddress = () =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6')) ? '::' : '0.0.0.0';

/** Requests under way may end, for a while. */
async function closed(app: { close(): PromiseLike<unknown>; server: { closeAllConnections(): void } }, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
  await app.close();
  clearTimeout(timer);
}
