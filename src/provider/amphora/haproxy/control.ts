import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationRefused } from '../driver.ts';
import { alertsOf } from './alerts.ts';
import { Answer } from './answer.ts';
import type { Ask } from './runtime.ts';
import { Session } from './session.ts';

/** Opens a connection to a master's socket; rejects when nobody is there, or on the signal. */
export type Connect = (signal: AbortSignal) => Promise<Duplex>;

/** A connector to the socket of a master on this machine (`haproxy -S <path>`). */
export function unixSocket(path: string): Connect {
  return (signal) =>
    new Promise((resolve, reject) => {
      const socket = connect(path);
      const abort = () => socket.destroy(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        signal.removeEventListener('abort', abort);
        socket.off('error', reject);
        resolve(socket);
      });
    });
}

/** A worker of a master, from `show proc`. */
export interface Worker {
  pid: number;
  /** A reload left it behind: it takes no new connection, and ends with its last one. */
  old: boolean;
}

/** What `show proc` says. */
export interface Processes {
  /** The one that takes new connections first. */
  workers: Worker[];
  reloads: number;
  /** Of the last reloads, how many in a row have failed. */
  failedReloads: number;
}

/** How often a reload that can't answer by itself is looked at. */
const pollMs = 20;

/** Ways to ask a master and its workers (management guide section 9.4). */
export class Master {
  /** A way to ask the master itself. */
  readonly ask: Ask;

  constructor(ask: Ask) {
    this.ask = ask;
  }

  /** A way to ask the worker that takes new connections. */
  readonly worker: Ask = (command, signal) => this.#askWorker('@1', command, signal);

  /** A way to ask one worker, also one that a reload left behind. */
  workerOf(pid: number): Ask {
    return (command, signal) => this.#askWorker(`@!${pid}`, command, signal);
  }

  /** From 2.7 on a master says in words that a worker is gone, where 2.6 ends the connection. */
  async #askWorker(prefix: string, command: string, signal?: AbortSignal): Promise<string> {
    const answer = await this.ask(`${prefix} ${command}`, signal);
    if (answer.startsWith("Can't find the target")) throw new Error(`there is no worker ${prefix} to ask for ${command}`);
    return answer;
  }

  async processes(signal?: AbortSignal): Promise<Processes> {
    return parseProcesses(await this.ask('show proc', signal));
  }
}

/** A HAProxy in master-worker mode, spoken to through its master: a connection for each command. */
export class MasterControl extends Master {
  readonly #connect: Connect;
  readonly #timeoutMs: number;

  /** `timeoutMs`: how long a command may take before it is given up. Default: 5000. */
  constructor(connect: Connect, { timeoutMs = 5000 } = {}) {
    super((line, signal) => this.command(line, { signal }));
    this.#connect = connect;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Sends one command and gives its whole answer. `payload` stands after the command as `<<` has it, ended by an empty line.
   * Rejects when the master can't be reached, is silent for `timeoutMs`, says more than can be an answer, or on the signal.
   */
  async command(
    line: string,
    { payload, signal, timeoutMs = this.#timeoutMs }: { payload?: string; signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<string> {
    requireOneLine(line);
    return this.#connected([AbortSignal.timeout(timeoutMs), signal], async (stream) => {
      // The end of what we say is what ends the conversation: HAProxy 2.6 waits for more otherwise.
      stream.end(payload === undefined ? `${line}\n` : `${line} <<\n${payload.trimEnd()}\n\n`);
      const answer = new Answer(line);
      for await (const piece of stream.setEncoding('utf8')) answer.add(piece);
      return answer.text;
    });
  }

  /**
   * Has `use` ask all that it asks over one connection. No reload: that ends it.
   * Rejects when the master can't be reached, is silent for `timeoutMs`, or on the signal.
   */
  async session<T>(
    use: (master: Master) => Promise<T>,
    { signal, timeoutMs = this.#timeoutMs }: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<T> {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')), timeoutMs);
    try {
      return await this.#connected([silence.signal, signal], async (stream) => {
        const session = await Session.open(stream);
        return use(
          new Master(async (line) => {
            timer.refresh();
            return session.say(requireOneLine(line));
          }),
        );
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Has a connection used, and closes it: an open one would keep a worker from ending. */
  async #connected<T>(signals: readonly (AbortSignal | undefined)[], use: (stream: Duplex) => Promise<T>): Promise<T> {
    const bounded = AbortSignal.any(signals.filter((signal) => signal !== undefined));
    const stream = await this.#connect(bounded);
    const abort = () => stream.destroy(bounded.reason);
    bounded.addEventListener('abort', abort, { once: true });
    try {
      return await use(stream);
    } finally {
      bounded.removeEventListener('abort', abort);
      stream.destroy();
    }
  }

  /**
   * Has a new worker load the configuration and take over the listening sockets, and gives its pid. The old worker goes on with its connections.
   * From 2.7 on HAProxy answers with its alerts. 2.6 closes the connection instead: the count of its failures tells, and the alerts stand in its
   * log, so that the configuration is best checked first (`haproxy -c`).
   * @throws ConfigurationRefused the old worker serves on as before
   */
  async reload(signal?: AbortSignal, { timeoutMs = 30_000 } = {}): Promise<number> {
    const bounded = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const before = await this.processes(bounded);
    const answer = await this.command('reload', { signal: bounded, timeoutMs }).catch((error) => {
      bounded.throwIfAborted();
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      return '';
    });
    if (answer.includes('Success=0')) throw new ConfigurationRefused(alertsOf(answer) || answer.trim());
    for (;;) {
      // While the master executes itself anew, its socket refuses connections.
      const now = await this.processes(bounded).catch(() => bounded.throwIfAborted());
      const worker = now?.workers.find(({ old }) => !old);
      if (worker && worker.pid !== before.workers.find(({ old }) => !old)?.pid) return worker.pid;
      if (now && now.reloads !== before.reloads && now.failedReloads > 0) {
        throw new ConfigurationRefused('HAProxy did not load the configuration and goes on with the one it has: its log has the alert');
      }
      await sleep(pollMs, undefined, { signal: bounded });
    }
  }
}

function requireOneLine(line: string): string {
  if (/[\n\r]/.test(line)) throw new TypeError('a command is one line');
  return line;
}

/** Reads `show proc`. */
export function parseProcesses(answer: string): Processes {
  const [current = '', old = ''] = answer.split('# old workers');
  const workers = (part: string, isOld: boolean) =>
    [...part.matchAll(/^(\d+)\s+worker\b/gm)].map((match) => ({ pid: Number(match[1]), old: isOld }));
  const master = /^\d+\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?/m.exec(answer);
  return {
    workers: [...workers(current, false), ...workers(old, true)],
    reloads: Number(master?.[1] ?? 0),
    failedReloads: Number(master?.[2] ?? 0),
  };
}
