import type { Goal } from '../src/api/index.ts';
import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { type ApiFault, apiFaults } from './real/api-faults.ts';
import { brokenIn, goneOn, onStage, type Serving, serving } from './real/crew.ts';
import type { Stage } from './real/stage.ts';

/** An API server, and a network before it, as they are on bad days. */
export const apiServerFaults: FaultClass = {
  name: "the API server's faults",
  fault:
    'In the middle of a resize and of its cancel, for SINGLE and ACTIVE_STANDBY: watches are cut, silent or answered 410; calls meet conflicts, 429, 500, 503; writes take effect and are never answered; reads are stale; the API server and etcd are restarted; the token is replaced.',
  promises: 'After each: the flavor that is asked for is in force on exactly the amphorae that it needs, and clients have lost no request.',
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
        const happening = once(() => fault.happen(stage));
        yield* await Promise.all(crew.map(([cancels, one]) => led(stage, one, { fault, step, cancels, happening })));
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
  /** The fault hits all of the crew, as soon as one of them is there. */
  happening: () => Promise<void>;
}

async function led(stage: Stage, one: Serving, { fault, step, cancels, happening }: Course): Promise<Schedule> {
  const { lb, here, other } = one;
  const broken = await brokenIn(lb, async () => {
    await lb.patch({ flavorId: other, strategy: { verifySeconds: cancels ? 600 : 1 } });
    await lb.untilStep(other, step);
    const over = happening();
    if (cancels) {
      await lb.untilStep(other, 'Detached');
      await lb.patch({ flavorId: here, strategy: { verifySeconds: 1 } });
    }
    await over;
    await lb.untilAtRest(cancels ? here : other);
  });
  await goneOn(stage, one, { broken, to: cancels ? here : other });
  return { name: `${one.topology} ${cancels ? 'cancel' : 'resize'}, from ${step} on ${fault.name}`, broken };
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
