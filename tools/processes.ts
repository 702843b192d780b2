/** Child processes that are started here, told from strangers of the same pid, and ended. Linux only: it reads /proc. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasLife, type ProcStat, parseProcStat } from '../src/provider/amphora/process/proc-stat.ts';

/** Names one process for good: a pid comes back after a while, a pid with a start time does not. */
export interface ProcessIdentity {
  name: string;
  pid: number;
  /** Clock ticks since boot at which it started: field 22 of /proc/PID/stat, see proc_pid_stat(5). */
  startTime: string;
}

export interface StartOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** Its output is appended here. */
  logFile: string;
  /** Default: this process's. */
  env?: NodeJS.ProcessEnv;
  /** A session of its own, so that it outlives this process. Otherwise the kernel ends it with this process, even if that is killed. */
  detached?: boolean;
}

/**
 * Starts a process without waiting for it to be of use.
 * @throws when the command can't be run at all
 */
export async function startProcess(options: StartOptions): Promise<ProcessIdentity> {
  const { name, command, args, logFile, env = process.env, detached = false } = options;
  const [file, argv] = detached ? [command, args] : ['setpriv', ['--pdeathsig', 'KILL', '--', command, ...args]];
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(file, argv, { detached, env, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(new Error(`${name} can't be started: ${file} does not run`, { cause })));
    });
    child.unref();
    const pid = child.pid as number;
    return identify(name, pid) ?? { name, pid, startTime: 'gone' };
  } finally {
    closeSync(log);
  }
}

/** The process that has this pid now, or nothing when there is none. */
export function identify(name: string, pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && { name, pid, startTime: stat.startTime };
}

/** The only child of a process, such as what `nsenter --pid` runs, or nothing when it has none. */
export function childOf({ pid, name }: ProcessIdentity): ProcessIdentity | undefined {
  const child = readdirSync('/proc').find((entry) => /^\d+$/.test(entry) && readStat(Number(entry))?.parent === pid);
  return child === undefined ? undefined : identify(name, Number(child));
}

/** Whether this very process still runs; a zombie does not. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && hasLife(stat);
}

/**
 * Ends a process and waits until it is gone: `signal` first, SIGKILL once `graceMs` have passed. One that is gone already, or whose pid
 * belongs to another process by now, is left alone.
 */
export async function endProcess(
  identity: ProcessIdentity,
  { signal = 'SIGTERM' as NodeJS.Signals, graceMs = 10_000 } = {},
): Promise<void> {
  const killAt = performance.now() + graceMs;
  let next: NodeJS.Signals | undefined = signal;
  while (isRunning(identity)) {
    if (next !== undefined) signalIfThere(identity.pid, next);
    next = next !== 'SIGKILL' && performance.now() >= killAt ? 'SIGKILL' : undefined;
    await sleep(20);
  }
}

/** It may end by itself between the look and the signal. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function readStat(pid: number): ProcStat | undefined {
  try {
    return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The last lines that a process wrote to its log, for an error message. */
export function logTail(logFile: string, lines = 12): string {
  return existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n') : '(no log)';
}
