import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, request } from 'undici';
import type { CallOptions } from './client.ts';
import type { Connection } from './connection.ts';
import { errorFromStatus, errorFromTimeout, errorFromTransport, KubeError } from './errors.ts';
import { lines } from './lines.ts';
import type { Resource, Status } from './types.ts';

/** A call, ready to be sent. */
export interface Call {
  /** The API's verb: get, list, watch, create, update, patch, apply, delete. */
  verb: string;
  method: Dispatcher.HttpMethod;
  /** Below the server's address, with the query. */
  path: string;
  resource?: Resource;
  subresource?: string;
  /** Which object or namespace, for messages. */
  subject: string;
  body?: string;
  contentType?: string;
  /** Sent twice it leaves the world as sent once: it may be repeated after a 503. */
  repeatable: boolean;
}

/** One request as it was answered; a call that was retried reports each of its requests. */
export interface RequestReport {
  verb: string;
  /** Plural, with its subresource: `loadbalancers/status`; empty for a path that is no resource. */
  resource: string;
  /** HTTP status; 0 when no answer came. */
  code: number;
  /** Until the answer's headers were here. */
  seconds: number;
}

export interface SenderOptions {
  /** Default 30,000. */
  timeoutMs?: number;
  /** How the server's audit log knows us. Default `reflavor`. */
  userAgent?: string;
  onRequest?: (report: RequestReport) => void;
}

const maxAttempts = 4;
const defaultRetryAfterMs = 1000;

/** Sends calls over a connection: time-outs, retries, and every failure classified as a KubeError. */
export class Sender {
  readonly connection: Connection;
  readonly #timeoutMs: number;
  readonly #userAgent: string;
  readonly #onRequest: (report: RequestReport) => void;

  constructor(connection: Connection, options: SenderOptions = {}) {
    this.connection = connection;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#userAgent = options.userAgent ?? 'reflavor';
    this.#onRequest = options.onRequest ?? (() => {});
  }

  /** The body of the answer, within the call's time-out, retried where that is safe. */
  async text(call: Call, options: CallOptions): Promise<string> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    const signal = options.signal ? AbortSignal.any([deadline.signal, options.signal]) : deadline.signal;
    let failure: KubeError | undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          const { body } = await this.#send(call, signal, 'request');
          return await body.text();
        } catch (error) {
          signal.throwIfAborted();
          failure = error instanceof KubeError ? error : errorFromTransport(describe(call), error);
          const waitMs = attempt < maxAttempts ? retryDelayMs(call, failure, attempt) : undefined;
          if (waitMs === undefined) throw failure;
          await sleep(waitMs, undefined, { signal });
        }
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      if (deadline.signal.aborted) {
        this.connection.reconnect();
        throw failure ?? errorFromTimeout(describe(call), timeoutMs);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The lines of an answer that may never end. The connection is given up when the reader leaves. */
  async *stream(call: Call, signal: AbortSignal | undefined): AsyncGenerator<string, void, void> {
    const { body } = await this.#send(call, signal, 'watch');
    // A reset after the reader left has nobody to tell; without a listener it would end the process.
    body.on('error', () => {});
    try {
      yield* lines(body);
    } catch (error) {
      signal?.throwIfAborted();
      throw errorFromTransport(describe(call), error);
    } finally {
      body.destroy();
    }
  }

  /** One request. Resolves once the headers of a success are here, rejects with a KubeError otherwise. */
  async #send(call: Call, signal: AbortSignal | undefined, purpose: 'request' | 'watch'): Promise<Dispatcher.ResponseData> {
    const started = performance.now();
    let code = 0;
    try {
      const route = await this.connection.route(purpose);
      const headers: Record<string, string> = { ...route.headers, Accept: 'application/json', 'User-Agent': this.#userAgent };
      if (call.contentType) headers['Content-Type'] = call.contentType;
      const { method, body } = call;
      const answer = request(route.server + call.path, { method, headers, body, dispatcher: route.dispatcher, signal });
      const response = await promptly(answer, signal);
      code = response.statusCode;
      if (code < 300) return response;
      if (code === 401) this.connection.renew();
      throw errorFromAnswer(call, response, await response.body.text());
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof KubeError ? error : errorFromTransport(describe(call), error);
    } finally {
      this.#onRequest({ verb: call.verb, resource: labelOf(call), code, seconds: (performance.now() - started) / 1000 });
    }
  }
}

/**
 * undici hears an abort only once it has a connection: measured, ten seconds late when the other side's host is dead. Here it is heard
 * at once; an answer that comes nevertheless is thrown away.
 */
async function promptly(answer: Promise<Dispatcher.ResponseData>, signal: AbortSignal | undefined): Promise<Dispatcher.ResponseData> {
  if (!signal) return answer;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([answer, aborted.promise]);
  } catch (error) {
    answer.then(({ body }) => body.on('error', () => {}).destroy()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** How long to wait before the call is sent again; undefined when it must not be. */
function retryDelayMs(call: Call, error: KubeError, attempt: number): number | undefined {
  const askedMs = error.retryAfterSeconds === undefined ? defaultRetryAfterMs : error.retryAfterSeconds * 1000;
  // 429: the server says that it has done nothing.
  if (error.status === 429) return askedMs;
  if (error.status === 503 && call.repeatable) return askedMs;
  // 401: the credentials have just been read anew.
  if (error.status === 401 && attempt === 1) return 0;
  // The other side may have closed a kept-open connection just then: once more, on a new one.
  if (error.reason === 'Unreachable' && call.method === 'GET' && attempt === 1) return 50;
  return undefined;
}

function errorFromAnswer(call: Call, response: Dispatcher.ResponseData, text: string): KubeError {
  const header = response.headers['retry-after'];
  return errorFromStatus(describe(call), response.statusCode, parseStatus(text), {
    secret: call.resource?.plural === 'secrets',
    retryAfterSeconds: typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : undefined,
  });
}

function parseStatus(text: string): Status | undefined {
  try {
    const parsed = JSON.parse(text) as Status | undefined;
    return parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function labelOf(call: Call): string {
  if (!call.resource) return '';
  return call.subresource ? `${call.resource.plural}/${call.subresource}` : call.resource.plural;
}

function describe(call: Call): string {
  return [call.verb, labelOf(call), call.subject].filter(Boolean).join(' ');
}
