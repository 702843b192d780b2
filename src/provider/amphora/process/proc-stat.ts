/** What the kernel says of a process: proc_pid_stat(5). */
export interface ProcStat {
  state: string;
  parent: number;
  session: number;
  threads: number;
  /** Clock ticks since boot. */
  startTime: string;
}

/** The content of /proc/PID/stat. The command's name, in brackets, may hold spaces and brackets itself: fields are counted from the last one. */
export function parseProcStat(stat: string): ProcStat {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0]!,
    parent: Number(fields[1]),
    session: Number(fields[3]),
    threads: Number(fields[17]),
    startTime: fields[19]!,
  };
}

/** Whether it has not ended. One whose first thread alone has looks like a zombie, while the others still have its sockets. */
export const hasLife = ({ state, threads }: ProcStat): boolean => (state !== 'Z' && state !== 'X') || threads > 1;
