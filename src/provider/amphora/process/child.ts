/** Processes that outlive the operator: started in a session of their own, known again by pid and start time, ended. Linux: reads /proc. */
import { spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

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
  const stat = await readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X';
}

/** The processes that have `argument` on their command line; with a path of our own there, they are ours. The eldest first. */
export async function findByArgument(argument: string): Promise<ProcessIdentity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (!commandLine.split('\0').includes(argument)) return [];
      const stat = await readStat(pid);
      return stat && stat.state !== 'Z' ? [{ pid, startTime: stat.startTime }] : [];
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

/** The command's name, in brackets, may hold spaces and brackets itself: fields are counted from the last one. */
async function readStat(pid: number): Promise<{ state: string; startTime: string } | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, startTime: fields[19]! };
}
