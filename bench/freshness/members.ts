import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import { memberAddress } from './network.ts';

/**
 * All members at once: whoever asks is told which address it reached. A request for `/hold` is never answered.
 * `held`: how many such requests there are; `holding`: how many members have one.
 */
export async function startMembers(): Promise<{ port: number; held(): number; holding(): number; close(): void }> {
  const held = new Set<IncomingMessage>();
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (req, res) => {
    if (req.url === '/hold') {
      held.add(req);
      req.once('close', () => held.delete(req));
      return;
    }
    res.end(req.socket.localAddress);
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    held: () => held.size,
    holding: () => new Set([...held].map(({ socket }) => socket.localAddress)).size,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** One client with one connection, that asks which member it reaches. */
export class Prober {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** The address of the member that answered. */
  ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      const req = get(this.#url, { agent: this.#agent, timeout: 5000 }, (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (text: string) => (body += text));
        res.once('end', () => (res.statusCode === 200 ? resolve(body) : reject(new Error(`status ${res.statusCode}`))));
      });
      req.once('timeout', () => req.destroy(new Error('no answer within 5 s')));
      req.once('error', reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Makes a request that no member answers, from a connection of its own. */
export function hold(url: string, agent: Agent): void {
  get(`${url}hold`, { agent }).on('error', () => {});
}

/** The endpoints of a slice. */
export const endpointsOf = (group: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ addresses: [memberAddress(group, i + 1)], conditions: { ready: true } }));
