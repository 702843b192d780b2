import { execFile } from 'node:child_process';
import { access, constants, rename, stat, truncate } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationRefused, DriverError } from '../driver.ts';
import { alertsOf } from '../haproxy/alerts.ts';
import { MasterControl, unixSocket } from '../haproxy/index.ts';
import { endProcesses, type FoundProcess, findByArguments, isAlive, type ProcessIdentity, startDetached } from './child.ts';
import { type Folder, readJson, readText, writeJson } from './layout.ts';

/** What is remembered of the process that was started last. */
interface ProcessRecord extends ProcessIdentity {
  /** Milliseconds since the epoch: the last starts, the newest last. */
  starts: number[];
}

/** Starts within a minute after which a process counts as one that can't be kept running. */
const crashLoop = { starts: 5, withinMs: 60_000 };
/** More than this of a process's own words isn't kept. */
const longestLog = 1 << 20;
const graceMs = 3_000;
/** An answer takes milliseconds; one that takes longer than this will not come soon. */
const timeoutMs = 3_000;
/** How long a process may take to answer after a start or a reload: five tries at least. */
const longestSilenceMs = 15_000;

/** One HAProxy in master-worker mode that lives in a folder and outlives the operator. */
export class HaproxyProcess {
  readonly folder: Folder;
  readonly control: MasterControl;
  readonly #now: () => number;

  constructor(folder: Folder, now: () => number) {
    this.folder = folder;
    this.control = new MasterControl(unixSocket(folder.masterSocket), { timeoutMs });
    this.#now = now;
  }

