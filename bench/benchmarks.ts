import type { Benchmark } from './benchmark.ts';
import { cluster } from './cluster.ts';
import { controlPlane } from './controlplane/benchmark.ts';
import { dataPlane } from './data-plane.ts';
import { freshness } from './freshness.ts';
import { outages } from './outages.ts';
import { rendering } from './rendering.ts';

/** Every benchmark, in the order of docs/performance.md. `isLong`: with what `make bench` has no time for. */
export const benchmarks = ({ isLong }: { isLong: boolean }): Benchmark[] => [
  controlPlane({ isLong }),
  dataPlane,
  outages,
  freshness,
  rendering,
  cluster,
];
