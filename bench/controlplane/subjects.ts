import { join } from 'node:path';
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
  /** Starts it and waits until it is ready. SIGTERM ends it, and keeps its amphorae for the next one. */
  start(place: Place): Promise<ProcessIdentity>;
}

/** How many objects of a kind are worked on at the same time: this operator's default. */
export const CONCURRENCY = 8;

export const reflavor: Subject = {
  name: 'Reflavor',
  start: ({ kubeconfigPath, dir }) =>
    startReflavor('operator', 'operator', ['--driver=simulated', `--concurrency=${CONCURRENCY}`, '--log-level=warn'], {
      kubeconfigPath,
      logFile: join(dir, 'operator.log'),
      env: { ...process.env, BENCH_WORLD: join(dir, 'world') },
      // `BENCH_NODE_OPTIONS=--cpu-prof --cpu-prof-dir=…` profiles it.
      program: [...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? []), join(import.meta.dirname, 'operator.ts')],
    }),
};
