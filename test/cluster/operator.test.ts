import { beforeAll, expect, jest, test } from '@jest/globals';
import type { Goal } from '../../src/api/index.ts';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import { startTrafficOn, useCluster, type WideTraffic } from '../support/cluster.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useCluster('operator');
let lb: Subject;
let traffic: WideTraffic;
const unhurt = () => expect(traffic.counts().map(verdictOf)).toEqual(traffic.counts().map(() => unharmed));
const other = { 'test-small': 'test-large', 'test-large': 'test-small' } as Record<string, string>;

beforeAll(async () => {
  lb = new Subject(scene, 'web');
  const members = await startMemberPods(scene.place());
  await lb.create(httpSpec(members, PORT, { flavorId: 'test-small' }));
  await lb.untilAtRest('test-small');
  traffic = await startTrafficOn(scene, scene.nodes.slice(0, 2), {
    url: `http://${await lb.host(PORT)}/`,
    newConnections: 3,
    keepAlive: 3,
    slow: 1,
    downloads: 1,
    rate: 300,
    maxSeconds: 1800,
  });
  await traffic.waitFor(500);
}, 300_000);

/** Begins a resize to the flavor that isn't in force, and resolves with it once that goal, or one after it, is worked on. */
async function resizeAsFarAs(goal: Goal): Promise<string> {
  const to = other[(await lb.get()).status!.flavorId!]!;
  await lb.patch({ flavorId: to });
  await lb.until((o) => {
    expect(o.status?.operation?.to).toBe(to);
    expect(goals.indexOf(o.status?.operation?.step ?? 'Accepted')).toBeGreaterThanOrEqual(goals.indexOf(goal));
  });
  return to;
}
const goals: Goal[] = ['Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed'];

test.each(goals.slice(0, -1))('the operator is killed when a resize has come to %s: another one ends it well', async (goal) => {
  const to = await resizeAsFarAs(goal);
  await scene.operator.kill();
  await lb.untilAtRest(to);
  expect((await lb.get()).status?.operation).toMatchObject({ to, result: 'Succeeded', attempt: 1 });
  unhurt();
});

test('the operator is killed right after the flavor is in force: another one clears the old amphora away', async () => {
  const to = other[(await lb.get()).status!.flavorId!]!;
  await lb.patch({ flavorId: to });
  await lb.until((o) => expect(o.status?.flavorId).toBe(to));
  await scene.operator.kill();
  await lb.untilAtRest(to);
  unhurt();
});

test('the chart is upgraded to another version in the middle of a resize: it goes on', async () => {
  if (!scene.local) return console.warn('not tried: this needs a second image of the operator, which the cluster on this machine has');
  const to = await resizeAsFarAs('Attached');
  await scene.install({ tag: 'next' });
  await lb.untilAtRest(to);
  expect((await lb.get()).status?.operation).toMatchObject({ to, result: 'Succeeded', attempt: 1 });
  unhurt();
});

test('the chart is uninstalled: what serves goes on, and is taken over when the chart is installed again', async () => {
  const [before] = await lb.amphorae();
  await scene.operator.uninstall();
  await traffic.waitFor(traffic.requests() + 2000);
  unhurt();
  await scene.install();
  const to = await resizeAsFarAs('Built');
  await lb.untilAtRest(to);
  expect((await lb.amphorae()).map((a) => a.metadata.name)).not.toContain(before!.metadata.name);
  unhurt();
});