  /**
   * The master process, if it is alive. Says nothing of whether it works. One that was started by an operator which died before it could
   * write that down is taken over.
   */
  async alive(): Promise<ProcessIdentity | undefined> {
    const record = await this.#record();
    if (record && (await isAlive(record))) return record;
    const master = (await this.#find()).find(({ isLeader }) => isLeader);
    if (!master) return undefined;
    const { pid, startTime } = master;
    const adopted: ProcessRecord = { pid, startTime, starts: this.#withStart(record) };
    await writeJson(this.folder.processFile, adopted);
    return adopted;
  }

  /** When it was started last; undefined when it never was. */
  async startedAt(): Promise<Date | undefined> {
    const last = (await this.#record())?.starts.at(-1);
    return last === undefined ? undefined : new Date(last);
  }

  /** Whether it was started so often within the last minute that another start is no help. */
  async isCrashLooping(): Promise<boolean> {
    const { starts = [] } = (await this.#record()) ?? {};
    return starts.filter((at) => at > this.#now() - crashLoop.withinMs).length >= crashLoop.starts;
  }

  /**
   * Starts it with the configuration in its folder; a no-op while it is alive. Resolves when there is a process, not when it serves.
   */
  async start(binary: string): Promise<void> {
    if (await this.alive()) return;
    await this.endLeftovers();
    const starts = this.#withStart(await this.#record());
    const { logFile, processFile } = this.folder;
    await rename(logFile, `${logFile}.1`).catch(() => {});
    const identity = await startDetached(binary, this.#arguments, logFile);
    await writeJson(processFile, { ...identity, starts } satisfies ProcessRecord);
  }

  /**
   * Ends workers whose master died; nothing while there is a master. They hold ports, and SO_REUSEPORT would let them share these with
   * the workers of the next.
   */
  async endLeftovers(): Promise<void> {
    if (await this.alive()) return;
    await endProcesses(await this.#find(), graceMs);
  }

  /**
   * Has a new worker load the configuration in the folder and take over the listening sockets; resolves to its pid.
   * @throws ConfigurationRefused with HAProxy's alerts; the old worker goes on
   */
  async reload(signal?: AbortSignal): Promise<number> {
    const logged = (await readText(this.folder.logFile))?.length ?? 0;
    return this.control.reload(signal).catch(async (error) => {
      if (!(error instanceof ConfigurationRefused)) throw error;
      // 2.6 tells its alerts to the log alone.
      const words = ((await readText(this.folder.logFile)) ?? '').slice(logged);
      throw new ConfigurationRefused(this.withoutPaths(alertsOf(words) || error.message), { cause: error });
    });
  }

  /**
   * Asks again until the process, which may be starting, answers. Its silence is counted by the tries: one that took longer than a try may
   * take says that the operator itself stood still, and so much is not the process's silence. It is asked once more before it is given up.
   * @throws DriverError when it ends, or is silent for long
   */
  async untilItAnswers<T>(ask: () => Promise<T>, signal?: AbortSignal, patienceMs = longestSilenceMs): Promise<T> {
    let silentMs = 0;
    for (;;) {
      signal?.throwIfAborted();
      const isLast = silentMs >= patienceMs;
      const askedAt = performance.now();
      try {
        return await ask();
      } catch (cause) {
        if (cause instanceof DriverError) throw cause;
        signal?.throwIfAborted();
        if (isLast || !(await this.alive()))
          throw new DriverError('DriverFailed', `HAProxy does not answer: ${await this.lastWords()}`, { cause });
        await sleep(20);
        silentMs += Math.min(performance.now() - askedAt, timeoutMs);
      }
    }
  }

  /** Ends it with all its workers, also those that a reload left behind, and their connections; resolves when they are gone. */
  async end(): Promise<void> {
    const alive = await this.alive();
    const all = await this.#find();
    // A frozen worker outlives its master: each is named, and forced.
    await endProcesses([...(alive ? [alive] : []), ...all], graceMs);
  }

  /** HAProxy's own words on why it ended, its alerts first of all. */
  async lastWords(): Promise<string> {
    const log = (await readText(this.folder.logFile)) ?? '';
    const lines = log.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('[NOTICE]'));
    return this.withoutPaths(alertsOf(log) || lines.slice(-3).join('\n') || 'it said nothing of why');
  }

  /** HAProxy's words with the files named as if they lay by themselves: where on this machine they do is nothing to a tenant. */
  withoutPaths(words: string): string {
    const { dir, candidateFile, configurationFile } = this.folder;
    return words
      .replaceAll(candidateFile, basename(configurationFile))
      .split(`${dir}/`)
      .map((part, i) => (i === 0 ? part : part.replace(/^files-[0-9a-f]+\//, '')))
      .join('');
  }

  /** Keeps the log from growing for ever. HAProxy appends to it, so that it goes on at the new end. */
  async trimLog(): Promise<void> {
    const size = (await stat(this.folder.logFile).catch(() => undefined))?.size ?? 0;
    if (size > longestLog) await truncate(this.folder.logFile, 0);
  }

  /** What it is started with; a reload puts more before these. */
  get #arguments(): string[] {
    const { configurationFile, masterSocket } = this.folder;
    return ['-W', '-S', `${masterSocket},mode,600,level,admin`, '-f', configurationFile];
  }

  /** Master and workers, recorded or not. */
  #find(): Promise<FoundProcess[]> {
    return findByArguments(this.#arguments);
  }

  #withStart(record: ProcessRecord | undefined): number[] {
    return [...(record?.starts ?? []), this.#now()].slice(-crashLoop.starts);
  }

  #record(): Promise<ProcessRecord | undefined> {
    return readJson<ProcessRecord>(this.folder.processFile);
  }
}

/**
 * Has HAProxy check a configuration file (`haproxy -c`): undefined when it is fine, otherwise the alerts. It knows no more of our
 * environment than the process will.
 */
export function checkConfiguration(binary: string, file: string, signal?: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile(
      binary,
      ['-c', '-f', file],
      { env: { PATH: process.env.PATH }, signal, timeout: 30_000, maxBuffer: 1 << 22 },
      (error, stdout, stderr) => {
        if (!error) return resolve(undefined);
        if (typeof error.code !== 'number') return reject(error);
        resolve(alertsOf(stderr) || stderr.trim() || stdout.trim() || `haproxy -c ended with ${error.code}`);
      },
    );
  });
}

/** The file that `name` stands for: a path, or a program on the PATH. @throws DriverError ImageNotFound */
export async function findBinary(name: string, remedy: string): Promise<string> {
  // Debian puts it in /usr/sbin, which ordinary users don't have on their PATH.
  const dirs = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  const candidates = name.includes('/') ? [name] : dirs.map((dir) => join(dir, name));
  for (const candidate of candidates) {
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  throw new DriverError('ImageNotFound', `there is no HAProxy at ${name.includes('/') ? name : `${name} on the PATH`}: ${remedy}`);
}
