import { setTimeout as sleep } from 'node:timers/promises';
import type { Goal } from '../src/api/index.ts';
import { type Lease, leaseResource } from '../src/controller/runtime/leaderelection.ts';
import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { isWrite } from './real/api-call.ts';
import { atStep } from './real/at-step.ts';
import { Broken, within } from './real/balancer.ts';
import { brokenIn, goneOn, onStage, type Serving, serving } from './real/crew.ts';
import type { OperatorProcess } from './real/operator-process.ts';
import type { Contender, Stage } from './real/stage.ts';

/** Two operators, of which one leads, and what may befall that one. */
export const leaders: FaultClass = {
  name: 'the leader paused, killed, cut off, or robbed of its lease',
  fault:
    'In the middle of a resize and of its cancel, for SINGLE and ACTIVE_STANDBY: of two operators the leader is stopped (SIGSTOP) until another has led the change to its end, and wakes up, with a write of its own still on its way; or it is killed; or it is cut off from the API server; or somebody else takes the lease.',
  promises:
    'After each: one that has lost its lease ends by itself, the flavor that is asked for is in force on exactly the amphorae that it needs, and clients have lost no request.',
  run: (size) => onStage((stage) => schedules(stage, size)),
};

const LEASE = { namespace: 'default', name: 'chaos' };
const FLAGS = [
  '--leader-elect=true',
  `--lease-name=${LEASE.name}`,
  '--lease-duration-seconds=5',
  '--lease-renew-deadline-seconds=3',
  '--lease-retry-period-seconds=1',
];

/** What befalls the leader. Resolves once another leads. */
interface Fate {
  name: string;
  befall(stage: Stage, leader: Contender): Promise<Ending>;
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

/** Stops the leader, and wakes it up once another has brought the change to its end. */
async function paused(stage: Stage, { operator: leader }: Contender): Promise<Ending> {
  const before = await holderOf(stage);
  await leader.signal('SIGSTOP');
  await untilAnotherLeads(stage, before);
  return async () => {
    await leader.signal('SIGCONT');
    await untilEnded(leader);
  };
}

const fates: Fate[] = [
  {
    name: 'is stopped with its next write held back, and both go on when all is done',
    async befall(stage, leader) {
      const held = Promise.withResolvers<void>();
      const sent = Promise.withResolvers<void>();
      let isHeld = false;
      const forget = stage.proxy.interfere({
        async before(call) {
          if (isHeld || !isWrite(call)) return undefined;
          isHeld = true;
          sent.resolve();
          await held.promise;
          return undefined;
        },
      });
      await within(sent.promise, 'the leader writes something');
      const wakeUp = await paused(stage, leader);
      return async () => {
        held.resolve();
        forget();
        await wakeUp();
      };
    },
  },
  { name: 'is stopped, and wakes up when all is done', befall: paused },
  {
    name: 'is killed',
    async befall(stage, { operator: leader }) {
      const before = await holderOf(stage);
      await leader.end('SIGKILL');
      await untilAnotherLeads(stage, before);
      return async () => {};
    },
  },
  {
    name: 'is cut off from the API server, and ends before another leads',
    async befall(stage, { operator: leader, authorization }) {
      const before = await holderOf(stage);
      const forget = stage.proxy.interfere({ before: (call) => (call.authorization === authorization ? 'cut' : undefined) });
      stage.proxy.cutWatches();
      await untilAnotherLeads(stage, before).finally(forget);
      if (await leader.isRunning()) throw new Broken('a leader that could not renew its lease was still there when another had it');
      return async () => {};
    },
  },
  {
    name: 'finds somebody else in its lease, who soon gives it up',
    async befall(stage, { operator: leader }) {
      const spec = { holderIdentity: 'somebody else', leaseDurationSeconds: 1 };
      await stage.client.patchMerge(leaseResource, LEASE, { spec });
      await untilEnded(leader);
      await untilAnotherLeads(stage, spec.holderIdentity);
      return async () => {};
    },
  },
];

/** When it happens, and whether the resize is cancelled then. */
type Moment = [step: Goal, cancels: boolean];

async function* schedules(stage: Stage, size: Size): AsyncGenerator<Schedule> {
  const operators = [await stage.anotherOperator('first', FLAGS), await stage.anotherOperator('second', FLAGS)];
  await Promise.all(operators.map(({ operator }) => operator.start()));
  const topologies = size === 'full' ? (['SINGLE', 'ACTIVE_STANDBY'] as const) : (['SINGLE'] as const);
  const crew = await Promise.all(topologies.map((topology) => serving(stage, topology)));
  const moments: Moment[] =
    size === 'full'
      ? [
          ['Built', false],
          ['Attached', false],
          ['Attached', true],
          ['Detached', false],
          ['Detached', true],
        ]
      : [['Detached', false]];
  try {
    for (const fate of size === 'full' ? fates : fates.slice(0, 1))
      for (const moment of moments) yield* await round(stage, operators, crew, fate, moment);
  } finally {
    await Promise.all(crew.map(({ lb }) => lb.stopTraffic()));
  }
}

/** The one that leads, once those that have ended run again. */
async function leaderOf(stage: Stage, operators: readonly Contender[]): Promise<Contender> {
  for (const { operator } of operators) if (!(await operator.isRunning())) await operator.start();
  const deadline = performance.now() + 60_000;
  for (;;) {
    const holder = await holderOf(stage).catch(() => '');
    for (const one of operators) if ((await one.operator.identity()) === holder) return one;
    if (performance.now() > deadline) throw new Error('neither operator leads');
    await sleep(100);
  }
}

/** One fate, and all of the crew on their way when it comes: as soon as the first of them is at the step. */
async function round(
  stage: Stage,
  operators: readonly Contender[],
  crew: readonly Serving[],
  fate: Fate,
  [step, cancels]: Moment,
): Promise<Schedule[]> {
  const leader = await leaderOf(stage, operators);
  const there = Promise.withResolvers<void>();
  const traps = crew.map(({ lb, other }) => atStep(stage, lb, other, step, async () => there.resolve()));
  const befallen = there.promise.then(() => fate.befall(stage, leader));
  const goalOf = ({ here, other }: Serving) => (cancels ? here : other);
  const change = async ({ lb, here, other }: Serving) => {
    await lb.patch({ flavorId: other, strategy: { verifySeconds: cancels ? 600 : 2 } });
    await within(befallen, `the leader is at ${step} on the way to ${other}, and another leads`);
    if (cancels) await lb.patch({ flavorId: here, strategy: { verifySeconds: 2 } });
    await lb.untilAtRest(cancels ? here : other);
  };
  befallen.catch(() => {});
  const first = await Promise.all(crew.map((one) => brokenIn(one.lb, () => change(one))));
  for (const { forget } of traps) forget();
  const ending = befallen.then((end) => end());
  ending.catch(() => {});
  const second = await Promise.all(
    crew.map((one, i) =>
      first[i]!.length > 0
        ? []
        : brokenIn(one.lb, async () => {
            await ending;
            await one.lb.untilAtRest(goalOf(one));
          }),
    ),
  );
  return Promise.all(
    crew.map(async (one, i) => {
      const broken = [...first[i]!, ...second[i]!];
      const name = `${one.topology} ${cancels ? 'cancel' : 'resize'}: at ${step} the leader ${fate.name}`;
      await goneOn(stage, one, { broken, to: goalOf(one) });
      return { name, broken };
    }),
  );
}
