import type { FaultClass, Schedule, Size } from './fault-class.ts';
import { Balancer, Broken } from './real/balancer.ts';
import { CHAPTERS, type Chapter, Life, type Topology } from './real/chapters.ts';
import { onStage } from './real/crew.ts';
import { armed, type KillPoint, KillPoints } from './real/kill-points.ts';
import { merged } from './real/merged.ts';
import type { Stage } from './real/stage.ts';

/** The operator's own process is killed at every request by which it writes, the moment before the API server has it and the moment after. */
export const operatorKilled: FaultClass = {
  name: 'operator killed at each write',
  fault:
    'The operator is killed (SIGKILL) right before and right after each of its writes to the API server (all but Events and Leases, which it never reads back), in creating, a resize, its cancel, a resize that fails before and after the old amphorae are out, a failover and deleting, and started again. One kill a schedule; of a pair, and where a resize fails late, one at every sixth write, from each of the first six on.',
  promises:
    'After each: the flavor that is asked for is in force on exactly the amphorae that it needs, objects and HAProxy processes, nothing is left over, and clients have lost no request, but for those that a broken amphora took with it until another served.',
  run: (size) =>
    onStage(async function* (stage) {
      await stage.operator.start();
      yield* merged(lives(stage, size));
    }),
};

type Points = Record<Chapter, KillPoints>;

/** What `make test` has time for. */
const fewPoints: Record<Topology, Partial<Record<Chapter, KillPoint[]>>> = {
  SINGLE: {
    create: [{ write: 4, side: 'after' }],
    resize: [{ write: 2, side: 'after' }],
    cancel: [{ write: 12, side: 'before' }],
    delete: [{ write: 2, side: 'before' }],
  },
  ACTIVE_STANDBY: {
    resize: [{ write: 14, side: 'before' }],
    failover: [{ write: 8, side: 'after' }],
  },
};

/** Several load balancers that live at the same time under one operator: whoever's turn it is to have it killed, it is killed for all. */
function lives(stage: Stage, size: Size): AsyncGenerator<Schedule>[] {
  const crew = size === 'full' ? ({ SINGLE: 3, ACTIVE_STANDBY: 2 } as const) : ({ SINGLE: 1, ACTIVE_STANDBY: 1 } as const);
  return (['SINGLE', 'ACTIVE_STANDBY'] as const).flatMap((topology) => {
    const manyPoints = (chapter: Chapter) => (topology === 'SINGLE' && chapter !== 'late failure' ? undefined : everySixth);
    const pointsOf = (chapter: Chapter) => new KillPoints(size === 'full' ? manyPoints(chapter) : (fewPoints[topology][chapter] ?? []));
    const points = Object.fromEntries(CHAPTERS.map((chapter) => [chapter, pointsOf(chapter)])) as Points;
    return Array.from({ length: crew[topology] }, () => livesOf(stage, topology, points));
  });
}

/**
 * Each write of a course, before it and after it, in twelve runs of it. One kill at a time would take too long of a pair, which writes three times
 * as much, and of a resize that fails late, which takes half a minute.
 */
const everySixth: KillPoint[] = [1, 2, 3, 4, 5, 6].flatMap((write) =>
  (['before', 'after'] as const).map((side): KillPoint => ({ write, side, every: 6 })),
);

/** One life after the other, until no point is left. */
async function* livesOf(stage: Stage, topology: Topology, points: Points): AsyncGenerator<Schedule> {
  while (CHAPTERS.some((chapter) => points[chapter].hasMore)) {
    const life = new Life(new Balancer(stage, await stage.newNamespace()), topology);
    try {
      for (const chapter of CHAPTERS) {
        const point = points[chapter].next();
        if (!point && chapter !== 'create' && chapter !== 'delete') continue;
        const { killed, ...schedule } = await lived(stage, life, chapter, point);
        if (point) points[chapter].led(killed);
        if (killed || schedule.broken.length > 0) yield schedule;
        if (schedule.broken.length > 0) break;
      }
    } finally {
      await life.lb.stopTraffic();
    }
  }
}

async function lived(stage: Stage, life: Life, chapter: Chapter, point: KillPoint | undefined): Promise<Schedule & { killed: boolean }> {
  const { namespace } = life.lb;
  const trap = point && armed(point, namespace, stage.operator);
  const disarm = trap && stage.proxy.interfere(trap.interference);
  const broken: string[] = [];
  try {
    await life.live(chapter);
    broken.push(...(await life.lb.wrongs()));
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    broken.push(error.message);
  } finally {
    disarm?.();
  }
  const killed = trap?.killedAt.length ?? 0;
  const often = killed > 1 ? `${killed} times, each ${point!.every} writes` : trap?.killedAt[0];
  const when = point ? `killed ${point.side} write ${point.write} (${often ?? 'not reached'})` : 'not killed for it';
  return { name: `${life.topology} ${chapter}, ${when}, in ${namespace}`, broken, killed: killed > 0 };
}
