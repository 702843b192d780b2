import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(400_000);

const PORT = 8080;
const scene = useCluster('loss');
let members: MemberPods;
let safe: string;
let doomed: string;

/** Members and clients stay on one node, and the operator with them, so that the other one can be lost. */
beforeAll(async () => {
  [safe, doomed] = scene.nodes as [string, string];
  await scene.install({ values: { nodeSelector: { 'kubernetes.io/hostname': safe } } });
  members = await startMemberPods(scene.place(safe));
}, 300_000);
afterEach(async () => void (await scene.kubectl(['uncordon', ...scene.nodes])));

async function loadBalancer(name: string, flavorId: string): Promise<Subject> {
  const lb = new Subject(scene, name);
  await lb.create(httpSpec(members, PORT, { flavorId }));
  return lb;
}

async function trafficAt(lb: Subject): Promise<Traffic> {
  const url = `http://${await lb.host(PORT)}/`;
  const traffic = await scene.traffic(
    {
      url,
      newConnections: 4,
      keepAlive: 4,
      rate: 200,
      timeoutMs: 2000,
      maxSeconds: 1200,
    },
    safe,
  );
  await traffic.waitFor(200);
  return traffic;
}

const podsOfLb = (lb: Subject) => podsOf(scene, `reflavor.dev/loadbalancer=${lb.name}`);
const seconds = (ms: number) => (ms / 1000).toFixed(1);

/** Puts all amphorae on one node: the other takes none while the load balancer is made or resized. */
async function onlyOn<T>(node: string, work: () => Promise<T>): Promise<T> {
  const others = scene.nodes.filter((name) => name !== node);
  await scene.kubectl(['cordon', ...others]);
  try {
    return await work();
  } finally {
    await scene.kubectl(['uncordon', ...others]);
  }
}

describe('what can’t be made', () => {
  test.each([
    { flavorId: 'test-absent', reasons: /^Image(NotFound|PullFailed)$/, words: 'no-such-image' },
    { flavorId: 'test-huge', reasons: /^Unschedulable$/, words: 'Insufficient cpu' },
    { flavorId: 'test-hungry', reasons: /^OOMKilled$/, words: 'memory' },
  ])('says so in kubectl describe: $flavorId', async ({ flavorId, reasons, words }) => {
    const lb = await loadBalancer(flavorId, flavorId);
    await eventually(
      async () => {
        const told = await lb.kubectl(['describe', 'lb', flavorId]);
        const amphorae = await lb.amphorae();
        expect(told).toContain(words);
        expect(amphorae.map((a) => conditionOf(a.status?.conditions, 'Ready')?.reason)).toContainEqual(expect.stringMatching(reasons));
      },
      { withinMs: 60_000 },
    );
    await lb.kubectl(['delete', 'lb', flavorId, '--timeout=60s']);
    expect(await podsOfLb(lb)).toEqual([]);
  });
});

test('an amphora whose pod is deleted is replaced by itself', async () => {
  const lb = await loadBalancer('deleted', 'test-small');
  await lb.untilAtRest('test-small');
  const traffic = await trafficAt(lb);
  const [before] = await lb.amphorae();
  await lb.kubectl(['delete', 'pod', before!.metadata.name, '--grace-period=1']);
  await lb.until(async () => expect((await lb.amphorae()).map((a) => a.metadata.name)).not.toContain(before!.metadata.name));
  await lb.untilAtRest('test-small');
  await traffic.waitFor(traffic.counts().requests + 500);
  const counts = await traffic.stop();
  console.info(
    `the pod of the only amphora was deleted: ${counts.failed} of ${counts.requests} requests failed, no answer for ${seconds(counts.longestGapMs)} s`,
  );
  await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
});

