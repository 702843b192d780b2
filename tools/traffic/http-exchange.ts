import * as http from 'node:http';
import * as https from 'node:https';
import { describeError, idleRaceMs, isConnectionClosed, judge, wrongName } from './judge.ts';
import { firstWrongByte } from './payload.ts';
import type { Outcome } from './tally.ts';

/** What one request asks and expects. */
export interface HttpRequest extends https.RequestOptions {
  secure: boolean;
  /** `name`: the body is what `x-member` says, where the answer has that header; `payload`: exactly so many bytes of the download. */
  expect: { name: true } | { payload: number };
  timeoutMs: number;
  /** Also fail where the answer's `x-client-address` is not the address this request came from. */
  checkClientAddress: boolean;
}

/** What came of one request; `setCookie` is for sticky clients. */
export interface HttpOutcome extends Outcome {
  setCookie?: string[];
}

/**
 * Makes one GET and judges the answer. Never rejects: whatever isn't a 200 with the whole and right body by the time-out is an outcome with an error.
 */
export function httpExchange(request: HttpRequest): Promise<HttpOutcome> {
  const { secure, expect, timeoutMs, checkClientAddress, ...options } = request;
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const req = (secure ? https : http).request(options);
    let bytesBefore = 0;
    let answered = false;
    const timer = setTimeout(() => req.destroy(new Error(`no complete answer within ${timeoutMs} ms`)), timeoutMs);
    const finish = (outcome: Partial<HttpOutcome>) => {
      clearTimeout(timer);
      resolve({ ms: performance.now() - startedAt, connected: !req.reusedSocket, ...outcome });
    };
    const fail = (error: Error) => {
      const ms = performance.now() - startedAt;
      const untouched = !answered && req.reusedSocket && req.socket?.bytesRead === bytesBefore;
      const closed = isConnectionClosed(error);
      finish({ ms, error: describeError(error, answered), closedWhileIdle: untouched && closed && ms < idleRaceMs });
    };
    req.on('socket', (socket) => {
      bytesBefore = socket.bytesRead;
    });
    req.on('error', fail);
    req.on('response', (res) => {
      answered = true;
      const body = expect && 'payload' in expect && res.statusCode === 200 ? new PayloadBody(expect.payload) : new TextBody();
      res.on('data', (chunk: Buffer) => body.add(chunk));
      res.on('error', fail);
      res.on('end', () => {
        const member = res.headers['x-member'] as string | undefined;
        const error = wrongWith(res, body, checkClientAddress ? req.socket?.localAddress : undefined);
        finish({ error, member, setCookie: res.headers['set-cookie'] });
      });
    });
    req.end();
  });
}

function wrongWith(res: http.IncomingMessage, body: PayloadBody | TextBody, ownAddress: string | undefined): string | undefined {
  const [member, clientAddress] = ['x-member', 'x-client-address'].map((name) => res.headers[name] as string | undefined);
  const wrongBody = res.complete ? body.wrong(member) : 'the answer was cut short';
  return judge({ status: res.statusCode!, member, clientAddress }, wrongBody, ownAddress);
}

class TextBody {
  #text = '';

  add(chunk: Buffer): void {
    if (this.#text.length < 1000) this.#text += chunk.toString('latin1');
  }

  wrong(member: string | undefined): string | undefined {
    return wrongName(this.#text, member);
  }
}

class PayloadBody {
  #expected: number;
  #received = 0;
  #wrongAt = -1;

  constructor(expected: number) {
    this.#expected = expected;
  }

  add(chunk: Buffer): void {
    const awaited = chunk.subarray(0, Math.max(0, this.#expected - this.#received));
    if (this.#wrongAt < 0) this.#wrongAt = firstWrongByte(this.#received, awaited);
    this.#received += chunk.length;
  }

  wrong(): string | undefined {
    if (this.#wrongAt >= 0) return `byte ${this.#wrongAt} of the download is wrong`;
    if (this.#received !== this.#expected) return `the download has ${this.#received} bytes, not ${this.#expected}`;
    return undefined;
  }
}
