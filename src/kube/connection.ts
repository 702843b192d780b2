import { createHash } from 'node:crypto';
import type { DispatcherOptions, KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import { type Access, currentAccess } from './kubeconfig.ts';

interface Agents {
  options: DispatcherOptions;
  fingerprint: string;
  requests: Dispatcher;
  watches: Dispatcher;
}

/** What to send a request with. */
export interface Route {
  server: string;
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

/**
 * The connections to one API server. client-node itself makes an agent, hence a TLS handshake, for every request; here two agents
 * are shared by all: one for requests, another for watches, so that no number of watches can keep a request waiting. They are
 * replaced when the CA or the client certificate changes; what runs on the old ones ends in its own time.
 */
export class Connection {
  readonly #load: () => KubeConfig;
  readonly #accessMaxAgeMs: number;
  #config: KubeConfig;
  #access: { value: Promise<Access>; at: number } | undefined;
  #agents: Agents | undefined;

  /**
   * @param load reads the kubeconfig; called again when the server no longer knows us (401)
   * @param options.accessMaxAgeMs how soon a rotated CA, certificate or token is in force. Default 10,000.
   */
  constructor(load: () => KubeConfig, { accessMaxAgeMs = 10_000 } = {}) {
    this.#load = load;
    this.#accessMaxAgeMs = accessMaxAgeMs;
    this.#config = load();
  }

  async route(purpose: 'request' | 'watch'): Promise<Route> {
    const { server, headers, dispatcher } = await this.#currentAccess();
    const agents = this.#agentsFor(dispatcher);
    return { server, headers, dispatcher: purpose === 'watch' ? agents.watches : agents.requests };
  }

  /** Forgets the credentials, also those that a plugin's cache holds, and reads the kubeconfig anew. */
  renew(): void {
    this.#config = this.#load();
    this.#access = undefined;
  }

  /**
   * Uses none of the connections there are for further calls. After a call that got no answer each of them may be dead, and each would
   * cost another call its whole time-out to find out.
   */
  reconnect(): void {
    const agents = this.#agents;
    this.#agents = undefined;
    closeGently(agents);
  }

  async close(): Promise<void> {
    const agents = this.#agents;
    this.#agents = undefined;
    await Promise.all([agents?.requests.destroy(), agents?.watches.destroy()]);
  }

  #currentAccess(): Promise<Access> {
    const now = performance.now();
    if (!this.#access || now - this.#access.at >= this.#accessMaxAgeMs) {
      const value = currentAccess(this.#config);
      this.#access = { value, at: now };
      value.catch(() => {
        if (this.#access?.value === value) this.#access = undefined;
      });
    }
    return this.#access.value;
  }

  #agentsFor(options: DispatcherOptions): Agents {
    if (this.#agents?.options === options) return this.#agents;
    const fingerprint = createHash('sha256').update(JSON.stringify(options)).digest('hex');
    if (this.#agents?.fingerprint === fingerprint) {
      this.#agents.options = options;
      return this.#agents;
    }
    const old = this.#agents;
    this.#agents = {
      options,
      fingerprint,
      requests: dispatcherFor(options, { keepAliveTimeout: 30_000 }),
      // A quiet watch is no broken one: the reflector, which knows when it was promised to end, watches over silence.
      watches: dispatcherFor(options, { bodyTimeout: 0, headersTimeout: 30_000 }),
    };
    closeGently(old);
    return this.#agents;
  }
}

/** What runs on them goes on to its end. */
function closeGently(agents: Agents | undefined): void {
  // A refusal to close only means that they are closed already.
  agents?.requests.close().catch(() => {});
  agents?.watches.close().catch(() => {});
}

type Limits = Pick<Agent.Options, 'keepAliveTimeout' | 'headersTimeout' | 'bodyTimeout'>;

/** HTTP/1.1: one connection a watch, so that a reset takes one watch and not all of them. */
function dispatcherFor(options: DispatcherOptions, limits: Limits): Dispatcher {
  // undici's 10 s to connect would be 10 s of blindness whenever a host dies: what is asked meanwhile waits for the same attempt.
  const common = { ...limits, allowH2: false, connectTimeout: 5_000 };
  switch (options.type) {
    case 'agent':
      return new Agent({ ...common, connect: options.connect });
    case 'none':
      return new Agent({ ...common, connect: { keepAlive: true, keepAliveInitialDelay: 30_000 } });
    case 'proxy':
      return new ProxyAgent({ ...common, uri: options.uri, requestTls: options.requestTls, connect: options.connect });
    case 'socks':
      return new Socks5ProxyAgent(options.uri, { ...common, requestTls: options.requestTls });
  }
}
