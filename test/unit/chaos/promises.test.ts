import { expect, test } from '@jest/globals';
import { amphorae as amphoraeResource, loadBalancers } from '../../../src/controller/resources.ts';
import { settled } from '../../../src/provider/amphora/simulated/world.ts';
import { Planted } from '../../support/planted.ts';

/** For how long the spec must have had a port before everybody is to know of it. */
const LONG_MS = 31_000;

test.each(['SINGLE', 'ACTIVE_STANDBY'] as const)('a create and a resize of %s break no promise', async (topology) => {
  const planted = await Planted.running(topology);
  const { cluster } = planted;
  cluster.edit({ flavorId: 'b' });
  await cluster.until(() => planted.status.flavorId === 'b', 100_000);
  cluster.close();
  expect({ flavor: planted.status.flavorId, broken: planted.broken }).toEqual({ flavor: 'b', broken: [] });
});

type Violation = [promise: RegExp, plant: (planted: Planted) => void | Promise<void>];

const ofOne: Violation[] = [
  [/^the VIP of a load balancer that nobody deleted is released/, ({ cluster, uid }) => cluster.promises.onAct('releaseVip', { uid })],
  [
    /, the last that serves, is detached/,
    ({ cluster, uid, amphorae }) => cluster.promises.onAct('detach', { uid, amphora: amphorae[0]!.name }),
  ],
  [
    /^nothing serves any more/,
    ({ cluster, amphorae }) => {
      amphorae[0]!.attached = settled(false);
      cluster.promises.look();
    },
  ],
  [
    /^the VIP sends port 80 to .*, which does not listen on it/,
    async ({ cluster, amphorae }) => {
      await cluster.pass(LONG_MS);
      const { configuration, ...digests } = amphorae[0]!.loaded!.is!;
      amphorae[0]!.loaded = settled({ ...digests, configuration: { ...configuration, listeners: [] } });
      cluster.promises.look();
    },
  ],
  [
    /^port 80 is closed, though a listener has had it/,
    async ({ cluster, uid }) => {
      await cluster.pass(LONG_MS);
      cluster.promises.onAct('ensureVip', { uid, ports: [] });
    },
  ],
  [/^the load balancer is gone and left web-/, (planted) => planted.removeLoadBalancer()],
  [/^the load balancer is gone and left its VIP/, (planted) => planted.removeLoadBalancer()],
  [/^Reconciling and Stalled are both True/, (planted) => planted.claim('True', 'Reconciling', 'Stalled')],
  [
    /^Ready, with flavor a though b is wanted/,
    (planted) => {
      planted.cluster.edit({ flavorId: 'b' });
      planted.write({ observedGeneration: planted.cluster.loadBalancer!.metadata.generation });
    },
  ],
  [/^the topology changed to ACTIVE_STANDBY/, (planted) => planted.write({ topology: 'ACTIVE_STANDBY' })],
  [/^flavor b is in the status while .* of another serve/, (planted) => planted.write({ flavorId: 'b' })],
  [
    /^flavor b is in the status and none of it serves/,
    (planted) => {
      planted.amphorae[0]!.attached = settled(false);
      planted.write({ flavorId: 'b' });
    },
  ],
  [
    /^operation number 1 is given twice/,
    (planted) => planted.write({ operation: { ...planted.status.operation!, startedAt: '2020-01-01T00:00:00Z' } }),
  ],
  [
    /^operation number 2 comes after larger ones/,
    (planted) => {
      const { operation } = planted.status;
      planted.write({ operation: { ...operation!, number: 5 } });
      planted.write({ operation: { ...operation!, number: 2 } });
    },
  ],
  [
    /^a resize from b that was Failed left flavor a in force/,
    (planted) =>
      planted.write({ operation: { ...planted.status.operation!, number: 2, kind: 'Resize', from: 'b', to: 'c', result: 'Failed' } }),
  ],
  [/^an amphora of a disabled flavor is made/, (planted) => planted.makeAmphora('more', { flavorId: 'off' })],
  [
    /^an amphora of another topology is made/,
    (planted) =>
      planted.makeAmphora('more', { flavorData: { ...planted.objects[0]!.spec.flavorData, loadbalancerTopology: 'ACTIVE_STANDBY' } }),
  ],
  [/^two amphorae are both peer/, (planted) => planted.makeAmphora('more', { peer: planted.objects[0]!.spec.peer })],
  [/^Amphora .* is gone, and what it stood for is left/, (planted) => planted.removeObject()],
];

test.each(ofOne)('of one amphora, it is seen to be broken: %s', async (promise, plant) => {
  const planted = await Planted.atRest();
  await plant(planted);
  expect(planted.broken).toContainEqual(expect.stringMatching(promise));
});

const ofAPair: Violation[] = [
  [
    /is detached, and less than a pair is left/,
    ({ cluster, uid, amphorae }) => cluster.promises.onAct('detach', { uid, amphora: amphorae[1]!.name }),
  ],
  [
    /^less than a pair serves/,
    ({ cluster, amphorae }) => {
      amphorae.find(({ backup }) => backup)!.attached = settled(false);
      cluster.promises.look();
    },
  ],
  [
    /^less than a pair serves/,
    ({ cluster, amphorae }) => {
      for (const amphora of amphorae) amphora.backup = true;
      cluster.promises.look();
    },
  ],
];

test.each(ofAPair)('of a pair, it is seen to be broken: %s', async (promise, plant) => {
  const planted = await Planted.atRest('ACTIVE_STANDBY');
  await plant(planted);
  expect(planted.broken).toContainEqual(expect.stringMatching(promise));
});

test('what the world takes away, or somebody deletes, is no broken promise', async () => {
  const harmed = await Planted.atRest('ACTIVE_STANDBY');
  harmed.cluster.promises.harmed();
  harmed.cluster.amphorae.lose(harmed.amphorae[0]!.name);
  harmed.cluster.promises.look();
  expect(harmed.broken).toEqual([]);

  const deleted = await Planted.atRest('ACTIVE_STANDBY');
  const { cluster, amphorae, uid } = deleted;
  cluster.server.delete(amphoraeResource, deleted.objects[0]!.metadata);
  cluster.promises.look();
  cluster.promises.onAct('detach', { uid, amphora: amphorae[0]!.name });
  expect(deleted.broken).toEqual([]);
});

test('writing without an end is ended, and told of', async () => {
  const planted = await Planted.atRest();
  const { server } = planted.cluster;
  const write = (i: number) =>
    server.patchMerge(loadBalancers, planted.cluster.loadBalancer!.metadata, { metadata: { labels: { i: String(i) } } });
  expect(() => {
    for (let i = 0; i < 3000; i++) write(i);
  }).toThrow('too many changes at one moment');
  expect(planted.broken).toContainEqual(expect.stringMatching(/^it writes without an end/));
});
