import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** `host:port`, port 0 for a free one; an empty host is every address. */
export interface BindAddress {
  host: string;
  port: number;
}

/** A question a probe asks: true, or what is wrong. */
export type Check = () => true | string;

export interface ProbeOptions {
  /** What `/healthz` asks: no means that a restart helps. */
  healthz: Record<string, Check>;
  /** What `/readyz` asks: no means that it is too early. */
  readyz: Record<string, Check>;
  /** What `/metrics` shows; not served when absent. */
  registry?: Registry;
}

export interface RunningServer {
  /** Where it listens, with the port it was given. */
  address: BindAddress;
  close(): Promise<void>;
}

type Answer = { code: number; type?: string; body: string };

/** Serves `/healthz`, `/readyz` and `/metrics`. Rejects with the cause when the address can't be bound. */
export async function serve(bind: BindAddress, options: ProbeOptions): Promise<RunningServer> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    answer(new URL(request.url ?? '/', 'http://probe').pathname, options).then(
      ({ code, type = 'text/plain; charset=utf-8', body }) => response.writeHead(code, { 'Content-Type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  // A probe comes back within seconds; a connection that doesn't is not kept.
  server.keepAliveTimeout = 15_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: bind.port, ...(bind.host ? { host: bind.host } : {}) }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(path: string, { healthz, readyz, registry }: ProbeOptions): Promise<Answer> {
  if (path === '/healthz' || path === '/livez') return verdict(healthz);
  if (path === '/readyz') return verdict(readyz);
  if (path === '/metrics' && registry) return { code: 200, type: registry.contentType, body: await registry.metrics() };
  return { code: 404, body: 'not found; there are /healthz, /readyz and /metrics\n' };
}

function verdict(checks: Record<string, Check>): Answer {
  const results = Object.entries(checks).map(([name, check]) => ({ name, result: check() }));
  const lines = results.map(({ name, result }) => (result === true ? `[+]${name} ok` : `[-]${name} failed: ${result}`));
  const ok = results.every(({ result }) => result === true);
  return { code: ok ? 200 : 503, body: `${[...lines, ok ? 'ok' : 'not ok'].join('\n')}\n` };
}
