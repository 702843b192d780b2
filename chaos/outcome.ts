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

/** What is heard of a class while it runs. */
export interface Listener {
  /** After each schedule; the class ends where it returns false. */
  ran(outcome: Outcome, schedule: Schedule): boolean;
}

/** Runs a class to its end. It never throws: a class that does is a broken one, and so is one without a schedule. */
export async function outcomeOf(faultClass: FaultClass, size: Size, { ran }: Listener): Promise<Outcome> {
  const startedAt = performance.now();
  const outcome: Outcome = { faultClass, count: 0, failed: [], seconds: 0 };
  let isEnded = false;
  try {
    for await (const schedule of faultClass.run(size)) {
      outcome.count++;
      if (schedule.broken.length > 0) outcome.failed.push(schedule);
      isEnded = !ran(outcome, schedule);
      if (isEnded) break;
    }
    if (outcome.count === 0 && !isEnded) outcome.broken = 'it ran no schedule';
  } catch (error) {
    outcome.broken = `it could not go on: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  outcome.seconds = (performance.now() - startedAt) / 1000;
  return outcome;
}

/** Promises that were broken, and one for a class that is broken itself. */
export const brokenIn = ({ failed, broken }: Pick<Outcome, 'failed' | 'broken'>): number =>
  failed.reduce((sum, schedule) => sum + schedule.broken.length, 0) + (broken === undefined ? 0 : 1);
