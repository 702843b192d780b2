import { GOALS, type Goal } from '../src/api/index.ts';
import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { atStep } from './real/at-step.ts';
import { within } from './real/balancer.ts';
import type { Topology } from './real/chapters.ts';
import { brokenIn, onStage, type Serving, serving } from './real/crew.ts';
import { fullDisk } from './real/full-disk.ts';
import { merged } from './real/merged.ts';
import { movedClock } from './real/moved-clock.ts';
import type { Stage } from './real/stage.ts';
import { type Course, ownFlavor, type WorldFault, worldFaults } from './real/world-faults.ts';

/** What surrounds the operator, and what people do, at each goal of a resize. */
export const worldFaultsClass: FaultClass = {
  name: "the world's faults",
  fault:
    'At each goal of a resize (of a pair, at three of them): the HAProxies of the old amphorae, of the new ones or of all are killed; amphorae are deleted; an edit is refused by HAProxy; members flap; the flavor is set back, or to a third; a listener is added; it is suspended; its flavor or the Secret of a certificate is deleted; it is deleted itself; the wall clock of the operator jumps; the disk of the driver is full (root only).',
  promises:
    'After each: what the spec asks for in the end is so, on exactly the amphorae that it needs, and clients have lost nothing but what a killed HAProxy took with it, and that for no longer than 30 s.',
  async *run(size) {
    yield* onStage((stage) => schedules(stage, size));
    if (size === 'short') return;
    yield* movedClock(['Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Attached']);
    if (process.geteuid!() === 0) yield* fullDisk(['Built', 'Attached', 'Detached']);
    else console.log("the world's faults: no full disk, since only root can make one");
  },
};

const STEPS = ['Detached', 'Attached', 'Verified', 'Configured', 'Built'] as const satisfies Goal[];

interface Scenario {
  topology: Topology;
  fault: WorldFault;
  step: Goal;
}

async function* schedules(stage: Stage, size: Size): AsyncGenerator<Schedule> {
  await stage.operator.start();
  await stage.apply(
    ...(['', '-ha'] as const).map((suffix) => ({
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'Flavor',
      metadata: { name: `third${suffix}` },
      spec: { flavorProfile: `large${suffix}` },
    })),
  );
  const all = STEPS.flatMap((step) =>
    worldFaults.flatMap((fault) =>
      (step === 'Verified' || step === 'Configured' ? (['SINGLE'] as const) : (['SINGLE', 'ACTIVE_STANDBY'] as const)).map(
        (topology): Scenario => ({ topology, fault, step }),
      ),
    ),
  );
  const few = worldFaults.slice(0, 3).map((fault): Scenario => ({ topology: 'SINGLE', fault, step: 'Detached' }));
  const scenarios = size === 'full' ? all : few;
  const hands = size === 'full' ? 6 : 3;
  yield* merged(Array.from({ length: hands }, () => led(stage, scenarios)));
}

/** One scenario after the other, until none is left. */
async function* led(stage: Stage, scenarios: Scenario[]): AsyncGenerator<Schedule> {
  for (let scenario = scenarios.shift(); scenario; scenario = scenarios.shift()) {
    const one = await serving(stage, scenario.topology);
    try {
      yield await happened(stage, one, scenario);
    } finally {
      await one.lb.stopTraffic();
    }
    await one.lb.delete().catch(() => {});
  }
}

async function happened(stage: Stage, { lb, here, topology }: Serving, { fault, step }: Scenario): Promise<Schedule> {
  const other = `own-${lb.namespace}`;
  await stage.apply(ownFlavor(other, topology === 'ACTIVE_STANDBY'));
  const course: Course = { stage, lb, here, other };
  const broken = await brokenIn(lb, async () => {
    await fault.before?.(course);
    const trap = atStep(stage, lb, other, step, () => fault.happen(course));
    try {
      await lb.patch({ flavorId: other });
      await within(trap.done, `${step} on the way to ${other}`);
      // What was never behind the VIP takes nothing with it.
      const wasOut = /of the new/.test(fault.name) && GOALS.indexOf(step) < GOALS.indexOf('Attached');
      if (fault.takes && !wasOut) await lb.forgive();
    } finally {
      trap.forget();
    }
    const flavor = fault.afterwards ? await fault.afterwards(course) : other;
    if (flavor === undefined) await lb.untilGone();
    else await lb.untilAtRest(flavor);
  });
  return { name: `${topology}: at ${step} ${fault.name}`, broken };
}
