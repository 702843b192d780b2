import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ProcessIdentity } from '../../tools/processes.ts';
import { startReflavor } from '../../tools/reflavor.ts';

export interface Place {
  kubeconfigPath: string;
  /** Holds its log, and the amphorae while it does not run. */
  dir: string;
}

/** An operator that is measured; it has no time to spare for logs below warnings. */
export interface Subject {
  name: string;
  /** Makes the program, before anything is measured. */
  prepare(dir: string): Promise<void>;
  /** Starts it and waits until it is ready. SIGTERM ends it, and keeps its amphorae for the next one. */
  start(place: Place): Promise<ProcessIdentity>;
}

/** How many objects of a kind are worked on at the same time: this operator's default. */
export const CONCURRENCY = 8;

/** What the image has Node start with. */
function imageFlags(): string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
  return (JSON.parse(entrypoint) as string[]).filter((argument) => argument.startsWith('--'));
}

/** The operator as its image has it, in one file without types. */
export const reflavor: Subject = {
  name: 'Reflavor',
  prepare: async (dir) => {
    const [tool, entry] = ['../../tools/bundle.ts', 'operator.ts'].map((file) => join(import.meta.dirname, file)) as [string, string];
    await promisify(execFile)(process.execPath, [tool, `--entry=${entry}`, `--out=${join(dir, 'program')}`]);
  },
  start: ({ kubeconfigPath, dir }) =>
    startReflavor('operator', 'operator', ['--driver=simulated', `--concurrency=${CONCURRENCY}`, '--log-level=warn'], {
      kubeconfigPath,
      logFile: join(dir, 'operator.log'),
      env: { ...process.env, BENCH_WORLD: join(dir, 'world') },
      // `BENCH_NODE_OPTIONS=--cpu-prof --cpu-prof-dir=…` profiles it.
      program: [...imageFlags(), ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? []), join(dir, 'program/reflavor.mjs')],
    }),
};
