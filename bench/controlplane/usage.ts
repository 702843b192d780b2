import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process has used since it started. */
export interface Usage {
  /** Of all its threads, in user and kernel mode. */
  cpuSeconds: number;
  /** The most physical memory that it ever had. */
  peakMiB: number;
  /** What it has now. */
  residentMiB: number;
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Reads a process's usage (Linux). @throws when it is gone */
export const usageOf = (pid: number): Usage =>
  parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'), ticksPerSecond);

/** From the text of /proc/PID/stat and /proc/PID/status, see proc(5). */
export function parseUsage(stat: string, status: string, ticks: number): Usage {
  // The name, in brackets, may hold blanks; what follows starts with field 3, the state; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticks;
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { cpuSeconds, peakMiB: mib('VmHWM'), residentMiB: mib('VmRSS') };
}
