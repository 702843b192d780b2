import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** What wrk measured. */
export interface Load {
  requests: number;
  /** Connections refused or broken, answers of 400 and above, and those that took more than two seconds. */
  failed: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
}

export interface LoadOptions {
  url: string;
  connections: number;
  seconds: number;
  /** A new connection for each request. */
  closes: boolean;
}

/** As many requests as are answered, from one thread of wrk. @throws where it can't be run, or counts nothing */
export async function wrk({ url, connections, seconds, closes }: LoadOptions): Promise<Load> {
  const script = join(import.meta.dirname, 'wrk.lua');
  const args = ['--threads=1', `--connections=${connections}`, `--duration=${seconds}s`, `--script=${script}`];
  const { stdout } = await exec('wrk', [...args, ...(closes ? ['--header=Connection: close'] : []), url]);
  return parseWrk(stdout);
}

/** Reads the line that wrk.lua ends with. */
export function parseWrk(output: string): Load {
  const line = output.split('\n').findLast((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(`wrk told no figures: ${output}`);
  const { requests, durationUs, failed, p50Us, p99Us, p999Us } = JSON.parse(line) as Record<string, number>;
  if (!requests || !durationUs) throw new Error(`wrk had no answer: ${output}`);
  return {
    requests,
    failed: failed!,
    perSecond: requests / (durationUs / 1e6),
    p50Ms: p50Us! / 1e3,
    p99Ms: p99Us! / 1e3,
    p999Ms: p999Us! / 1e3,
  };
}
