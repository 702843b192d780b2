import { expect, jest, test } from '@jest/globals';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { useScene } from '../../support/scene.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../../support/subject.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useScene();

const flavor = (name: string, maxConnections: number) => [
  { apiVersion: 'reflavor.dev/v1alpha1', kind: 'FlavorProfile', metadata: { name }, spec: { flavorData: { maxConnections } } },
  { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name }, spec: { flavorProfile: name } },
];

test('clients that wait at an amphora at its connection limit are answered, though it is being replaced', async () => {
  const lb = new Subject(scene, 'full');
  await lb.apply(...flavor('tiny', 20), ...flavor('wide', 500));
  await lb.create(httpSpec(scene.members(), PORT, { flavorId: 'tiny' }));
  await lb.untilAtRest('tiny');

  const url = `http://${await lb.host(PORT)}/`;
  const traffic = startTraffic({ url, held: 60, holdMs: 3000, newConnections: 20, timeoutMs: 60_000 });
  await traffic.waitFor((counts) => counts.inFlight >= 80);
  await lb.until((o) => expect(o.status?.amphorae?.[0]?.connections).toBeGreaterThanOrEqual(20));

  await lb.patch({ flavorId: 'wide' });
  await lb.untilAtRest('wide');
  const counts = await traffic.stop();
  expect(verdictOf(counts)).toEqual(unharmed);
  expect(counts.byKind.held.requests).toBeGreaterThanOrEqual(60);
});
