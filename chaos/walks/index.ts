import fc from 'fast-check';
import type { FaultClass, Schedule, Size } from '../fault-class.ts';
import { REGRESSIONS } from './regressions.ts';
import { walks } from './steps.ts';
import { take } from './walk.ts';

const COUNT: Record<Size, number> = { short: 36, full: 10_000 };

/** The first seed; each further walk has the next one. */
const firstSeed = Number(process.env.FC_SEED ?? 1);

const property = fc.asyncProperty(walks, async (walk) => {
  const broken = await take(walk);
  if (broken.length > 0) throw new Error(broken.join('\n'));
});

/** Takes the walk of a seed; where it breaks a promise, finds a shorter one that does. */
async function schedule(seed: number): Promise<Schedule> {
  const result = await fc.check(property, {
    seed,
    numRuns: 1,
    unbiased: true,
    path: process.env.FC_PATH,
    interruptAfterTimeLimit: 120_000,
  });
  if (!result.failed) return { name: `FC_SEED=${seed} FC_RUNS=1`, broken: [] };
  const error = result.errorInstance;
  return {
    name: `FC_SEED=${seed} FC_RUNS=1 FC_PATH=${result.counterexamplePath}: ${JSON.stringify(result.counterexample?.[0])}`,
    broken: (error instanceof Error ? (error.message ?? '') : String(error)).split('\n'),
  };
}

/** Histories that chance makes up, and promises that hold at every moment of them. */
export const randomWalks: FaultClass = {
  name: 'random walks',
  fault:
    'Users edit, suspend, delete and make anew; amphorae crash, are lost and come back; the driver and the API server fail before or after the effect, lag and are cut off; operators crash, stand still and are more than one; the clock jumps. Chance makes up what happens, from a seed. All in memory: the operator’s own controllers, a virtual clock.',
  promises:
    'After every step: the last serving amphora is never taken away, nor half of a pair that is whole, the status names a flavor only once its amphorae serve, numbers never repeat, topologies never change, what is refused touches nothing. And when the faults end, all comes to rest with exactly the amphorae that it needs, and the status says truly which of them carry the traffic.',
  async *run(size) {
    for (const [name, walk] of Object.entries(REGRESSIONS)) yield { name, broken: await take(walk) };
    const count = Number(process.env.FC_RUNS ?? COUNT[size]);
    for (let seed = firstSeed; seed < firstSeed + count; seed++) yield await schedule(seed);
  },
};
