import type { FaultClass, Schedule, Size } from './fault-class.ts';

/** What came of one class. */
export interface Outcome {
  faultClass: FaultClass;
  /** Schedules that were run. */
  count: number;
  /** Those in which a promise was broken. */
  failed: Schedule[];
  /** Why the class itself counts as broken: it threw, or had no schedule. */
  broken?: string;
  seconds: number;
}

export const newOutcome = (faultClass: FaultClass): Outcome => ({ faultClass, count: 0, failed: [], seconds: 0 });

/**
 * Runs a class to its end, or until `ran`, told of each schedule, says no. It never throws: a class that does is a broken one, and so is one
 * without a schedule.
 */
export async function run(outcome: Outcome, size: Size, ran: (schedule: Schedule) => boolean): Promise<void> {
  const startedAt = performance.now();
  let goesOn = true;
  try {
    for await (const schedule of outcome.faultClass.run(size)) {
      outcome.count++;
      if (schedule.broken.length > 0) outcome.failed.push(schedule);
      goesOn = ran(schedule);
      if (!goesOn) break;
    }
    if (outcome.count === 0 && goesOn) outcome.broken ??= 'it ran no schedule';
  } catch (error) {
    outcome.broken ??= `it could not go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  outcome.seconds = (performance.now() - startedAt) / 1000;
}

/** Promises that were broken, and one for a class that is broken itself. */
export const brokenIn = ({ failed, broken }: Pick<Outcome, 'failed' | 'broken'>): number =>
  failed.reduce((sum, schedule) => sum + schedule.broken.length, 0) + (broken === undefined ? 0 : 1);
