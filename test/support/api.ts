import { runApi } from '../../src/apiserver.ts';
import { apiConfigFrom } from '../../src/config.ts';
import type { BindAddress } from '../../src/controller/runtime/server.ts';
import { createLogger } from '../../src/log.ts';

/** An answer of the API: its body is what JSON says, undefined where there is none. */
export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  body: any;
  headers: Headers;
}

/** The REST API inside this process. */
export class TestApi {
  /** Each line that it has logged, parsed. */
  readonly log: Record<string, unknown>[] = [];
  readonly #flags: Record<string, string>;
  #stop = new AbortController();
  #running: Promise<void> | undefined;
  #url = '';

  /** @param flags as `ApiConfig` names them: settings that differ from those of a fast test */
  constructor(kubeconfig: string, flags: Record<string, string> = {}) {
    this.#flags = {
      kubeconfig,
      bindAddress: '127.0.0.1:0',
      healthBindAddress: '0',
      metricsBindAddress: '0',
      authCacheSeconds: '0',
      ...flags,
    };
  }

  /** Where it is, without a trailing slash. */
  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    this.#stop = new AbortController();
    const config = apiConfigFrom(this.#flags, {});
    const log = createLogger(config.logLevel, { write: (line) => void this.log.push(JSON.parse(line)) });
    const { port } = await new Promise<BindAddress>((resolve, reject) => {
      this.#running = runApi(config, log, this.#stop.signal, resolve);
      this.#running.catch(reject);
    });
    this.#url = `${config.tlsDir ? 'https' : 'http'}://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One call with a token. @param path below `/v2.0/lbaas/`, or absolute where it begins with a slash */
  async call(token: string | undefined, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const url = `${this.#url}${path.startsWith('/') ? path : `/v2.0/lbaas/${path}`}`;
    const headers = token === undefined ? {} : { 'X-Auth-Token': token };
    const answer = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
  }
}
