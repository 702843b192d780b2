import type { Goal } from '../src/api/index.ts';
import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { type ApiFault, apiFaults } from './real/api-faults.ts';
import { atStep } from './real/at-step.ts';
import { within } from './real/balancer.ts';
import { brokenIn, goneOn, onStage, type Serving, serving } from './real/crew.ts';
import { Hits } from './real/hits.ts';
import { type Meeting, meeting, once } from './real/meeting.ts';
import type { Stage } from './real/stage.ts';

/** An API server, and a network before it, as they are on bad days. */
export const apiServerFaults: FaultClass = {
  name: "the API server's faults",
  fault:
    'In the middle of a resize and of its cancel, for SINGLE and ACTIVE_STANDBY: watches are cut, silent or answered 410; calls meet conflicts, 429, 500, 503; writes take effect and are never answered; reads are stale; the API server and etcd are restarted; the token is replaced.',
  promises:
    'Each fault has met something of the load balancer. After each: the flavor that is asked for is in force on exactly the amphorae that it needs, and clients have lost no request.',
  run: (size) => onStage((stage) => schedules(stage, size)),
};

async function* schedules(stage: Stage, size: Size): AsyncGenerator<Schedule> {
  await stage.operator.start();
  const crew: [boolean, Serving][] = await Promise.all(
    (size === 'full' ? ([false, true] as const) : ([true] as const)).flatMap((cancels) =>
      (size === 'full' ? (['SINGLE', 'ACTIVE_STANDBY'] as const) : (['SINGLE'] as const)).map(
        async (topology): Promise<[boolean, Serving]> => [cancels, await serving(stage, topology)],
      ),
    ),
  );
  try {
    for (const fault of size === 'full' ? apiFaults : apiFaults.slice(0, 2)) {
      for (const step of size === 'full' ? (['Built', 'Attached'] as const) : (['Built'] as const)) {
        const namespaces = crew.map(([, { lb }]) => lb.namespace);
        const meets = new Hits();
        const together = meeting(crew.length, () => fault.happen(stage, meets, namespaces));
        yield* await Promise.all(crew.map(([cancels, one]) => led(stage, one, { fault, step, cancels, together, meets })));
      }
    }
  } finally {
    await Promise.all(crew.map(([, { lb }]) => lb.stopTraffic()));
  }
}

interface Course {
  fault: ApiFault;
  step: Goal;
  cancels: boolean;
  /** The fault hits all of the crew, each at the step: whoever is there first is held until the others are. */
  together: Meeting;
  meets: Hits;
}

async function led(stage: Stage, one: Serving, { fault, step, cancels, together, meets }: Course): Promise<Schedule> {
  const { lb, here, other } = one;
  const come = once(together.come);
  const trap = atStep(stage, lb, other, step, come);
  const broken = await brokenIn(lb, async () => {
    await lb.patch({ flavorId: other, strategy: { verifySeconds: cancels ? 600 : 1 } });
    await within(trap.done, `${step} on the way to ${other}`);
    if (cancels) {
      await lb.untilOldAreOut(other);
      await lb.patch({ flavorId: here, strategy: { verifySeconds: 1 } });
    }
    await together.isOver;
    await lb.untilAtRest(cancels ? here : other);
  }).finally(() => {
    trap.forget();
    void come();
  });
  if (broken.length === 0 && meets.feltIn(lb.namespace) === 0) broken.push('the fault met nothing');
  await goneOn(stage, one, { broken, to: cancels ? here : other });
  return { name: `${one.topology} ${cancels ? 'cancel' : 'resize'}, from ${step} on ${fault.name}`, broken };
}
