import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf, GOALS, type Goal } from '../../src/api/index.ts';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import { haproxyInfo, podsOf } from '../support/amphora-pod.ts';
import { startTrafficOn, useCluster, type WideTraffic } from '../support/cluster.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(900_000);

const PORT = 8080;

/** All changes of a topology happen under one traffic, so that nothing between them goes unseen either. */
describe.each([
  { topology: 'SINGLE', suffix: '', amphorae: 1, REQUESTS: 200_000 },
  { topology: 'ACTIVE_STANDBY', suffix: '-ha', amphorae: 2, REQUESTS: 200_000 },
])('$topology', ({ topology, suffix, amphorae, REQUESTS }) => {
  const [small, large, absent, huge] = ['small', 'large', 'absent', 'huge'].map((size) => `test-${size}${suffix}`) as [
    string,
    string,
    string,
    string,
  ];
  const scene = useCluster(`changes${suffix}`);
  let lb: Subject;
  let traffic: WideTraffic;
  let resizes = 0;
  const cancelledAt: string[] = [];
  const unhurt = () => expect(traffic.counts().map(verdictOf)).toEqual(traffic.counts().map(() => unharmed));

  beforeAll(async () => {
    lb = new Subject(scene, 'web');
    const members = await startMemberPods(scene.place());
    await lb.create(httpSpec(members, PORT, { flavorId: small }));
    await lb.untilAtRest(small, amphorae);
    traffic = await startTrafficOn(scene, scene.nodes.slice(0, 2), {
      url: `http://${await lb.host(PORT)}/`,
      newConnections: 4,
      keepAlive: 4,
      slow: 2,
      slowMs: 800,
      downloads: 2,
      downloadBytes: 400_000,
      downloadSeconds: 3,
      checkClientAddress: true,
      maxSeconds: 1800,
    });
    await traffic.waitFor(1000);
  }, 300_000);

  async function resize(flavorId: string): Promise<void> {
    await lb.patch({ flavorId });
    await lb.untilAtRest(flavorId, amphorae);
    resizes++;
    unhurt();
  }

  /** What Kubernetes limits the amphorae to, and what their HAProxies say that they have. */
  async function sizes() {
    const pods = (await podsOf(scene)).filter((pod) => !pod.metadata.deletionTimestamp);
    return Promise.all(
      pods.map(async ({ metadata, spec }) => {
        const [{ resources }] = spec.containers as [{ resources: { limits: { cpu: string; memory: string } } }];
        const { Nbthread, Maxconn } = await haproxyInfo(scene, metadata.name);
        return { ...resources.limits, threads: Number(Nbthread), roomForItsConnections: Number(Maxconn) };
      }),
    );
  }

  test('a resize fails no request, and the amphorae have what the flavor says', async () => {
    const before = await sizes();
    await resize(large);
    const after = await sizes();
    const [smallCpu, largeCpu] = suffix ? ['200m', '300m'] : ['300m', '500m'];
    expect(before).toHaveLength(amphorae);
    expect(after).toHaveLength(amphorae);
    for (const size of before) expect(size).toMatchObject({ cpu: smallCpu, memory: '64Mi', threads: 1 });
    for (const size of after) expect(size).toMatchObject({ cpu: largeCpu, memory: '128Mi', threads: 2 });
    for (const size of before) expect(size.roomForItsConnections).toBeLessThan(1500);
    for (const size of after) expect(size.roomForItsConnections).toBeGreaterThanOrEqual(4000);
  });

  /** Begins a resize, and resolves once that goal, or what follows it, is worked on. */
  async function resizeAsFarAs(goal: Goal): Promise<void> {
    const { number } = (await lb.get()).status!.operation!;
    await lb.patch({ flavorId: small });
    await lb.until(({ status }) => {
      expect(status?.operation?.number).toBeGreaterThan(number);
      expect(GOALS.indexOf(status?.operation?.step ?? 'Accepted')).toBeGreaterThanOrEqual(GOALS.indexOf(goal));
    });
  }

  async function cancel(): Promise<void> {
    await lb.patch({ flavorId: large });
    const after = await lb.untilAtRest(large, amphorae);
    expect(after.status?.operation).toMatchObject({ to: small, result: 'Cancelled' });
    cancelledAt.push(after.status?.operation?.step ?? '');
    unhurt();
  }

  test.each<Goal>(['Built', 'Configured', 'Verified', 'Attached', 'Detached'])(
    'a resize that is cancelled when %s is worked on, or what follows it, fails no request',
    async (goal) => {
      await resizeAsFarAs(goal);
      await cancel();
    },
  );

  test.each([
    // Without a way to a registry nobody can know that there is no such image: pulling it is tried until the deadline.
    { flavorId: absent, reasons: /^Image(NotFound|PullFailed)$/, words: 'no-such-image' },
    { flavorId: huge, reasons: /^Unschedulable$/, words: 'Insufficient cpu' },
  ])('a resize to $flavorId fails and says why, and fails no request', async ({ flavorId, reasons, words }) => {
    await lb.patch({ flavorId, strategy: { progressDeadlineSeconds: 10 } });
    const failed = await lb.until((o) => expect(o.status).toMatchObject({ provisioningStatus: 'ERROR', failedFlavorId: flavorId }));
    expect(failed.status?.flavorId).toBe(large);
    expect(conditionOf(failed.status?.conditions, 'Available')?.status).toBe('True');
    const stalled = conditionOf(failed.status?.conditions, 'Stalled');
    expect(stalled?.message).toContain(words);
    expect(stalled?.reason).toMatch(reasons);
    expect(await lb.kubectl(['describe', 'lb', 'web'])).toContain(words);
    await lb.patch({ flavorId: large, strategy: { progressDeadlineSeconds: 600 } });
    await lb.untilAtRest(large, amphorae);
    unhurt();
  });

  test('nine resizes more, one after the other, fail no request', async () => {
    for (const flavorId of [small, large, small, large, small, large, small, large, small]) await resize(flavorId);
  });

  test('nothing was lost in all these requests, slow downloads among them', async () => {
    const before = traffic.requests();
    await traffic.waitFor(REQUESTS);
    const all = await traffic.stop();
    unhurt();
    expect(resizes).toBe(10);
    const sum = (of: (counts: (typeof all)[number]) => number) => all.reduce((total, counts) => total + of(counts), 0);
    expect(sum((counts) => counts.requests)).toBeGreaterThanOrEqual(REQUESTS);
    expect(sum((counts) => counts.byKind.downloads.requests)).toBeGreaterThan(50);
    expect(Object.keys(all[0]!.byMember)).toHaveLength(3);
    console.info(
      `${topology}: ${sum((counts) => counts.requests)} requests (${before} of them by the end of the last change) through 10 resizes, 2 that failed, and 5 cancelled at ${cancelledAt.join(', ')}: ${sum((counts) => counts.failed)} failed; p50 ${Math.max(...all.map((counts) => counts.p50Ms))} ms, p99 ${Math.max(...all.map((counts) => counts.p99Ms))} ms`,
    );
  });
});
