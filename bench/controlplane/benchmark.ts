import type { Benchmark } from '../benchmark.ts';
import { named } from './balancers.ts';
import { perObject, sum } from './calls.ts';
import { Session } from './session.ts';
import { reflavor } from './subjects.ts';

export const controlPlane: Benchmark = {
  name: 'control-plane',
  async run(size, log) {
    const count = Number(process.env.N ?? (size === 'quick' ? 200 : 1000));
    await Session.with(reflavor, async (session) => {
      const all = named('a', count);
      for (const round of [await session.create(all, 'small'), await session.resize(all, 'large')]) {
        log(JSON.stringify(round));
        log(`${sum(round.calls)}: ${perObject(round.calls, count)}`);
      }
    });
    return { tables: [] };
  },
};
