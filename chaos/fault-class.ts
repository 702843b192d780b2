/** One history that the operator was led through, under faults of one class. */
export interface Schedule {
  /** What happened, with the seed where there is one: enough to run this one again. */
  name: string;
  /** What the operator promises and did not keep, in words; empty when all was well. */
  broken: string[];
}

/** `short` is part of `make test` and takes seconds; `full` is `make chaos` and takes minutes. */
export type Size = 'short' | 'full';

/** Faults of one kind, and how it is seen that they change nothing. */
export interface FaultClass {
  /** A row of the table. */
  name: string;
  /** What is done to the operator and its world, in a sentence. */
  fault: string;
  /** Which promises are checked, and when, in a sentence. */
  promises: string;
  /**
   * Runs its schedules one after another. It throws only where a schedule could not be run at all, and leaves nothing behind when it is ended early.
   */
  run(size: Size): AsyncIterable<Schedule>;
}
