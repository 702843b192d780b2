/** One member: a real server that says who it is and whom it sees. */
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { requireLoopback } from './loopback.ts';
import { payloadOver } from './payload.ts';
import { readProxyHeader } from './proxy-protocol.ts';

/** How a member is set up. */
export interface MemberOptions {
  name: string;
  /** `http`: see `MemberServer`; `https`: the same over TLS; `tcp`: a greeting line, then an echo. */
  protocol: 'http' | 'https' | 'tcp';
  /** A loopback address. Default: 127.0.0.1. */
  host?: string;
  /** Default: 0, a free one. */
  port?: number;
  /** For `https`: PEM. With `clientCaPem`, clients must show a certificate of that CA. */
  tls?: { certPem: string; keyPem: string; clientCaPem?: string };
  /** Expect a PROXY header, version 1 or 2, at the start of every connection. Default: false. */
  proxyProtocol?: boolean;
}

/** What a member has seen since it was made. */
export interface MemberStats {
  /** Requests but for `/health`; a tcp member counts connections here. */
  requests: number;
  healthChecks: number;
  connections: number;
}

/**
 * Every answer has the headers `x-member` (its name) and `x-client-address` (the last of X-Forwarded-For, else what the PROXY header said,
 * else the peer). Only the last segment of the path counts, so that members can be reached under any prefix:
 * - `/slow?ms=` answers after that time;
 * - `/download?bytes=&seconds=` sends the bytes of `payload`, spread over that time;
 * - `/status?code=` answers with that status;
 * - `/echo` answers with what it received, as JSON: member, method, url, headers, clientAddress, clientCertificate;
 * - `/session?cookie=` sets that cookie (default JSESSIONID), unless the request has it;
 * - `/health` answers 200, or 503 after `setHealthy(false)`, and with `?only=` to whoever has none of these addresses, separated by commas;
 * - anything else answers at once. The body is the name, where nothing else is said.
 *
 * A tcp member greets with `<name> <client address>\n`, then echoes; `setHealthy(false)` makes it refuse new connections.
 */
export class MemberServer {
  readonly options: MemberOptions;
  readonly stats: MemberStats = { requests: 0, healthChecks: 0, connections: 0 };
  port = 0;
  #listener: net.Server | undefined;
  #sockets = new Set<net.Socket>();
  #http: http.Server | undefined;
  #healthy = true;
  /** The clients' addresses that PROXY headers named, by the peer they came from (a TLS socket shows the same peer as the TCP socket under it). */
  #proxied = new Map<string, string>();

  /** Throws a RangeError where the host is not one that `requireAddress` lets pass: a loopback one, unless said otherwise. */
  constructor(options: MemberOptions, requireAddress = requireLoopback) {
    this.options = { ...options, host: requireAddress(options.host ?? '127.0.0.1') };
    if (options.protocol !== 'tcp') this.#http = this.#makeHttp();
  }

  /** Listens; on the same port again after `kill`. */
  async start(): Promise<void> {
    if (this.#listener) return;
    const listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connected(socket));
    listener.listen(this.port || (this.options.port ?? 0), this.options.host);
    await once(listener, 'listening');
    this.#listener = listener;
    this.port = (listener.address() as net.AddressInfo).port;
  }

