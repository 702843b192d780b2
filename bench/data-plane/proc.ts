import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a clock tick in /proc (sysconf(3), _SC_CLK_TCK). */
const tickMs = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Processes with an argument that begins so, such as the folder of their configuration. */
export function pidsOf(argumentPrefix: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) =>
      contentOf(pid, 'cmdline')
        .split('\0')
        .some((argument) => argument.startsWith(argumentPrefix)),
    );
}

/** Time that these processes have had of the cores all together, in user and system mode, milliseconds. */
export function cpuMs(argumentPrefix: string): number {
  return pidsOf(argumentPrefix).reduce((sum, pid) => sum + cpuTicks(contentOf(pid, 'stat')) * tickMs, 0);
}

/** utime and stime of /proc/PID/stat, proc_pid_stat(5): the 14th and 15th, counted after the name, which may have blanks; 0 of one that has ended. */
export function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) || 0) + (Number(fields[12]) || 0);
}

function contentOf(pid: number, file: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
