import { beforeAll, expect, jest, test } from '@jest/globals';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import { startTrafficOn, useCluster, type WideTraffic } from '../support/cluster.ts';
import { HELD_GOALS, resizeHeldAt } from '../support/hold.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { nodesElsewhere, testUnless } from '../support/unless.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useCluster('operator');

/** One load balancer and the traffic at it, resized to and fro between its two flavors. */
interface Resized {
  lb: Subject;
  count: number;
  flavors: [string, string];
  traffic: WideTraffic;
}

/** A single one and a pair: whatever is done to the operator is done while both are resized. */
const all: Resized[] = [];

beforeAll(async () => {
  const members = await startMemberPods(scene.place());
  const make = async (name: string, count: number, flavors: [string, string]): Promise<Resized> => {
    const lb = new Subject(scene, name);
    await lb.create(httpSpec(members, PORT, { flavorId: flavors[0] }));
    await lb.untilAtRest(flavors[0], count);
    const options = { newConnections: 3, keepAlive: 3, slow: 1, downloads: 1, rate: 100, maxSeconds: 1800 };
    const traffic = await startTrafficOn(scene, scene.nodes.slice(0, 2), { url: `http://${await lb.host(PORT)}/`, ...options });
    await traffic.waitFor(200);
    return { lb, count, flavors, traffic };
  };
  all.push(...(await Promise.all([make('single', 1, ['test-small', 'test-large']), make('pair', 2, ['test-small-ha', 'test-large-ha'])])));
}, 300_000);

const unhurt = () => {
  const counts = all.flatMap(({ traffic }) => traffic.counts());
  expect(counts.map(verdictOf)).toEqual(counts.map(() => unharmed));
};

/** The flavor that isn't in force. */
async function other({ lb, flavors }: Resized): Promise<string> {
  const { flavorId } = (await lb.get()).status!;
  return flavors.find((flavor) => flavor !== flavorId)!;
}

/** Begins to resize both and has them wait at a goal; what it returns lets them go on, and what that returns waits until both have ended well. */
async function resizeBoth(goal: (typeof HELD_GOALS)[number]) {
  const resizes = await Promise.all(
    all.map(async (one) => {
      const to = await other(one);
      return { ...one, to, release: await resizeHeldAt(goal, one.lb, to) };
    }),
  );
  return {
    resizes,
    release: () => Promise.all(resizes.map(({ release }) => release())),
    async ended() {
      for (const { lb, to, count } of resizes) {
        const { status } = await lb.untilAtRest(to, count);
        expect(status?.operation).toMatchObject({ to, result: 'Succeeded', attempt: 1 });
      }
      unhurt();
    },
  };
}

test.each(HELD_GOALS)(
  'the operator is killed when resizes of a single one and a pair are at %s: another one ends them well',
  async (goal) => {
    const { release, ended } = await resizeBoth(goal);
    await Promise.all([scene.operator.kill(), release()]);
    await ended();
  },
);

test('the operator is killed right after the flavors are in force: another one clears the old amphorae away', async () => {
  const { resizes, release, ended } = await resizeBoth('Detached');
  await release();
  for (const { lb, to } of resizes) await lb.until((o) => expect(o.status?.flavorId).toBe(to));
  await scene.operator.kill();
  await ended();
});

const noSecondImage = nodesElsewhere && 'it needs a second image of the operator, which TEST_KUBECONFIG’s cluster may not have';

testUnless(noSecondImage, 'the chart is upgraded to another version in the middle of the resizes: they go on', async () => {
  const { release, ended } = await resizeBoth('Attached');
  await scene.install({ tag: 'next' });
  await release();
  await ended();
});

test('the chart is uninstalled: what serves goes on, and is taken over when the chart is installed again', async () => {
  const before = (await Promise.all(all.map(({ lb }) => lb.amphorae()))).flat().map((a) => a.metadata.name);
  await scene.operator.uninstall();
  for (const { traffic } of all) await traffic.waitFor(traffic.requests() + 1000);
  unhurt();
  await scene.install();
  const { release, ended } = await resizeBoth('Built');
  await release();
  await ended();
  const after = (await Promise.all(all.map(({ lb }) => lb.amphorae()))).flat().map((a) => a.metadata.name);
  for (const name of after) expect(before).not.toContain(name);
});
