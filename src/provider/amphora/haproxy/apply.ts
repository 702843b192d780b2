import { isDeepStrictEqual } from 'node:util';
import { allSecrets, type Configuration } from '../configuration.ts';
import { configurationHash } from './hash.ts';
import { frontendName, parseFrontendName } from './names.ts';
import { type Backend, planOf, type Server } from './plan.ts';
import { type Ask, commandWord, parseEnv, parseServersState, parseStat } from './runtime.ts';
import { commonServerWords, serverWords } from './servers.ts';
import { loadedServers, type RunningServer } from './statistics.ts';

/** How far the members of a running HAProxy could be brought without a reload. */
export interface MembersOutcome {
  /** Why the rest needs a reload; undefined when all that the configuration wants is in force. */
  reloadNeeded?: string;
  /** Servers that get no traffic any more and go once their connections have ended: another call, or a reload, removes them. */
  retiring: string[];
}

/**
 * Brings the members of a running HAProxy to those of a configuration by the runtime API: new ones first, so that no pool is empty in
 * between, those that are gone last. Repeatable at any point, since it starts from what the process reports. Never waits for connections
 * to end. The file must have the members as well: a reload or a restart forgets what was only said at run time.
 */
export async function applyMembers(ask: Ask, configuration: Configuration, signal?: AbortSignal): Promise<MembersOutcome> {
  const loadedHash = parseEnv(await ask('show env CONFIG_HASH', signal)).get('CONFIG_HASH');
  if (loadedHash !== configurationHash(configuration)) return { reloadNeeded: 'more than the members differs', retiring: [] };
  const stat = parseStat(await ask('show stat', signal));
  const { frontends, backends } = planOf(configuration);
  const loaded = stat.filter((row) => row('svname') === 'FRONTEND' && parseFrontendName(row('pxname') ?? '')).map((row) => row('pxname'));
  // What is kept of an earlier configuration doesn't count in the hash.
  if (!isDeepStrictEqual(loaded.sort(), frontends.map(({ listener }) => frontendName(listener)).sort())) {
    return { reloadNeeded: 'its listeners differ', retiring: [] };
  }
  const running = loadedServers(parseServersState(await ask('show servers state', signal)), stat);
  const retiring: string[] = [];
  for (const backend of backends) {
    if (!stat.some((row) => row('pxname') === backend.name)) return { reloadNeeded: `${backend.name} is not loaded`, retiring };
    const change = new BackendChange(ask, backend, running, signal);
    const reloadNeeded = await change.bringIn(commonServerWords(backend, allSecrets(configuration), {}));
    if (reloadNeeded !== undefined) return { reloadNeeded, retiring };
    retiring.push(...(await change.takeOut()));
  }
  return { retiring };
}

/** The way of one backend from the servers that it has to those that it is to have. */
class BackendChange {
  readonly #ask: Ask;
  readonly #backend: Backend;
  readonly #running: Map<string, RunningServer>;
  readonly #signal: AbortSignal | undefined;

  constructor(ask: Ask, backend: Backend, running: readonly RunningServer[], signal?: AbortSignal) {
    this.#ask = ask;
    this.#backend = backend;
    this.#running = new Map(running.filter((server) => server.backend === backend.name).map((server) => [server.name, server]));
    this.#signal = signal;
  }

  /**
   * Adds, weighs and enables what is wanted; gives back why a reload has to do it. A server gets traffic last, when its check runs and its
   * cookie is known, whoever added it: an earlier call may have been cut off in the middle.
   */
  async bringIn(common: readonly string[]): Promise<string | undefined> {
    const toEnable: Server[] = [];
    for (const server of this.#backend.servers) {
      let now = this.#running.get(server.name);
      if (!now) {
        const answer = await this.#command('add', 'server', this.#path(server), ...serverWords(server), ...common);
        if (!answer.includes('New server registered')) return `HAProxy can't add ${this.#path(server)} at run time: ${answer.trim()}`;
        now = { ...server, backend: this.#backend.name, enabled: false, checked: false };
      }
      if (now.backup !== server.backup || now.checkAddress !== server.checkAddress || now.checkPort !== server.checkPort) {
        return `${this.#path(server)} changes in more than its weight and state`;
      }
      if (common.includes('check') && !now.checked) await this.#command('enable', 'health', this.#path(server));
      if (now.weight !== server.weight) await this.#set(server, 'weight', String(server.weight));
      if (now.enabled && !server.enabled) await this.#set(server, 'state', 'maint');
      if (!now.enabled && server.enabled) toEnable.push(server);
    }
    if (toEnable.length > 0 && this.#backend.pool.sessionPersistence?.type === 'HTTP_COOKIE') await this.#giveCookies();
    for (const server of toEnable) await this.#set(server, 'state', 'ready');
    return undefined;
  }

  /** Puts servers that are no longer wanted out of use, and removes them; gives back those that still have connections. */
  async takeOut(): Promise<string[]> {
    const wanted = new Set(this.#backend.servers.map(({ name }) => name));
    const retiring: string[] = [];
    for (const server of [...this.#running.values()].filter(({ name }) => !wanted.has(name))) {
      if (server.enabled) await this.#set(server, 'state', 'maint');
      if (!(await this.#command('del', 'server', this.#path(server))).includes('Server deleted')) retiring.push(this.#path(server));
    }
    return retiring;
  }

  /** HAProxy computes the cookies of all servers here; one that was just added has none, and its clients would not stay with it. */
  async #giveCookies(): Promise<void> {
    await this.#command('enable', 'dynamic-cookie', 'backend', this.#backend.name);
  }

  #set(server: { name: string }, ...words: string[]): Promise<string> {
    return this.#command('set', 'server', this.#path(server), ...words);
  }

  #command(...words: string[]): Promise<string> {
    return this.#ask(words.map(commandWord).join(' '), this.#signal);
  }

  #path({ name }: { name: string }): string {
    return `${this.#backend.name}/${name}`;
  }
}
