import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ControlPlane } from '../../tools/controlplane.ts';
import { openAuthority } from '../../tools/pki.ts';
import { type Call, parseCall } from './api-call.ts';

export interface Answer {
  status: number;
  /** Default: that of a JSON body. */
  headers?: Record<string, string>;
  body: string;
}

/** What becomes of a call: an answer of the proxy's own, a connection that breaks, an answer that never comes. Undefined: what else would. */
export type Fate = Answer | 'cut' | 'silence' | undefined;

/** Somebody who has a say in every call. While it thinks, the call is held. */
export interface Interference {
  /** Before the API server hears of it. */
  before?(call: Call): Fate | Promise<Fate>;
  /** After the API server has done it, and before its answer is passed on. Not asked about watches. */
  after?(call: Call, answer: Answer): Fate | Promise<Fate>;
}

/** Stands between one client and the API server, and breaks what is between them in the ways that networks and API servers do. */
export interface ApiProxy {
  url: string;
  /** Certificate of the authority by which its own is trusted. */
  caPem: string;
  /** From now on, until what it returns is called. */
  interfere(interference: Interference): () => void;
  /** Breaks the connection of every watch. This and the next two return how many there were. */
  cutWatches(): number;
  /** What the watches would say is lost, and nobody is told; watches that are opened later speak. */
  silenceWatches(): number;
  /** Each watch says this as its last event. */
  endWatches(event: object): number;
  close(): Promise<void>;
}

interface OpenWatch {
  upstream: IncomingMessage;
  response: ServerResponse;
}

/** Starts one on a free port of 127.0.0.1. Callers' credentials are passed on as far as they are in headers. */
export async function startApiProxy(controlPlane: ControlPlane): Promise<ApiProxy> {
  const authority = await openAuthority(join(controlPlane.dir, 'pki'));
  const { certPem, keyPem } = await authority.issueServer(['localhost'], ['127.0.0.1']);
  const { hostname, port } = new URL(controlPlane.url);
  const agent = new Agent({ keepAlive: true, ca: authority.caPem });
  const interferences = new Set<Interference>();
  const watches = new Set<OpenWatch>();

  const fateOf = async (ask: (interference: Interference) => Fate | Promise<Fate>): Promise<Fate> => {
    for (const interference of interferences) {
      const fate = await ask(interference);
      if (fate !== undefined) return fate;
    }
    return undefined;
  };

  const forward = (call: Call, incoming: IncomingMessage) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { host: _host, connection: _connection, ...headers } = incoming.headers;
      const outgoing = request({ hostname, port, agent, method: call.method, path: call.path, headers }, resolve);
      outgoing.once('error', reject);
      outgoing.end(call.body);
    });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = parseCall(incoming.method!, incoming.url!, await textOf(incoming), incoming.headers.authorization);
    const early = await fateOf(({ before }) => before?.(call));
    if (early !== undefined) return meet(early, response);
    const upstream = await forward(call, incoming);
    if (call.verb === 'watch' && upstream.statusCode === 200) return follow(upstream, response);
    const headers = { 'content-type': upstream.headers['content-type'] ?? 'application/json', ...retryAfter(upstream) };
    const answer = { status: upstream.statusCode!, headers, body: await textOf(upstream) };
    meet((await fateOf(({ after }) => after?.(call, answer))) ?? answer, response);
  }

  function follow(upstream: IncomingMessage, response: ServerResponse): void {
    const watch = { upstream, response };
    watches.add(watch);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    upstream.on('error', () => response.destroy());
    upstream.pipe(response);
    response.once('close', () => {
      watches.delete(watch);
      upstream.destroy();
    });
  }

  const server = createServer({ cert: certPem, key: keyPem }, (incoming, response) => {
    response.on('error', () => {});
    // The API server is away, or the client is: either way the client hears no answer.
    serve(incoming, response).catch(() => response.destroy());
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caPem: authority.caPem,
    interfere(interference) {
      interferences.add(interference);
      return () => void interferences.delete(interference);
    },
    cutWatches() {
      const { size } = watches;
      for (const { response } of watches) response.destroy();
      return size;
    },
    silenceWatches() {
      for (const { upstream, response } of watches) {
        upstream.unpipe(response);
        upstream.resume();
      }
      return watches.size;
    },
    endWatches(event) {
      const { size } = watches;
      for (const { upstream, response } of watches) {
        upstream.unpipe(response);
        response.end(`${JSON.stringify(event)}\n`);
      }
      return size;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

function meet(fate: Exclude<Fate, undefined>, response: ServerResponse): void {
  if (fate === 'silence') return;
  if (fate === 'cut') return void response.destroy();
  const { status, headers = { 'content-type': 'application/json' }, body } = fate;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function retryAfter({ headers }: IncomingMessage): Record<string, string> {
  const after = headers['retry-after'];
  return after === undefined ? {} : { 'retry-after': after };
}
