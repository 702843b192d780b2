import type { Benchmark } from './benchmark.ts';
import { controlPlane } from './controlplane/benchmark.ts';

/** Every benchmark, in the order of docs/performance.md. */
export const benchmarks: readonly Benchmark[] = [controlPlane];
