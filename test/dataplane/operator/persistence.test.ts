import { expect, jest, test } from '@jest/globals';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { useScene } from '../../support/scene.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../../support/subject.ts';

jest.setTimeout(300_000);

const scene = useScene();

test.each([
  ['SOURCE_IP', { type: 'SOURCE_IP' }, { stickyBy: 'sourceAddress' as const }],
  ['HTTP_COOKIE', { type: 'HTTP_COOKIE' }, { stickyBy: 'cookie' as const }],
  ['APP_COOKIE', { type: 'APP_COOKIE', cookieName: 'JSESSIONID' }, { stickyBy: 'cookie' as const, stickyPath: '/session' }],
])('sticky clients stay where they were through a resize: %s', async (name, sessionPersistence, how) => {
  const lb = new Subject(scene, `sticky-${name.toLowerCase().replace('_', '-')}`);
  const spec = httpSpec(scene.members(), 8080) as { pools: Record<string, unknown>[] };
  spec.pools[0]!.sessionPersistence = sessionPersistence;
  await lb.create(spec);
  await lb.untilAtRest('small');
  const traffic = startTraffic({ url: `http://${await lb.host(8080)}/`, sticky: 30, rate: 300, ...how });
  await traffic.waitFor((counts) => counts.requests > 600);
  await lb.patch({ flavorId: 'large' });
  await lb.untilAtRest('large');
  await lb.patch({ flavorId: 'small' });
  await lb.untilAtRest('small');
  const counts = await traffic.stop();
  expect(verdictOf(counts)).toEqual(unharmed);
  expect(Object.keys(counts.byMember).length).toBeGreaterThan(1);
});
