import { beforeAll, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import { haproxyInfo, podsOf } from '../support/amphora-pod.ts';
import { startTrafficOn, useCluster, type WideTraffic } from '../support/cluster.ts';
import { HELD_GOALS, resizeHeldAt } from '../support/hold.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(600_000);

const PORT = 8080;
const REQUESTS = 200_000;
const scene = useCluster('changes');

/** A load balancer whose flavor is changed, under one traffic all the time, so that nothing between the changes goes unseen either. */
interface Changed {
  topology: string;
  suffix: string;
  amphorae: number;
  /** CPU of its amphorae when they are small and when they are large. */
  cpu: [string, string];
  lb: Subject;
  traffic: WideTraffic;
  resizes: number;
  cancelledAt: string[];
}

const all: Changed[] = [];
/** A single one and a pair go through each change at the same time. */
const both = <T>(change: (one: Changed) => Promise<T>): Promise<T[]> => Promise.all(all.map(change));
const flavor = (size: string, { suffix }: Changed) => `test-${size}${suffix}`;
const unhurt = ({ traffic }: Changed) => expect(traffic.counts().map(verdictOf)).toEqual(traffic.counts().map(() => unharmed));

beforeAll(async () => {
  const members = await startMemberPods(scene.place());
  const make = async (kind: Pick<Changed, 'topology' | 'suffix' | 'amphorae' | 'cpu'>): Promise<Changed> => {
    const lb = new Subject(scene, `web${kind.suffix}`);
    const flavorId = `test-small${kind.suffix}`;
    await lb.create(httpSpec(members, PORT, { flavorId }));
    await lb.untilAtRest(flavorId, kind.amphorae);
    const traffic = await startTrafficOn(scene, scene.nodes.slice(0, 2), {
      url: `http://${await lb.host(PORT)}/`,
      newConnections: 3,
      keepAlive: 6,
      slow: 2,
      slowMs: 800,
      downloads: 2,
      downloadBytes: 400_000,
      downloadSeconds: 3,
      rate: 400,
      checkClientAddress: true,
      maxSeconds: 1800,
    });
    await traffic.waitFor(1000);
    return { ...kind, lb, traffic, resizes: 0, cancelledAt: [] };
  };
  all.push(
    ...(await Promise.all([
      make({ topology: 'SINGLE', suffix: '', amphorae: 1, cpu: ['300m', '500m'] }),
      make({ topology: 'ACTIVE_STANDBY', suffix: '-ha', amphorae: 2, cpu: ['200m', '300m'] }),
    ])),
  );
}, 300_000);

/** The old amphorae may still drain when it resolves: that holds up nothing. */
async function resize(one: Changed, size: string): Promise<void> {
  const to = flavor(size, one);
  await one.lb.patch({ flavorId: to });
  await one.lb.until(({ status }) => {
    expect(status?.operation).toMatchObject({ kind: 'Resize', to, result: 'Succeeded' });
    expect(status?.flavorId).toBe(to);
  });
  one.resizes++;
  unhurt(one);
}

/** What Kubernetes limits the amphorae to, and what their HAProxies say that they have. */
async function sizes({ lb }: Changed) {
  const pods = (await podsOf(scene, `reflavor.dev/loadbalancer=${lb.name}`)).filter((pod) => !pod.metadata.deletionTimestamp);
  return Promise.all(
    pods.map(async ({ metadata, spec }) => {
      const [{ resources }] = spec.containers as [{ resources: { limits: { cpu: string; memory: string } } }];
      const { Nbthread, Maxconn } = await haproxyInfo(scene, metadata.name);
      return { ...resources.limits, threads: Number(Nbthread), roomForItsConnections: Number(Maxconn) };
    }),
  );
}

test('a resize fails no request, and the amphorae have what the flavor says', () =>
  both(async (one) => {
    const before = await sizes(one);
    await resize(one, 'large');
    await one.lb.untilAtRest(flavor('large', one), one.amphorae);
    const after = await sizes(one);
    expect(before).toHaveLength(one.amphorae);
    expect(after).toHaveLength(one.amphorae);
    for (const size of before) expect(size).toMatchObject({ cpu: one.cpu[0], memory: '64Mi', threads: 1 });
    for (const size of after) expect(size).toMatchObject({ cpu: one.cpu[1], memory: '128Mi', threads: 2 });
    for (const size of before) expect(size.roomForItsConnections).toBeLessThan(1500);
    for (const size of after) expect(size.roomForItsConnections).toBeGreaterThanOrEqual(4000);
  }));

test.each(HELD_GOALS)('a resize that is cancelled while it waits at %s fails no request', (goal) =>
  both(async (one) => {
    const { lb, amphorae } = one;
    const [small, large] = [flavor('small', one), flavor('large', one)];
    const end = await resizeHeldAt(goal, lb, small);
    await end({ flavorId: large });
    const after = await lb.untilAtRest(large, amphorae);
    // Shows the whole operation where it is another one, its cause with it.
    expect(after.status?.operation).toEqual(expect.objectContaining({ kind: 'Resize', to: small, result: 'Cancelled', step: goal }));
    one.cancelledAt.push(after.status!.operation!.step!);
    unhurt(one);
  }),
);

test.each([
  // Without a way to a registry nobody can know that there is no such image: pulling it is tried until the deadline. On a busy node the
  // kubelet takes its time to say that it failed.
  { size: 'absent', progressDeadlineSeconds: 45, reasons: /^Image(NotFound|PullFailed)$/, words: 'no-such-image' },
  { size: 'huge', progressDeadlineSeconds: 20, reasons: /^Unschedulable$/, words: 'Insufficient cpu' },
])('a resize to a flavor that is $size fails and says why, and fails no request', ({ size, progressDeadlineSeconds, reasons, words }) =>
  both(async (one) => {
    const { lb, amphorae } = one;
    const [flavorId, large] = [flavor(size, one), flavor('large', one)];
    await lb.patch({ flavorId, strategy: { progressDeadlineSeconds } });
    const failed = await lb.until((o) => expect(o.status).toMatchObject({ provisioningStatus: 'ERROR', failedFlavorId: flavorId }));
    expect(failed.status?.flavorId).toBe(large);
    expect(conditionOf(failed.status?.conditions, 'Available')?.status).toBe('True');
    const stalled = conditionOf(failed.status?.conditions, 'Stalled');
    expect(stalled?.message).toContain(words);
    expect(stalled?.reason).toMatch(reasons);
    expect(await lb.kubectl(['describe', 'lb', lb.name])).toContain(words);
    await lb.patch({ flavorId: large, strategy: { progressDeadlineSeconds: 600 } });
    await lb.untilAtRest(large, amphorae);
    unhurt(one);
  }),
);

test('nine resizes more, one after the other, fail no request', () =>
  both(async (one) => {
    for (const size of ['small', 'large', 'small', 'large', 'small', 'large', 'small', 'large', 'small']) await resize(one, size);
    await one.lb.untilAtRest(flavor('small', one), one.amphorae);
    unhurt(one);
  }));

test('nothing was lost in all these requests, slow downloads among them', () =>
  both(async (one) => {
    const { topology, traffic, resizes, cancelledAt } = one;
    const before = traffic.requests();
    await traffic.waitFor(REQUESTS);
    const counts = await traffic.stop();
    unhurt(one);
    expect(resizes).toBe(10);
    expect(cancelledAt).toEqual(HELD_GOALS);
    const sum = (of: (each: (typeof counts)[number]) => number) => counts.reduce((total, each) => total + of(each), 0);
    expect(sum((each) => each.requests)).toBeGreaterThanOrEqual(REQUESTS);
    expect(sum((each) => each.byKind.downloads.requests)).toBeGreaterThan(50);
    expect(Object.keys(counts[0]!.byMember)).toHaveLength(3);
    console.info(
      `${topology}: ${sum((each) => each.requests)} requests (${before} of them by the end of the last change) through 10 resizes, 2 that failed, and 5 cancelled at ${cancelledAt.join(', ')}: ${sum((each) => each.failed)} failed; p50 ${Math.max(...counts.map((each) => each.p50Ms))} ms, p99 ${Math.max(...counts.map((each) => each.p99Ms))} ms`,
    );
  }));
