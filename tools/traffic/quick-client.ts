import * as net from 'node:net';
import { describeError, idleRaceMs, isConnectionClosed, type Judged, judge, wrongName } from './judge.ts';
import type { Outcome } from './tally.ts';

export interface QuickOptions {
  host: string;
  port: number;
  path: string;
  headers: Record<string, string>;
  /** Use a connection again, for as long as the server lets it. */
  keepAlive: boolean;
  timeoutMs: number;
  checkClientAddress: boolean;
}

/**
 * A client that makes one GET after the other over plain HTTP/1.1 (RFC 9112) and judges each answer as `httpExchange` does, at a quarter of its cost: a
 * request is one write, and an answer is read where it lies. For small answers.
 */
export class QuickClient {
  readonly #options: QuickOptions;
  readonly #request: string;
  #socket: net.Socket | undefined;
  #hear: ((event: { data: string } | { error: Error }) => void) | undefined;

  constructor(options: QuickOptions) {
    this.#options = options;
    const { host, port, path, keepAlive } = options;
    const headers = {
      host: `${net.isIPv6(host) ? `[${host}]` : host}:${port}`,
      connection: keepAlive ? 'keep-alive' : 'close',
      ...Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value])),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#request = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  }

  /** Never rejects: whatever isn't a 200 with the whole and right body by the time-out is an outcome with an error. */
  request(): Promise<Outcome> {
    const { timeoutMs, checkClientAddress, keepAlive } = this.#options;
    const startedAt = performance.now();
    const reused = this.#socket;
    const socket = reused ?? this.#connect();
    const connected = reused === undefined;
    let text = '';
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#hear?.({ error: new Error(`no complete answer within ${timeoutMs} ms`) }), timeoutMs);
      const end = (keep: boolean, outcome: Partial<Outcome>) => {
        clearTimeout(timer);
        this.#hear = undefined;
        if (!keep) this.close();
        resolve({ ms: performance.now() - startedAt, connected, ...outcome });
      };
      this.#hear = (event) => {
        if ('error' in event) {
          const ms = performance.now() - startedAt;
          const untouched = !connected && text === '' && isConnectionClosed(event.error) && ms < idleRaceMs;
          return end(false, { error: describeError(event.error, text !== ''), closedWhileIdle: untouched });
        }
        text += event.data;
        const answer = parseAnswer(text);
        if (!answer) return;
        const error = judge(answer, wrongName(answer.body, answer.member), checkClientAddress ? socket.localAddress : undefined);
        end(keepAlive && !answer.closes && error === undefined, { error, member: answer.member });
      };
      socket.write(this.#request, 'latin1');
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): net.Socket {
    const { host, port } = this.#options;
    const socket = net.connect({ host, port, noDelay: true });
    const lost = (error: Error) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      socket.destroy();
      this.#hear?.({ error });
    };
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      if (this.#socket !== socket) return;
      if (this.#hear) this.#hear({ data });
      // Nobody has asked.
      else lost(new Error('an answer to nothing'));
    });
    socket.on('error', lost);
    socket.on('end', () => lost(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })));
    this.#socket = socket;
    return socket;
  }
}

interface Answer extends Judged {
  body: string;
  /** The server closes the connection after it. */
  closes: boolean;
}

const [CONNECTION, LENGTH, ENCODING, MEMBER, CLIENT_ADDRESS] = [
  'connection',
  'content-length',
  'transfer-encoding',
  'x-member',
  'x-client-address',
].map((name) => new RegExp(`\r\n${name}:[ \t]*(.*?)[ \t]*\r\n`, 'i')) as [RegExp, RegExp, RegExp, RegExp, RegExp];

/** The answer, once all of it is there. Of one that isn't well, the status is enough. */
function parseAnswer(text: string): Answer | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd + 2);
  const value = (header: RegExp) => header.exec(head)?.[1];
  const status = Number(head.slice(9, 12));
  const body = status === 200 ? bodyOf(text.slice(headEnd + 4), value(LENGTH), value(ENCODING)) : '';
  if (body === undefined) return undefined;
  return {
    status,
    member: value(MEMBER),
    clientAddress: value(CLIENT_ADDRESS),
    body,
    closes: value(CONNECTION)?.toLowerCase() === 'close',
  };
}

/** The whole body, once it is there (RFC 9112 sections 6 and 7.1); never where neither length nor chunks tell its end. */
function bodyOf(text: string, length: string | undefined, encoding: string | undefined): string | undefined {
  if (encoding?.toLowerCase() !== 'chunked') return text.length >= Number(length ?? Number.NaN) ? text : undefined;
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (lineEnd < 0 || text.length < lineEnd + 2 + size + 2) return undefined;
    if (size === 0) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
