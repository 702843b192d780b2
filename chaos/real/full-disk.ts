import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Goal } from '../../src/api/index.ts';
import type { Schedule } from '../fault-class.ts';
import { atStep } from './at-step.ts';
import { within } from './balancer.ts';
import { brokenIn, goneOn, onStage, serving } from './crew.ts';
import type { Stage } from './stage.ts';

/** Fills the disk of the state folder to its last byte; what it returns makes room again. */
async function fill({ stateDir }: Stage): Promise<() => Promise<void>> {
  const path = join(stateDir, 'filler');
  const file = await open(path, 'w');
  try {
    for (let size = 1 << 20; size > 0; size = size > 1 ? size >> 1 : 0) {
      // What did not fit goes on in smaller pieces.
      await (async () => {
        for (;;) await file.appendFile(Buffer.alloc(size));
      })().catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    }
  } finally {
    await file.close();
  }
  return () => rm(path);
}

/** The disk that holds what the driver keeps of its amphorae is full before a resize, or from one of its goals on, and has room again later. */
export const fullDisk = (steps: readonly Goal[]): AsyncGenerator<Schedule> =>
  onStage(
    async function* (stage) {
      await stage.operator.start();
      const one = await serving(stage, 'SINGLE');
      const { lb } = one;
      try {
        for (const step of [undefined, ...steps]) {
          const { other } = one;
          const broken = await brokenIn(lb, async () => {
            let makeRoom = async () => {};
            const full = async () => {
              makeRoom = await fill(stage);
            };
            if (step === undefined) await full();
            const trap = step && atStep(stage, lb, other, step, full);
            await lb.patch({ flavorId: other });
            if (trap) await within(trap.done, `${step} on the way to ${other}`);
            trap?.forget();
            if (step === undefined)
              await lb.until('it says that the disk is full', (o) => /ENOSPC|no space/i.test(JSON.stringify(o.status)));
            else await sleep(4_000);
            await makeRoom();
            await lb.untilAtRest(other);
          });
          yield { name: `SINGLE: the driver's disk is full ${step ? `from ${step} on` : 'before the resize begins'}`, broken };
          if (broken.length > 0) return;
          await goneOn(stage, one, { broken, to: other });
        }
      } finally {
        await lb.stopTraffic();
      }
    },
    { diskMib: 8 },
  );
