import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a clock tick in /proc (sysconf(3), _SC_CLK_TCK). */
const tickMs = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Time that all processes with an argument which begins so have had of the cores, in user and system mode, milliseconds. */
export function cpuMs(argumentPrefix: string): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .reduce((sum, pid) => sum + ticksOf(pid, argumentPrefix) * tickMs, 0);
}

function ticksOf(pid: string, argumentPrefix: string): number {
  try {
    if (
      !readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .some((argument) => argument.startsWith(argumentPrefix))
    )
      return 0;
    return cpuTicks(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** utime and stime of /proc/PID/stat, proc_pid_stat(5): the 14th and 15th, counted after the name, which may have blanks. */
export function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
