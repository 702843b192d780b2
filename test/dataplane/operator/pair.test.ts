import { expect, jest, test } from '@jest/globals';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { useScene } from '../../support/scene.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../../support/subject.ts';

jest.setTimeout(300_000);

const scene = useScene();

test('a pair is resized without a failed request, and is never less than a pair', async () => {
  const lb = new Subject(scene, 'pair');
  await lb.create(httpSpec(scene.members(), 8080, { flavorId: 'small-ha' }));
  await lb.untilAtRest('small-ha', 2);
  const traffic = startTraffic({
    url: `http://${await lb.host(8080)}/`,
    newConnections: 6,
    keepAlive: 6,
    downloads: 2,
    rate: 500,
    checkClientAddress: true,
  });
  await traffic.waitFor(1000);
  await lb.patch({ flavorId: 'large-ha' });
  let fewest = 2;
  await lb.until((o) => {
    fewest = Math.min(
      fewest,
      (o.status?.amphorae ?? []).filter((a) => a.ready && (a.traffic === 'Carries' || a.traffic === 'Standby')).length,
    );
    expect(o.status?.flavorId).toBe('large-ha');
  });
  expect(fewest).toBe(2);
  await lb.untilAtRest('large-ha', 2);
  expect(verdictOf(await traffic.stop())).toEqual(unharmed);
});

test('a pair whose active amphora is killed is a pair again by itself', async () => {
  const lb = new Subject(scene, 'pair');
  const before = await lb.amphorae();
  const active = before.find((a) => a.spec.role === 'MASTER')!;
  await scene.stack.kubectl(['delete', 'amp', active.metadata.name, '--wait=false']);
  await lb.until(async () => expect((await lb.amphorae()).map((a) => a.metadata.name)).not.toContain(active.metadata.name));
  await lb.untilAtRest('large-ha', 2);
  expect((await lb.amphorae()).map((a) => a.spec.role).sort()).toEqual(['BACKUP', 'MASTER']);
});
