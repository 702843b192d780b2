import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../../src/api/index.ts';
import { startTraffic, type Traffic } from '../../../tools/traffic/traffic.ts';
import { useScene } from '../../support/scene.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../../support/subject.ts';

jest.setTimeout(600_000);

const PORT = 8080;
const REQUESTS = 100_000;
const scene = useScene();
let lb: Subject;
let traffic: Traffic;

/** All of these run under one traffic, so that nothing between them goes unseen either. */
beforeAll(async () => {
  lb = new Subject(scene, 'web');
  await lb.create(httpSpec(scene.members(), PORT));
  await lb.untilAtRest('small');
  const url = `http://${await lb.host(PORT)}/`;
  traffic = startTraffic({
    url,
    newConnections: 8,
    keepAlive: 8,
    slow: 3,
    slowMs: 800,
    downloads: 3,
    downloadBytes: 400_000,
    downloadSeconds: 3,
    checkClientAddress: true,
    maxSeconds: 900,
  });
  await traffic.waitFor(1000);
}, 180_000);
afterAll(() => traffic?.stop().then(() => {}));

test('a resize fails no request', async () => {
  await lb.patch({ flavorId: 'large' });
  await lb.untilAtRest('large');
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test.each(['Built', 'Attached', 'Detached'])('a resize that is cancelled at %s fails no request', async (goal) => {
  await lb.patch({ flavorId: 'small' });
  await lb.until((o) => expect(o.status?.operation).toMatchObject({ to: 'small', step: goal }));
  await lb.patch({ flavorId: 'large' });
  const after = await lb.untilAtRest('large');
  expect(after.status?.operation).toMatchObject({ to: 'small', result: 'Cancelled' });
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test('a resize to a flavor that cannot boot fails no request, and nor does giving it up', async () => {
  await lb.apply(
    {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'FlavorProfile',
      metadata: { name: 'absent' },
      spec: { flavorData: { ampImageTag: 'absent' } },
    },
    { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name: 'absent' }, spec: { flavorProfile: 'absent' } },
  );
  await lb.patch({ flavorId: 'absent' });
  const failed = await lb.until((o) => expect(o.status?.provisioningStatus).toBe('ERROR'));
  expect(failed.status?.flavorId).toBe('large');
  expect(conditionOf(failed.status?.conditions, 'Stalled')?.reason).toBe('ImageNotFound');
  await lb.patch({ flavorId: 'large' });
  await lb.untilAtRest('large');
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test('a resize back fails no request', async () => {
  await lb.patch({ flavorId: 'small' });
  await lb.untilAtRest('small');
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test('a failover that is asked for fails no request', async () => {
  const [before] = await lb.amphorae();
  await lb.annotate('failover', 'please');
  await lb.until(async () => expect((await lb.amphorae()).map((a) => a.metadata.name)).not.toContain(before!.metadata.name));
  await lb.untilAtRest('small');
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test('an operator that is killed in the middle of a resize and started again fails no request', async () => {
  await lb.patch({ flavorId: 'large' });
  await lb.until((o) => expect(o.status?.operation).toMatchObject({ to: 'large', step: 'Detached' }));
  await scene.stack.stopOperator('SIGKILL');
  await scene.stack.startOperator();
  await lb.untilAtRest('large');
  expect(verdictOf(traffic.counts())).toEqual(unharmed);
});

test('nothing was lost in 100,000 requests, slow downloads among them', async () => {
  const counts = await traffic.waitFor(REQUESTS).then(() => traffic.stop());
  expect(verdictOf(counts)).toEqual(unharmed);
  expect(counts.requests).toBeGreaterThanOrEqual(REQUESTS);
  expect(counts.byKind.downloads.requests).toBeGreaterThan(20);
  expect(Object.keys(counts.byMember).sort()).toEqual(['member-1', 'member-2', 'member-3']);
  console.info(
    `${counts.requests} requests through 6 changes of flavor, ${counts.failed} failed; p50 ${counts.p50Ms} ms, p99 ${counts.p99Ms} ms`,
  );
});
