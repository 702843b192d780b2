/** Processes that outlive the operator: started in a session of their own, known again by pid and start time, ended. Linux: reads /proc. */
import { spawn } from 'node:child_process';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasLife, type ProcStat, parseProcStat } from './proc-stat.ts';

/** Names one process for good: a pid comes back after a while, a pid with a start time does not. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot at which it started: field 22 of /proc/PID/stat, proc_pid_stat(5). */
  startTime: string;
}

/**
 * Starts a process in a session of its own; its output is appended to `logFile`. Its environment holds no more than a PATH, since
 * what the operator was given (tokens among it) is not its business.
 * @throws the error of spawn(2), as when there is no such program
 */
export async function startDetached(command: string, args: readonly string[], logFile: string): Promise<ProcessIdentity> {
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { detached: true, cwd: '/', env: { PATH: process.env.PATH }, stdio: ['ignore', log.fd, log.fd] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid!;
    return { pid, startTime: (await readStat(pid))?.startTime ?? 'gone' };
  } finally {
    await log.close();
  }
}

/** Whether this very process is still there; a zombie is not. */
export async function isAlive({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  const seen = await readStat(pid);
  return seen !== undefined && seen.startTime === startTime && hasLife(seen);
}

/** A process that was found, and whether it leads its session, as those do that `startDetached` started. */
export interface FoundProcess extends ProcessIdentity {
  isLeader: boolean;
}

/**
 * This user's processes that have these arguments, one right after the other, on their command line: with a path of our own among
 * them, and our order, they are ours, while one that only names the path (an editor, `tail -f`) is not. The eldest first.
 */
export async function findByArguments(args: readonly string[]): Promise<FoundProcess[]> {
  const wanted = `\0${args.join('\0')}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (!commandLine.includes(wanted)) return [];
      const owner = await stat(`/proc/${pid}`).catch(() => undefined);
      const seen = await readStat(pid);
      if (owner?.uid !== process.geteuid!() || !seen || seen.state === 'Z') return [];
      return [{ pid, startTime: seen.startTime, isLeader: seen.session === pid }];
    }),
  );
  return found.flat().sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid);
}

/** Sends a signal to this very process; one that is gone is left alone. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Asks the processes to end, forces those that are left after `graceMs`, and resolves once all are gone. */
export async function endProcesses(identities: ProcessIdentity[], graceMs: number): Promise<void> {
  const left = async () => {
    const alive = await Promise.all(identities.map(isAlive));
    return identities.filter((_, i) => alive[i]);
  };
  const forceAt = performance.now() + graceMs;
  for (const identity of identities) await signalProcess(identity, 'SIGTERM');
  for (let rest = await left(); rest.length > 0; rest = await left()) {
    if (performance.now() >= forceAt) for (const identity of rest) await signalProcess(identity, 'SIGKILL');
    await sleep(20);
  }
}

async function readStat(pid: number): Promise<ProcStat | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined ? undefined : parseProcStat(stat);
}