describe('kubectl drain', () => {
  test('of a node waits until the amphorae on it have been replaced, and no request fails', async () => {
    const [single, pair] = await onlyOn(doomed, async () => {
      const made = [await loadBalancer('drained', 'test-small'), await loadBalancer('drained-pair', 'test-small-ha')] as const;
      await made[0].untilAtRest('test-small');
      await made[1].untilAtRest('test-small-ha', 2);
      return made;
    });
    const traffic = [await trafficAt(single), await trafficAt(pair)];
    const [pod] = await podsOfLb(single);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod!.metadata.name, namespace: scene.namespace } };
    const path = `/api/v1/namespaces/${scene.namespace}/pods/${pod!.metadata.name}/eviction`;
    await expect(scene.kubectl(['create', `--raw=${path}`, '--filename=-'], { input: JSON.stringify(eviction) })).rejects.toThrow(
      /disruption budget/,
    );
    const startedAt = performance.now();
    const selector = 'app.kubernetes.io/managed-by=reflavor';
    await scene.kubectl(['drain', doomed, '--delete-emptydir-data', `--pod-selector=${selector}`, '--timeout=240s']);
    console.info(`kubectl drain of the node of three amphorae took ${seconds(performance.now() - startedAt)} s`);
    await single.untilAtRest('test-small');
    await pair.untilAtRest('test-small-ha', 2);
    const left = [...(await podsOfLb(single)), ...(await podsOfLb(pair))];
    expect(left.map((p) => p.spec.nodeName)).toEqual(left.map(() => safe));
    for (const one of traffic) {
      await one.waitFor(one.counts().requests + 300);
      expect(verdictOf(await one.stop())).toEqual(unharmed);
    }
    for (const lb of [single, pair]) await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  });
});

describe('a node that is cut off', () => {
  test('has its amphorae replaced on the other, and a pair with its active half there goes on', async () => {
    const { local } = scene;
    if (!local) return console.warn('not tried: this needs a cluster that runs on this machine');
    const single = await onlyOn(doomed, async () => {
      const lb = await loadBalancer('cut-off', 'test-small');
      await lb.untilAtRest('test-small');
      return lb;
    });
    const pair = await loadBalancer('cut-off-pair', 'test-small-ha');
    await pair.untilAtRest('test-small-ha', 2);
    await eventually(
      async () => {
        // Where the active half came to be is chance; a failover makes another.
        const active = (await podsOfLb(pair)).find((p) => p.metadata.labels?.['reflavor.dev/role'] === 'MASTER');
        if (active?.spec.nodeName === doomed) return;
        await pair.annotate('failover', `${performance.now()}`);
        await pair.until((o) => expect(o.status?.operation?.kind).toBe('Failover'));
        await pair.untilAtRest('test-small-ha', 2);
        throw new Error('the active half is on the other node');
      },
      { withinMs: 240_000 },
    );
    const [singleTraffic, pairTraffic] = [await trafficAt(single), await trafficAt(pair)];

    const cutAt = performance.now();
    await local.cutOff(doomed);
    try {
      await eventually(
        async () =>
          expect(await scene.kubectl(['get', 'node', doomed, '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'])).toBe(
            'Unknown',
          ),
        { withinMs: 120_000, everyMs: 200 },
      );
      const noticedMs = performance.now() - cutAt;
      const answered = async (traffic: Traffic) =>
        eventually(
          async () => {
            const { requests, failed } = traffic.counts();
            expect((await traffic.waitFor(requests + 200)).failed).toBe(failed);
            return performance.now() - cutAt;
          },
          { withinMs: 120_000 },
        );
      const pairMs = await answered(pairTraffic);
      const singleMs = await answered(singleTraffic);
      await single.untilAtRest('test-small', 1, 180_000);
      await pair.untilAtRest('test-small-ha', 2, 180_000);
      console.info(
        `a node was cut off: Kubernetes saw it after ${seconds(noticedMs)} s; a pair whose active half was there gave no answer for ${seconds(pairTraffic.counts().longestGapMs)} s (all well after ${seconds(pairMs)} s), one amphora for ${seconds(singleTraffic.counts().longestGapMs)} s (after ${seconds(singleMs)} s)`,
      );
      const all = [...(await podsOfLb(single)), ...(await podsOfLb(pair))].filter((p) => p.spec.nodeName === safe);
      expect(all).toHaveLength(3);
    } finally {
      await local.rejoin(doomed);
    }
    await eventually(
      async () =>
        expect(await scene.kubectl(['get', 'node', doomed, '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'])).toBe('True'),
      { withinMs: 120_000, everyMs: 500 },
    );
    // What was left there goes once the node can be asked to.
    await eventually(async () => expect(await podsOfLb(single)).toHaveLength(1), { withinMs: 120_000, everyMs: 500 });
  });
});
