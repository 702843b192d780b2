import { Worker } from 'node:worker_threads';
import type { MemberOptions, MemberStats } from './member-server.ts';

/** What `startMembers` starts. */
export interface MembersOptions extends Omit<Partial<MemberOptions>, 'name' | 'port'> {
  /** How many. Default: 3. */
  count?: number;
  /** Names are `<prefix>-1` and so on. Default: `member`. */
  prefix?: string;
  /** Ports, one for each member, 0 for a free one. Default: free ones. */
  ports?: number[];
}

/** A running member. */
export interface Member {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  stats(): Promise<MemberStats>;
  /** Makes health checks fail (or succeed again); requests are served all the same. A tcp member refuses new connections instead. */
  setHealthy(healthy: boolean): Promise<void>;
  /** Refuses connections and closes those there are, whatever is under way, as a killed process does. */
  kill(): Promise<void>;
  /** Comes back on the same port after `kill`. */
  start(): Promise<void>;
}

/** The members of one `startMembers`. */
export interface Members {
  readonly members: Member[];
  /** Kills them all and ends their thread. */
  close(): Promise<void>;
}

/** What the caller asks of the members' thread. */
export interface MemberCall {
  id: number;
  member: number;
  act: 'start' | 'kill' | 'up' | 'down' | 'stats';
}

/** What the thread answers. */
export interface MemberReply {
  id: number;
  port: number;
  stats: MemberStats;
  error?: string;
}

/**
 * Starts members in a thread of their own, each on a loopback port, and resolves once all listen. What they answer: `MemberServer`.
 * Rejects when a port can't be had or the address isn't a loopback one.
 */
export async function startMembers(options: MembersOptions = {}): Promise<Members> {
  const { count = 3, prefix = 'member', ports = [], protocol = 'http', host = '127.0.0.1', ...rest } = options;
  const settings: MemberOptions[] = Array.from({ length: count }, (_, i) => ({
    ...rest,
    name: `${prefix}-${i + 1}`,
    protocol,
    host,
    port: ports[i] ?? 0,
  }));
  const thread = new MembersThread(settings);
  try {
    const members = await Promise.all(
      settings.map(async ({ name }, i): Promise<Member> => {
        const { port } = await thread.call(i, 'start');
        return {
          name,
          address: host,
          port,
          stats: async () => (await thread.call(i, 'stats')).stats,
          setHealthy: async (healthy) => void (await thread.call(i, healthy ? 'up' : 'down')),
          kill: async () => void (await thread.call(i, 'kill')),
          start: async () => void (await thread.call(i, 'start')),
        };
      }),
    );
    return { members, close: () => thread.close() };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

class MembersThread {
  #worker: Worker;
  #waiting = new Map<number, { resolve(reply: MemberReply): void; reject(error: Error): void }>();
  #lastId = 0;
  #ended: Error | undefined;

  constructor(settings: MemberOptions[]) {
    this.#worker = new Worker(new URL('./members-worker.ts', import.meta.url), { workerData: settings });
    this.#worker.on('message', (reply: MemberReply) => {
      const waiter = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (reply.error === undefined) waiter?.resolve(reply);
      else waiter?.reject(new Error(reply.error));
    });
    this.#worker.on('error', (error) => this.#end(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.#end(new Error('the members are closed')));
  }

  call(member: number, act: MemberCall['act']): Promise<MemberReply> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<MemberReply>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, member, act } satisfies MemberCall);
    return promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
