import { expect, test } from '@jest/globals';
import { comesToRest, unrest } from '../../../chaos/memory/rest.ts';
import type { Topology } from '../../../src/api/index.ts';
import { amphorae, loadBalancers } from '../../../src/controller/resources.ts';
import { settled } from '../../../src/provider/amphora/simulated/world.ts';
import { Planted } from '../../support/planted.ts';

test.each(['SINGLE', 'ACTIVE_STANDBY'] as const)('%s as the operator left it is at rest', async (topology) => {
  expect(unrest((await Planted.atRest(topology)).cluster)).toEqual([]);
});

type Unrest = [what: RegExp, plant: (planted: Planted) => void];

/** What the first amphora has loaded, changed. */
function load(planted: Planted, changes: object): void {
  const [first] = planted.amphorae;
  const { configuration, ...digests } = first!.loaded!.is!;
  first!.loaded = settled({ ...digests, configuration: { ...configuration, ...changes } });
}

const ofOne: Unrest[] = [
  [
    /^no load balancer, and Amphora objects web/,
    (planted) => {
      // Of another's, whom the garbage collector spares.
      planted.cluster.server.patchMerge(amphorae, planted.objects[0]!.metadata, { metadata: { ownerReferences: null } });
      planted.removeLoadBalancer();
    },
  ],
  [/^it is being deleted still/, ({ cluster }) => cluster.deleteLoadBalancer()],
  [/^a failover was asked for, and is not begun/, ({ cluster }) => cluster.request('failover')],
  [
    /^operation 1 \(Create to a\) goes on/,
    (planted) => planted.write({ operation: { ...planted.status.operation!, finishedAt: undefined } }),
  ],
  [/^the present generation is not observed/, (planted) => planted.write({ observedGeneration: 0 })],
  [/^Ready is False/, (planted) => planted.claim('False', 'Ready')],
  [/^Amphora objects , amphorae web/, (planted) => planted.removeObject()],
  [/^no flavor is in force, and there are web/, (planted) => planted.write({ flavorId: undefined })],
  [
    /^1 are to serve, {2}do, web/,
    (planted) => {
      planted.amphorae[0]!.attached = settled(false);
    },
  ],
  [
    /^flavor a is in force, and web.* are of another/,
    (planted) => {
      planted.amphorae[0]!.flavorId = 'b';
    },
  ],
  [
    /^the VIP serves , listeners have 80/,
    ({ cluster, uid }) => {
      cluster.amphorae.vip(uid)!.ports = settled<number[]>([]);
    },
  ],
  [/ listens on , listeners have 80/, (planted) => load(planted, { listeners: [] })],
  [/ has members , the spec 10.1.0.1/, (planted) => load(planted, { pools: [] })],
  [/^the status says nothing of its amphorae, and it is web-.* a Carries true/, (planted) => planted.write({ amphorae: [] })],
  ...(['traffic', 'ready', 'flavorId'] as const).map((field): Unrest => {
    const untrue = { traffic: 'NotYet', ready: false, flavorId: 'b' };
    return [
      /^the status says web-.* of its amphorae, and it is web/,
      (planted) => planted.write({ amphorae: planted.status.amphorae!.map((line) => ({ ...line, [field]: untrue[field] })) }),
    ];
  }),
  [/^Available is not True/, (planted) => planted.claim('False', 'Available')],
];

const ofAPair: Unrest[] = [
  [
    /^2 are to serve, web-\S+ do/,
    (planted) => {
      planted.amphorae[1]!.attached = settled(false);
    },
  ],
  [
    /^a pair does not have one standby/,
    (planted) => {
      for (const amphora of planted.amphorae) amphora.backup = false;
    },
  ],
  [
    /^the status says .* of its amphorae, and it is/,
    (planted) => planted.write({ amphorae: planted.status.amphorae!.map((line) => ({ ...line, traffic: 'Carries' })) }),
  ],
];

const all = [...ofOne.map((one) => ['SINGLE', ...one] as const), ...ofAPair.map((one) => ['ACTIVE_STANDBY', ...one] as const)];
test.each(all)('of %s it is seen: %s', async (topology: Topology, what, plant) => {
  const planted = await Planted.atRest(topology);
  plant(planted);
  expect(unrest(planted.cluster)).toContainEqual(expect.stringMatching(what));
});

test('what never comes to rest, and what is written again and again, is told of', async () => {
  const restless = await Planted.atRest();
  restless.claim('False', 'Available');
  expect(await comesToRest(restless.cluster, 10_000)).toEqual(['it does not come to rest: Available is not True']);

  const written = await Planted.atRest();
  const { cluster } = written;
  const again = () => {
    const labels = { at: String(cluster.clock.monotonic()) };
    cluster.server.patchMerge(loadBalancers, cluster.loadBalancer!.metadata, { metadata: { labels, resourceVersion: undefined } });
    cluster.clock.setTimer(10_000, again);
  };
  again();
  expect(await comesToRest(cluster, 10_000)).toEqual(['the load balancer web is written again and again, though nothing changes']);

  const left = await Planted.atRest();
  left.cluster.clock.setTimer(30_000, () => left.claim('False', 'Available'));
  expect(await comesToRest(left.cluster, 10_000)).toContain('it does not stay at rest: Available is not True');
});
