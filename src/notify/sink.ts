import { readFile } from 'node:fs/promises';
import { type CloudEvent, HTTP } from 'cloudevents';
import { Agent, request } from 'undici';
import type { sinkModes } from '../config.ts';

export interface SinkOptions {
  url: string;
  mode: (typeof sinkModes)[number];
  /** For the whole exchange. */
  timeoutMs: number;
  /** Files are read at each call, so that a Secret may change under a running operator. */
  tokenFile?: string;
  /** A header a line: `Name: value`. */
  headersFile?: string;
  /** Certificates (PEM) to trust in place of the system's. */
  caFile?: string;
}

/** What came of one try. Messages never hold the URL or a header: both may hold a secret. */
export type Outcome =
  | { result: 'delivered' }
  /** It may be taken later. */
  | { result: 'failed'; message: string; retryAfterMs?: number }
  /** This sink doesn't want it, or not from us. */
  | { result: 'refused'; message: string };

/** The place that takes the notifications: CloudEvents by HTTP POST, on connections that are kept. */
export class HttpSink {
  readonly #options: SinkOptions;
  #agent: Agent | undefined;
  #ca: string | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** One try. Rejects with the signal's reason when that aborts, and never otherwise. */
  async send(event: CloudEvent<unknown>, signal: AbortSignal): Promise<Outcome> {
    const { url, mode, timeoutMs } = this.#options;
    const { headers, body } = HTTP[mode](event);
    const within = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { ...(headers as Record<string, string>), ...(await this.#credentials()) },
        body: String(body),
        dispatcher: await this.#dispatcher(),
        signal: AbortSignal.any([signal, within]),
      });
      await answer.body.dump({ limit: 1 << 20 });
      return outcomeOf(answer.statusCode, answer.headers['retry-after']);
    } catch (error) {
      signal.throwIfAborted();
      const message = within.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error);
      return { result: 'failed', message };
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #credentials(): Promise<Record<string, string>> {
    const { tokenFile, headersFile } = this.#options;
    const headers = headersFile ? parseHeaders(await readFile(headersFile, 'utf8'), headersFile) : {};
    return tokenFile ? { ...headers, authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` } : headers;
  }

  async #dispatcher(): Promise<Agent> {
    const { caFile, timeoutMs } = this.#options;
    const ca = caFile && (await readFile(caFile, 'utf8'));
    if (!this.#agent || ca !== this.#ca) {
      this.#agent?.close().catch(() => {});
      this.#ca = ca;
      // undici hears an abort only once it is connected.
      this.#agent = new Agent({ connect: { timeout: timeoutMs, ...(ca && { ca }) } });
    }
    return this.#agent;
  }
}

/**
 * What an answer means: 2xx is taken; 408, 429 and 5xx may pass, as may no answer; anything else, redirects too, is no.
 *
 * @param retryAfter the header, of which seconds alone are understood
 */
export function outcomeOf(status: number, retryAfter?: string | string[]): Outcome {
  if (status >= 200 && status < 300) return { result: 'delivered' };
  const message = `the sink answered ${status}`;
  if (status < 500 && status !== 408 && status !== 429) {
    const hint = status >= 300 && status < 400 ? '; redirects are not followed: set the sink to where they lead' : '';
    return { result: 'refused', message: message + hint };
  }
  const seconds = /^\d{1,6}$/.test(String(retryAfter)) ? Number(retryAfter) : undefined;
  return { result: 'failed', message, retryAfterMs: seconds === undefined ? undefined : seconds * 1000 };
}

function parseHeaders(text: string, file: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line, index) => {
      const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t\r]*$/.exec(line);
      if (!match) throw new Error(`${file}, line ${index + 1} is no header: write "Name: value"`);
      return [match[1]!.toLowerCase(), match[2]!];
    }),
  );
}

/** An AggregateError (every address of a host was tried) has an empty message of its own. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(causeOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
