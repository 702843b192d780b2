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
function startOfImage(): { flags: string[]; env: Record<string, string> } {
  const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
  const allocator = [...dockerfile.matchAll(/\b(MALLOC_\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]);
  return {
    flags: (JSON.parse(entrypoint) as string[]).filter((argument) => argument.startsWith('--')),
    env: Object.fromEntries(allocator),
  };
}

/** The operator as its image has it, bundled. */
export const reflavor: Subject = {
  name: 'Reflavor',
  prepare: async (dir) => {
    const [tool, entry] = ['../../tools/bundle.ts', 'operator.ts'].map((file) => join(import.meta.dirname, file)) as [string, string];
    await promisify(execFile)(process.execPath, [tool, `--entry=${entry}`, `--out=${join(dir, 'program')}`]);
  },
  start: ({ kubeconfigPath, dir }) => {
    const { flags, env } = startOfImage();
    return startReflavor('operator', 'operator', ['--driver=simulated', `--concurrency=${CONCURRENCY}`, '--log-level=warn'], {
      kubeconfigPath,
      logFile: join(dir, 'operator.log'),
      env: { ...process.env, ...env, BENCH_WORLD: join(dir, 'world') },
      // `BENCH_NODE_OPTIONS=--cpu-prof --cpu-prof-dir=…` profiles it.
      program: [...flags, ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? []), join(dir, 'program/reflavor.mjs')],
    });
  },
};
