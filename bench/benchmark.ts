/** What a figure ought to be. */
export type Aim = { atMost: number } | { atLeast: number };

/** A row of a table. */
export interface Figure {
  name: string;
  measured: number;
  /** `×` for a ratio, which is what aims should be of: machines differ, and are noisy. */
  unit: '×' | 'ms' | 's' | 'MiB' | '%' | 'requests/s' | '';
  /** A figure without one is there to be read beside the others. */
  aim?: Aim;
  /** What the figure is of, such as the two values of a ratio; for a missed aim the reason. */
  note?: string;
}

export interface Table {
  title: string;
  /** How it was measured, in a sentence or two. */
  text: string;
  figures: Figure[];
}

/** A picture that docs/performance.md shows. */
export interface Plot {
  /** In docs/performance/. */
  file: `${string}.svg`;
  /** What is to be seen in it. */
  caption: string;
  svg: string;
}

export interface Result {
  tables: Table[];
  plots?: Plot[];
}

/** `quick` is `make bench-quick`: all benchmarks together take 5 minutes; `full` is `make bench`, 40 minutes, on 2 cores. */
export type Size = 'quick' | 'full';

/** Something that is measured, and ends all that it has started. */
export interface Benchmark {
  name: string;
  /** Needs root, where it puts processes into network namespaces or starts a cluster. */
  needsRoot?: boolean;
  /** `log` tells how far it is. */
  run(size: Size, log: (line: string) => void): Promise<Result>;
}