  /** Dies as a process does that is killed: the port refuses connections and all open ones are closed, whatever was under way. */
  kill(): void {
    this.#stopListening();
    for (const socket of this.#sockets) socket.destroy();
  }

  async setHealthy(healthy: boolean): Promise<void> {
    this.#healthy = healthy;
    if (this.options.protocol !== 'tcp') return;
    if (healthy) await this.start();
    else this.#stopListening();
  }

  #stopListening(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  #makeHttp(): http.Server {
    const { tls, protocol } = this.options;
    const answer: http.RequestListener = (req, res) => {
      this.#answer(req, res).catch((error: Error) => res.destroy(error));
    };
    // No time-outs of its own: a member that closes an idle connection just when the load balancer uses it again would fail a request by itself.
    const settings = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 };
    if (protocol === 'http') return http.createServer(settings, answer);
    if (!tls) throw new TypeError(`member ${this.options.name} speaks https and needs tls: {certPem, keyPem}`);
    const mutual = { ca: tls.clientCaPem, requestCert: tls.clientCaPem !== undefined, rejectUnauthorized: tls.clientCaPem !== undefined };
    return https.createServer({ ...settings, cert: tls.certPem, key: tls.keyPem, ...mutual }, answer);
  }

  #connected(socket: net.Socket): void {
    this.stats.connections++;
    this.#sockets.add(socket);
    const peer = peerOf(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#proxied.delete(peer);
    });
    if (!this.options.proxyProtocol) {
      this.#serve(socket);
      return;
    }
    readProxyHeader(socket).then(
      (source) => {
        if (source) this.#proxied.set(peer, source);
        this.#serve(socket);
        socket.resume();
      },
      () => socket.destroy(),
    );
  }

  #serve(socket: net.Socket): void {
    if (this.#http) {
      this.#http.emit('connection', socket);
      return;
    }
    this.stats.requests++;
    socket.write(`${this.options.name} ${this.#clientAddress(socket)}\n`);
    socket.pipe(socket);
  }

  #clientAddress(socket: net.Socket, forwardedFor?: string): string {
    const forwarded = forwardedFor?.split(',').at(-1)?.trim();
    return forwarded || (this.#proxied.get(peerOf(socket)) ?? socket.remoteAddress ?? '');
  }

  async #answer(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const { name } = this.options;
    const url = new URL(req.url ?? '/', 'http://member');
    const path = url.pathname.slice(url.pathname.lastIndexOf('/'));
    const clientAddress = this.#clientAddress(req.socket, [req.headers['x-forwarded-for']].flat().join(','));
    const headers: http.OutgoingHttpHeaders = { 'x-member': name, 'x-client-address': clientAddress, 'content-type': 'text/plain' };
    if (path === '/health') this.stats.healthChecks++;
    else this.stats.requests++;
    const end = (status: number, body: string) => {
      res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
      res.end(body);
    };

    switch (path) {
      case '/health':
        return end(this.#healthy && (url.searchParams.get('only') ?? clientAddress).split(',').includes(clientAddress) ? 200 : 503, name);
      case '/slow':
        await delay(numberOf(url, 'ms', 1000));
        return end(200, name);
      case '/download':
        return download(res, headers, numberOf(url, 'bytes', 1_000_000), numberOf(url, 'seconds', 0));
      case '/status':
        return end(Math.min(599, Math.max(200, numberOf(url, 'code', 200))), name);
      case '/session': {
        const cookie = url.searchParams.get('cookie') ?? 'JSESSIONID';
        if (!req.headers.cookie?.includes(`${cookie}=`)) headers['set-cookie'] = `${cookie}=${name}-${this.stats.requests}; Path=/`;
        return end(200, name);
      }
      case '/echo': {
        headers['content-type'] = 'application/json';
        const certificate = 'getPeerCertificate' in req.socket ? (req.socket as TLSSocket).getPeerCertificate() : undefined;
        const { method, headers: received } = req;
        return end(
          200,
          JSON.stringify({
            member: name,
            method,
            url: req.url,
            headers: received,
            clientAddress,
            clientCertificate: certificate?.subject?.CN,
          }),
        );
      }
      default:
        return end(200, name);
    }
  }
}

function peerOf(socket: net.Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

async function download(res: http.ServerResponse, headers: http.OutgoingHttpHeaders, bytes: number, seconds: number): Promise<void> {
  res.writeHead(200, { ...headers, 'content-type': 'application/octet-stream', 'content-length': bytes });
  await pipeline(Readable.from(payloadOver(bytes, seconds), { objectMode: false }), res);
}

function numberOf(url: URL, name: string, otherwise: number): number {
  const value = Number(url.searchParams.get(name) ?? otherwise);
  return Number.isFinite(value) && value >= 0 ? Math.min(value, 1e9) : otherwise;
}
