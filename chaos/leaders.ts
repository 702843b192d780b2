import { setTimeout as sleep } from 'node:timers/promises';
import type { Goal } from '../src/api/index.ts';
import { type Lease, leaseResource } from '../src/controller/runtime/leaderelection.ts';
import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { isWrite } from './real/api-call.ts';
import { atStep } from './real/at-step.ts';
import { Broken, within } from './real/balancer.ts';
import { brokenIn, onStage, type Serving, serving } from './real/crew.ts';
import type { OperatorProcess } from './real/operator-process.ts';
import type { Stage } from './real/stage.ts';

/** Two operators, of which one leads, and what may befall that one. */
export const leaders: FaultClass = {
  name: 'the leader paused, killed, or robbed of its lease',
  fault:
    'In the middle of a resize and of its cancel, for SINGLE and ACTIVE_STANDBY: of two operators the leader is stopped (SIGSTOP) until another has led the change to its end, and wakes up, with a write of its own still on its way; or it is killed; or somebody else takes the lease.',
  promises:
    'After each: one that has lost its lease ends by itself, the flavor that is asked for is in force on exactly the amphorae that it needs, and clients have lost no request.',
  run: (size) => onStage((stage) => schedules(stage, size)),
};

const LEASE = { namespace: 'default', name: 'chaos' };
const FLAGS = [
  '--leader-elect=true',
  `--lease-name=${LEASE.name}`,
  '--lease-duration-seconds=3',
  '--lease-renew-deadline-seconds=2',
  '--lease-retry-period-seconds=1',
];

/** Two processes, and which of them leads. */
interface Pair {
  leader: OperatorProcess;
  standby: OperatorProcess;
}

/** What befalls the leader; whoever leads then is the leader once it is over. */
interface Fate {
  name: string;
  befall(stage: Stage, pair: Pair, lb: Serving['lb']): Promise<Ending>;
}

/** Done once the change is at its end. */
type Ending = () => Promise<void>;

const holderOf = async ({ client }: Stage) => (await client.get<Lease>(leaseResource, LEASE)).spec?.holderIdentity ?? '';

/** Waits until another than `before` leads. */
async function untilAnotherLeads(stage: Stage, before: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ([before, ''].includes(await holderOf(stage))) {
    if (performance.now() > deadline) throw new Broken('nobody took the lease of a leader that did not renew it');
    await sleep(100);
  }
}

async function untilEnded(operator: OperatorProcess): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (await operator.isRunning()) {
    if (performance.now() > deadline) throw new Broken('a leader that lost its lease did not end');
    await sleep(50);
  }
}

const swap = (pair: Pair) => Object.assign(pair, { leader: pair.standby, standby: pair.leader });

/** Stops the leader, and wakes it up once another has brought the change to its end. */
async function paused(stage: Stage, pair: Pair): Promise<Ending> {
  const before = await holderOf(stage);
  const old = pair.leader;
  await old.signal('SIGSTOP');
  await untilAnotherLeads(stage, before);
  swap(pair);
  return async () => {
    await old.signal('SIGCONT');
    await untilEnded(old);
    await old.start();
  };
}

const fates: Fate[] = [
  { name: 'is stopped, and wakes up when all is done', befall: paused },
  {
    name: 'is stopped with its next write held back, which arrives when all is done',
    async befall(stage, pair, lb) {
      const held = Promise.withResolvers<void>();
      const sent = Promise.withResolvers<void>();
      let isHeld = false;
      const forget = stage.proxy.interfere({
        async before(call) {
          if (isHeld || !isWrite(call) || call.namespace !== lb.namespace) return undefined;
          isHeld = true;
          sent.resolve();
          await held.promise;
          return undefined;
        },
      });
      await within(sent.promise, 'the leader writes something');
      const wakeUp = await paused(stage, pair);
      return async () => {
        held.resolve();
        forget();
        await wakeUp();
      };
    },
  },
  {
    name: 'is killed',
    async befall(stage, pair) {
      const before = await holderOf(stage);
      await pair.leader.end('SIGKILL');
      await untilAnotherLeads(stage, before);
      swap(pair);
      return () => pair.standby.start();
    },
  },
  {
    name: 'finds somebody else in its lease, who soon gives it up',
    async befall(stage, pair) {
      const robbed = pair.leader;
      const spec = { holderIdentity: 'somebody else', leaseDurationSeconds: 1 };
      await stage.client.patchMerge(leaseResource, LEASE, { spec });
      await untilEnded(robbed);
      await untilAnotherLeads(stage, spec.holderIdentity);
      swap(pair);
      return () => robbed.start();
    },
  },
];

async function* schedules(stage: Stage, size: Size): AsyncGenerator<Schedule> {
  const pair = { leader: stage.anotherOperator('first', FLAGS), standby: stage.anotherOperator('second', FLAGS) };
  await pair.leader.start();
  const topologies = size === 'full' ? (['SINGLE', 'ACTIVE_STANDBY'] as const) : (['SINGLE'] as const);
  const crew = await Promise.all(topologies.map((topology) => serving(stage, topology)));
  await pair.standby.start();
  const steps: readonly Goal[] = size === 'full' ? ['Built', 'Configured', 'Attached', 'Detached'] : ['Detached'];
  try {
    for (const fate of size === 'full' ? fates : fates.slice(1, 2))
      for (const step of steps)
        for (const cancels of size === 'full' ? [false, true] : [false])
          for (const one of crew) yield await led(stage, pair, one, { fate, step, cancels });
  } finally {
    await Promise.all(crew.map(({ lb }) => lb.stopTraffic()));
  }
}

async function led(
  stage: Stage,
  pair: Pair,
  one: Serving,
  { fate, step, cancels }: { fate: Fate; step: Goal; cancels: boolean },
): Promise<Schedule> {
  const { lb, here, other } = one;
  const broken = await brokenIn(lb, async () => {
    const begun = Promise.withResolvers<void>();
    const trap = atStep(stage, lb, other, step, async () => begun.resolve());
    await lb.patch({ flavorId: other, strategy: { verifySeconds: cancels ? 600 : 2 } });
    await within(begun.promise, `${step} on the way to ${other}`);
    trap.forget();
    const end = await fate.befall(stage, pair, lb);
    if (cancels) await lb.patch({ flavorId: here, strategy: { verifySeconds: 2 } });
    await lb.untilAtRest(cancels ? here : other);
    await end();
    await lb.untilAtRest(cancels ? here : other);
  });
  if (broken.length > 0) await lb.stopTraffic().then(async () => Object.assign(one, await serving(stage, one.topology)));
  else if (!cancels) Object.assign(one, { here: other, other: here });
  return { name: `${one.topology} ${cancels ? 'cancel' : 'resize'}: at ${step} the leader ${fate.name}`, broken };
}
