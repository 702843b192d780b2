import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject } from '../support/subject.ts';
import { nodesElsewhere, testUnless } from '../support/unless.ts';

jest.setTimeout(400_000);

const PORT = 8080;
/** A taint of nodes that are to be given no amphora. */
const FULL = 'test.example.org/full';
/** Members and clients stay on one node, and the operator with them, so that the other one can be lost. */
const scene = useCluster('loss', { chart: ({ nodes }) => ({ values: { nodeSelector: { 'kubernetes.io/hostname': nodes[0] } } }) });
let members: MemberPods;
let safe: string;
let doomed: string;

beforeAll(async () => {
  [safe, doomed] = scene.nodes as [string, string];
  members = await startMemberPods(scene.place(safe));
}, 300_000);

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

/** Puts all amphorae that are made meanwhile on one node. The taint on the others drives nothing away, as a cordon has the operator do. */
async function onlyOn<T>(node: string, work: () => Promise<T>): Promise<T> {
  const others = scene.nodes.filter((name) => name !== node);
  await scene.kubectl(['taint', 'node', ...others, `${FULL}=:NoSchedule`]);
  try {
    return await work();
  } finally {
    await scene.kubectl(['taint', 'node', ...others, `${FULL}-`]);
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

describe('an amphora that serves and needs more memory than its flavor has', () => {
  /**
   * Connections whose requests don't end, each of which takes HAProxy a buffer of 16 KiB. Tells how many were cut within five seconds, and how many were
   * spared though they were open when the first was cut: others may be late, and reach one that was started again.
   */
  async function press(lb: Subject, connections: number): Promise<{ cut: number; spared: number }> {
    const [member] = await members.members();
    const [host, port] = (await lb.host(PORT)).split(':');
    const program = `
      const open = new Set();
      let struck;
      let cut = 0;
      for (let i = 0; i < ${connections}; i++) {
        const socket = require('node:net').connect(${port}, '${host}');
        socket.on('connect', () => {
          open.add(socket);
          socket.write('GET / HTTP/1.1\\r\\nx-long: ' + 'x'.repeat(12000));
        });
        socket.on('error', () => {});
        socket.on('close', () => {
          struck ??= [...open];
          open.delete(socket);
          cut++;
        });
      }
      setTimeout(() => {
        console.log(JSON.stringify({ cut, spared: (struck ?? []).filter((socket) => open.has(socket)).length }));
        process.exit();
      }, 5000);`;
    return JSON.parse(await lb.kubectl(['exec', member!.name, '--', 'node', '--eval', program]));
  }

  test('says so, comes back, and is helped by a flavor with room for its connections', async () => {
    const tight = { threads: 1, maxConnections: 4000, compute: { cpu: '200m', memory: '32Mi' } };
    const lb = new Subject(scene, 'tight');
    await lb.apply(
      { apiVersion: 'reflavor.dev/v1alpha1', kind: 'FlavorProfile', metadata: { name: 'test-tight' }, spec: { flavorData: tight } },
      { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name: 'test-tight' }, spec: { flavorProfile: 'test-tight' } },
    );
    await lb.create(httpSpec(members, PORT, { flavorId: 'test-tight' }));
    await lb.untilAtRest('test-tight');
    /** Of the pods that stay: one that has drained is there for some seconds more. */
    const restarts = async () => {
      const staying = (await podsOfLb(lb)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      return staying.map(({ status }) => status?.containerStatuses?.[0]?.restartCount);
    };
    const back = async (times: number) => {
      await lb.until(async () => expect(await restarts()).toEqual([times]));
      await lb.untilAtRest('test-tight');
    };
    const kill = async () => {
      const { cut, spared } = await press(lb, 3000);
      expect(cut).toBeGreaterThan(0);
      expect(spared).toBe(0);
    };
    await kill();
    await back(1);
    // Kubelet starts it again at once the first time, and after ten seconds the second: by then everybody has been told.
    await kill();
    const down = await lb.until((o) => expect(conditionOf(o.status?.conditions, 'Ready')?.reason).toBe('OOMKilled'));
    expect(conditionOf(down.status?.conditions, 'Ready')?.message).toMatch(
      /Waiting for amphora tight-.* to serve: HAProxy needed more memory than its flavor has/,
    );
    expect((await lb.amphorae()).map((a) => conditionOf(a.status?.conditions, 'Ready')?.reason)).toEqual(['OOMKilled']);
    await back(2);
    expect(await lb.kubectl(['describe', 'lb', lb.name])).toMatch(
      /Warning +AmphoraRestarted .* was started again: HAProxy needed more memory/,
    );

    await lb.patch({ flavorId: 'test-small' });
    await lb.untilAtRest('test-small');
    await press(lb, 3000);
    expect(await restarts()).toEqual([0]);
    await lb.untilAtRest('test-small');
    await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  });
});

describe('a node that is cut off', () => {
  const cutOff = async (work: () => Promise<void>) => {
    await scene.local!.cutOff(doomed);
    try {
      await work();
    } finally {
      await scene.local!.rejoin(doomed);
      await untilReady('True');
    }
  };
  const untilReady = (status: string) =>
    eventually(
      async () =>
        expect(await scene.kubectl(['get', 'node', doomed, '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'])).toBe(status),
      { withinMs: 120_000, everyMs: 200 },
    );
  /** Resolves once an amphora of it is lost for this reason, and the failover that follows says so. */
  const isLost = (lb: Subject, reason: string, words: RegExp) =>
    lb.until(async ({ status }) => {
      const losses = (await lb.amphorae()).map((a) => conditionOf(a.status?.conditions, 'Lost'));
      expect(losses).toContainEqual(expect.objectContaining({ status: 'True', reason, message: expect.stringMatching(words) }));
      expect(status?.operation).toMatchObject({
        kind: 'Failover',
        cause: { reason: 'AmphoraLost', message: expect.stringMatching(words) },
      });
    });

  testUnless(nodesElsewhere, 'has its amphorae replaced on the other, and a pair with its active half there goes on', async () => {
    const [single, pair] = await onlyOn(doomed, async () => {
      const made = [await loadBalancer('cut-off', 'test-small'), await loadBalancer('cut-off-pair', 'test-small-ha')] as const;
      await made[0].untilAtRest('test-small');
      await made[1].untilAtRest('test-small-ha', 2);
      return made;
    });
    // The standby alone is made anew, on the other node.
    await onlyOn(safe, async () => {
      const [standby] = await podsOf(scene, `reflavor.dev/loadbalancer=${pair.name},reflavor.dev/role=BACKUP`);
      await pair.kubectl(['delete', 'pod', standby!.metadata.name, '--grace-period=1']);
      await pair.until(({ status }) => expect(status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' }));
      await pair.untilAtRest('test-small-ha', 2);
    });
    expect(
      Object.fromEntries((await podsOfLb(pair)).map(({ metadata, spec }) => [metadata.labels?.['reflavor.dev/role'], spec.nodeName])),
    ).toEqual({
      MASTER: doomed,
      BACKUP: safe,
    });
    const [singleTraffic, pairTraffic] = [await trafficAt(single), await trafficAt(pair)];

    const cutAt = performance.now();
    await cutOff(async () => {
      const sinceCut = () => performance.now() - cutAt;
      const noticed = untilReady('Unknown').then(sinceCut);
      /** Since when every request has been answered: so many of them that it takes longer than a client waits for an answer. */
      const answered = async (traffic: Traffic) => {
        await traffic.waitFor(({ failed }) => failed > 0);
        return eventually(
          async () => {
            const [at, before] = [sinceCut(), traffic.counts()];
            const after = await traffic.waitFor(({ failed, requests }) => failed > before.failed || requests >= before.requests + 600);
            expect(after.failed).toBe(before.failed);
            return at;
          },
          { withinMs: 180_000 },
        );
      };
      const words = new RegExp(`Node ${doomed}, where it runs, has not been ready since`);
      const told = Promise.all([single, pair].map((lb) => isLost(lb, 'NodeNotReady', words)));
      const [noticedMs, pairMs, singleMs] = await Promise.all([noticed, answered(pairTraffic), answered(singleTraffic), told]);
      await single.untilAtRest('test-small', 1, 180_000);
      await pair.untilAtRest('test-small-ha', 2, 180_000);
      console.info(
        `a node was cut off: Kubernetes saw it after ${seconds(noticedMs)} s; a pair whose active half was there gave no answer for ${seconds(pairTraffic.counts().longestGapMs)} s, and every one after ${seconds(pairMs)} s; one amphora for ${seconds(singleTraffic.counts().longestGapMs)} s, and every one after ${seconds(singleMs)} s`,
      );
      // The standby is ready beside the dead one by itself. Kubernetes then takes that one away, and the operator has no part in how soon.
      expect(pairTraffic.counts().longestGapMs).toBeLessThan(15_000);
      expect(pairMs).toBeLessThan(noticedMs + 15_000);
      const all = [...(await podsOfLb(single)), ...(await podsOfLb(pair))].filter((p) => p.spec.nodeName === safe);
      expect(all).toHaveLength(3);
    });
    await Promise.all([singleTraffic.stop(), pairTraffic.stop()]);
    // What was left there goes once the node can be asked to.
    await eventually(async () => expect(await podsOfLb(single)).toHaveLength(1), { withinMs: 120_000, everyMs: 500 });
    for (const lb of [single, pair]) await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  });

  testUnless(nodesElsewhere, 'and whose object is deleted has its amphora replaced at once', async () => {
    const lb = await onlyOn(doomed, async () => {
      const made = await loadBalancer('node-gone', 'test-small');
      await made.untilAtRest('test-small');
      return made;
    });
    await cutOff(async () => {
      await scene.kubectl(['delete', 'node', doomed]);
      await isLost(lb, 'NodeGone', new RegExp(`Node ${doomed}, where it ran, is gone from the cluster`));
      await lb.untilAtRest('test-small');
      expect((await podsOfLb(lb)).map(({ spec }) => spec.nodeName)).toContain(safe);
    });
    await eventually(async () => expect(await podsOfLb(lb)).toHaveLength(1), { withinMs: 120_000, everyMs: 500 });
    await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  });
});
