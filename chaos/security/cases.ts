import fc from 'fast-check';
import type { Schedule } from '../fault-class.ts';

/** Where the seeds begin; the same cases again for the same one. `CHAOS_SEED` sets another. */
export const firstSeed = Number(process.env.CHAOS_SEED ?? 1);

/** The seeds of that many schedules. */
export const seeds = (count: number): number[] => Array.from({ length: count }, (_, i) => firstSeed + i);

/**
 * A schedule of many cases, each made up from the seed. Its name says how to have the same again.
 * @param what what the cases are, in the plural
 */
export async function cases<T>(
  what: string,
  { seed, count }: { seed: number; count: number },
  arbitrary: fc.Arbitrary<T>,
  check: (one: T) => void | Promise<void>,
): Promise<Schedule> {
  // Shrinking a case of many texts can take longer than all cases together.
  const found = await fc.check(
    fc.asyncProperty(arbitrary, async (one) => check(one)),
    { seed, numRuns: count, interruptAfterTimeLimit: 300_000 },
  );
  const name = `${count} ${what}, CHAOS_SEED=${seed}`;
  if (!found.failed) return { name, broken: found.interrupted ? [`only ${found.numRuns} were tried in time`] : [] };
  const error = found.errorInstance instanceof Error ? found.errorInstance.message : String(found.errorInstance);
  return { name, broken: [`${error}\n${fc.stringify(found.counterexample)}`] };
}

/** @throws Error saying what is otherwise, where it doesn't hold */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
