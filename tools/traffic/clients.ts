/** The clients: each a loop that makes one request after the other until it is told to stop. They run in a thread, see traffic.ts. */
import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { type HttpOutcome, type HttpRequest, httpExchange } from './http-exchange.ts';
import type { Pace } from './pace.ts';
import { QuickClient } from './quick-client.ts';
import type { TrafficSettings } from './settings.ts';
import { type Kind, kinds, type Outcome, type Tally } from './tally.ts';
import { tcpExchange } from './tcp-exchange.ts';

/** Rest after a failure, milliseconds, so that a dead target is not hammered. */
const restMs = 20;

/** Runs all clients that `settings` asks for; resolves once each has made its last request. */
export async function runClients(settings: TrafficSettings, pace: Pace, tally: Tally): Promise<void> {
  const makeClient = settings.scheme === 'tcp' ? tcpClient : httpClient;
  const loops = kinds.flatMap((kind) =>
    Array.from({ length: settings.clients[kind] }, async (_, i) => {
      const client = makeClient(settings, kind, i, tally);
      while (await pace.turn(kind)) {
        tally.begin();
        const outcome = await client.request();
        tally.end(kind, outcome);
        if (outcome.error !== undefined) await delay(restMs);
      }
      client.close();
    }),
  );
  await Promise.all(loops);
}

interface Client {
  request(): Promise<Outcome>;
  close(): void;
}

function tcpClient(settings: TrafficSettings, kind: Kind, index: number, tally: Tally): Client {
  const { host, port, timeoutMs, checkClientAddress } = settings;
  const overMs = { slow: settings.slowMs, held: settings.holdMs }[kind as string] ?? 0;
  const localAddress = kind === 'sticky' ? sourceAddress(index) : undefined;
  const watch = moveWatch(`client ${index + 1}`, tally);
  const echoes = overMs > 0 ? 10 : 1;
  return {
    async request() {
      const outcome = await tcpExchange({ host, port, localAddress, echoes, overMs, timeoutMs: timeoutMs + overMs, checkClientAddress });
      if (kind === 'sticky') watch(outcome);
      return outcome;
    },
    close() {},
  };
}

function httpClient(settings: TrafficSettings, kind: Kind, index: number, tally: Tally): Client {
  if (settings.scheme === 'http' && (kind === 'newConnections' || kind === 'keepAlive')) {
    const client = new QuickClient({ ...settings, keepAlive: kind === 'keepAlive' });
    return { request: () => retriedOnce(() => client.request(), tally), close: () => client.close() };
  }
  const agent = new (settings.scheme === 'https' ? https : http).Agent({ keepAlive: kind === 'keepAlive', maxSockets: 1 });
  const base = baseRequest(settings, kind, agent);
  const close = () => agent.destroy();
  if (kind === 'keepAlive') return { request: () => retriedOnce(() => httpExchange(base), tally), close };
  if (kind !== 'sticky') return { request: () => httpExchange(base), close };

  const watch = moveWatch(`client ${index + 1}`, tally);
  const jar = new Map<string, string>();
  const localAddress = settings.stickyBy === 'sourceAddress' ? sourceAddress(index) : undefined;
  return {
    async request() {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = cookie ? { ...base.headers, cookie } : base.headers;
      const outcome = await httpExchange({ ...base, headers, localAddress });
      if (settings.stickyBy === 'cookie') keepCookies(jar, outcome);
      watch(outcome);
      return outcome;
    },
    close,
  };
}

function baseRequest(settings: TrafficSettings, kind: Kind, agent: http.Agent): HttpRequest {
  const { host, port, scheme, headers, tls, checkClientAddress, prefix, slowMs, holdMs, downloadBytes, downloadSeconds } = settings;
  const [path, takesMs] = {
    newConnections: [settings.path, 0],
    keepAlive: [settings.path, 0],
    sticky: [settings.stickyPath, 0],
    slow: [`${prefix}/slow?ms=${slowMs}`, slowMs],
    held: [`${prefix}/slow?ms=${holdMs}`, holdMs],
    downloads: [`${prefix}/download?bytes=${downloadBytes}&seconds=${downloadSeconds}`, downloadSeconds * 1000],
  }[kind] as [string, number];
  return {
    ...(tls && { ca: tls.caPem, cert: tls.certPem, key: tls.keyPem, servername: tls.serverName }),
    host,
    port,
    path,
    headers,
    agent,
    secure: scheme === 'https',
    expect: kind === 'downloads' ? { payload: downloadBytes } : { name: true },
    timeoutMs: settings.timeoutMs + takesMs,
    checkClientAddress,
  };
}

/** A GET may be sent again, once, when a kept connection turns out to have been closed while it was idle (RFC 9112 section 9.3.1). */
async function retriedOnce(ask: () => Promise<Outcome>, tally: Tally): Promise<Outcome> {
  const outcome = await ask();
  if (!outcome.closedWhileIdle) return outcome;
  tally.retried();
  return ask();
}

function keepCookies(jar: Map<string, string>, outcome: HttpOutcome): void {
  for (const line of outcome.setCookie ?? []) {
    const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) jar.set(name.trim(), value.trim());
  }
}

function moveWatch(client: string, tally: Tally): (outcome: Outcome) => void {
  let last: string | undefined;
  return ({ error, member }) => {
    if (error !== undefined || member === undefined) return;
    if (last !== undefined && member !== last) tally.moved(client, last, member);
    last = member;
  };
}

/** An address of its own for each client, for SOURCE_IP persistence. */
function sourceAddress(index: number): string {
  return `127.83.${Math.floor(index / 250)}.${1 + (index % 250)}`;
}
