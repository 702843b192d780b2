import { writeFile } from 'node:fs/promises';
import type { Goal } from '../../src/api/index.ts';
import type { Schedule } from '../fault-class.ts';
import { atStep } from './at-step.ts';
import { within } from './balancer.ts';
import { brokenIn, goneOn, onStage, serving } from './crew.ts';

/** How far the clock is ahead or behind; from one to the other it jumps by twice that. Milliseconds. What waits by the clock waits as much longer. */
const AWAY_MS = 15_000;

/** The operator's wall clock jumps, to and fro, when a resize is at a goal; a pair is resized at the same time. */
export const movedClock = (steps: readonly Goal[]): AsyncGenerator<Schedule> =>
  onStage(
    async function* (stage) {
      await stage.operator.start();
      const [single, pair] = await Promise.all([serving(stage, 'SINGLE'), serving(stage, 'ACTIVE_STANDBY')]);
      try {
        for (const [index, step] of steps.entries()) {
          const to = index % 2 === 0 ? AWAY_MS : -AWAY_MS;
          const resized = [single, pair].map(({ lb, other }) => ({ lb, to: other }));
          const jump = async () => {
            await writeFile(stage.clockFile, String(to));
            await stage.operator.signal('SIGUSR2');
          };
          const trap = atStep(stage, single.lb, single.other, step, jump);
          const broken = await Promise.all(
            resized.map(({ lb, to }) =>
              brokenIn(lb, async () => {
                await lb.patch({ flavorId: to });
                await within(trap.done, `${step} on the way to ${single.other}`);
                await lb.untilAtRest(to);
              }),
            ),
          ).finally(trap.forget);
          yield {
            name: `SINGLE and ACTIVE_STANDBY: the clock jumps to ${to / 1000} s from the true time at ${step}`,
            broken: broken.flat(),
          };
          if (broken.flat().length > 0) return;
          for (const one of [single, pair]) await goneOn(stage, one, { broken: [], to: one.other });
        }
      } finally {
        await Promise.all([single, pair].map(({ lb }) => lb.stopTraffic()));
      }
    },
    { ownClock: true },
  );
