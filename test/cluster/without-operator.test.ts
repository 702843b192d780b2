import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { haproxy, haproxyInfo, podsOf, processesOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { nodesElsewhere, testUnless } from '../support/unless.ts';

jest.setTimeout(300_000);

/** The guide says about two seconds; machines may be busy. */
const LONGEST_GAP_MS = 10_000;
const seconds = (ms: number) => (ms / 1000).toFixed(1);

const PORT = 8080;
const scene = useCluster('alone');
let members: MemberPods;
let single: Subject;
let pair: Subject;
/** A single one that has not crashed yet: kubelet starts such a one again at once. */
let lone: Subject;

/** From here on nobody is there who could help. */
beforeAll(async () => {
  members = await startMemberPods(scene.place());
  [single, pair, lone] = ['single', 'pair', 'lone'].map((name) => new Subject(scene, name)) as [Subject, Subject, Subject];
  for (const lb of [single, lone]) await lb.create(httpSpec(members, PORT, { flavorId: 'test-small' }));
  await pair.create(httpSpec(members, PORT, { flavorId: 'test-small-ha' }));
  for (const lb of [single, lone]) await lb.untilAtRest('test-small');
  await pair.untilAtRest('test-small-ha', 2);
  await scene.operator.scale(0);
}, 300_000);

const trafficAt = async (lb: Subject): Promise<Traffic> =>
  scene.traffic({ url: `http://${await lb.host(PORT)}/`, newConnections: 4, keepAlive: 4, rate: 200, timeoutMs: 1500 });

/** Waits until requests are answered again, one after the other; what was lost on the way is lost. */
async function answeredAgain(traffic: Traffic, withinMs: number): Promise<TrafficCounts> {
  return eventually(
    async () => {
      const { requests, failed } = traffic.counts();
      const later = await traffic.waitFor(requests + 200);
      expect(later.failed).toBe(failed);
      return later;
    },
    { withinMs },
  );
}

async function theActiveOf(lb: Subject) {
  const [active] = await podsOf(scene, `reflavor.dev/loadbalancer=${lb.name},reflavor.dev/vip,reflavor.dev/role!=BACKUP`);
  return active!;
}

/** Addresses of the members that the health monitor of its amphora holds for down. */
async function downIn(lb: Subject): Promise<string[]> {
  const pods = (await podsOf(scene, `reflavor.dev/loadbalancer=${lb.name},reflavor.dev/vip`)).filter(({ status }) =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  const [names, ...rows] = (await haproxy(scene, pods[0]!.metadata.name, 'show stat')).split('\n').map((row) => row.split(','));
  const at = (column: string) => names!.indexOf(column);
  return rows.filter((row) => row[0] === 'pool:web' && row[at('status')] === 'DOWN').map((row) => row[at('addr')]!.split(':')[0]!);
}

/** All its processes but the first, at once, as when it crashes: the master then ends by itself. */
const crash = (pod: string) =>
  scene.kubectl([`--namespace=${scene.namespace}`, 'exec', pod, '--', 'sh', '-c', 'kill -9 -1']).catch(() => {});

describe('with no operator', () => {
  test('requests are answered, by one amphora and by a pair', async () => {
    for (const lb of [single, pair]) {
      const traffic = await trafficAt(lb);
      await traffic.waitFor(1000);
      expect(verdictOf(await traffic.stop())).toEqual(unharmed);
    }
  });

  test('an amphora that crashes comes back', async () => {
    const traffic = await trafficAt(single);
    await traffic.waitFor(200);
    await crash((await theActiveOf(single)).metadata.name);
    await traffic.waitFor(({ failed }) => failed > 0);
    const { longestGapMs } = await answeredAgain(traffic, 60_000);
    await traffic.stop();
    console.info(`one amphora crashed: no answer for ${seconds(longestGapMs)} s`);
    expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  });

  test('a pair goes on when its active amphora crashes', async () => {
    const traffic = await trafficAt(pair);
    await traffic.waitFor(200);
    await crash((await theActiveOf(pair)).metadata.name);
    await traffic.waitFor(({ failed }) => failed > 0);
    const { longestGapMs } = await answeredAgain(traffic, 60_000);
    await traffic.stop();
    console.info(`the active one of a pair crashed: no answer for ${seconds(longestGapMs)} s`);
    expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  });

  test('a pair goes on when the pod of its active amphora is deleted', async () => {
    const traffic = await trafficAt(pair);
    await traffic.waitFor(200);
    const active = await theActiveOf(pair);
    await pair.kubectl(['delete', 'pod', active.metadata.name, '--grace-period=1']);
    const { longestGapMs } = await answeredAgain(traffic, 60_000);
    await traffic.stop();
    console.info(`the pod of the active one of a pair was deleted: no answer for ${seconds(longestGapMs)} s`);
    expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  });

  test('members go on: one that ends costs no request once its health monitor has seen it', async () => {
    const [gone] = await members.members();
    const all = await Promise.all([single, pair].map(async (lb) => ({ lb, traffic: await trafficAt(lb) })));
    for (const { traffic } of all) await traffic.waitFor(({ byMember }) => (byMember[gone!.name] ?? 0) > 0);
    // The one that takes its place has another address, which nobody tells the amphorae.
    await single.kubectl(['delete', 'pod', gone!.name, '--grace-period=0', '--force']);
    const deletedAt = performance.now();
    for (const { lb } of all) await eventually(async () => expect(await downIn(lb)).toEqual([gone!.address]), { withinMs: 30_000 });
    const seenMs = performance.now() - deletedAt;
    for (const { traffic } of all) {
      // What had been sent to it by then may still run into the time-out of its client.
      const before = await answeredAgain(traffic, 30_000);
      const after = await traffic.waitFor(before.requests + 1000);
      expect(after.failed).toBe(before.failed);
      expect(after.byMember[gone!.name]).toBe(before.byMember[gone!.name]);
      await traffic.stop();
    }
    const failed = all.map(({ traffic }) => traffic.counts().failed);
    console.info(
      `one of three members ended: its monitors saw it within ${seconds(seenMs)} s, and ${failed.join(' and ')} requests failed`,
    );
  });
});

testUnless(nodesElsewhere, 'and no API server, an amphora that crashes is started again by its kubelet, and serves', async () => {
  const url = `http://${await lone.host(PORT)}/`;
  const pod = await theActiveOf(lone);
  const crashed = processesOf(pod, 'haproxy');
  const { kubeApiserver } = scene.local!.controlPlane.pids;
  process.kill(kubeApiserver, 'SIGSTOP');
  try {
    for (const pid of crashed) process.kill(pid, 'SIGKILL');
    const crashedAt = performance.now();
    await eventually(
      async () => {
        expect(processesOf(pod, 'haproxy').filter((pid) => crashed.includes(pid))).toEqual([]);
        const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(1000) });
        expect(answer.status).toBe(200);
      },
      { withinMs: 60_000 },
    );
    const gapMs = performance.now() - crashedAt;
    console.info(`one amphora crashed while there was no API server: it served again after ${seconds(gapMs)} s`);
    expect(gapMs).toBeLessThan(LONGEST_GAP_MS);
  } finally {
    process.kill(kubeApiserver, 'SIGCONT');
  }
});

test('the operator that is back makes good what was lost', async () => {
  await scene.operator.scale(1);
  // Until it has looked, the status says what was so before it went.
  await pair.until(({ status }) => expect(status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' }));
  await single.untilAtRest('test-small');
  await pair.untilAtRest('test-small-ha', 2);
  await scene.operator.scale(0);
});

testUnless(nodesElsewhere, 'a pair goes on when its active amphora freezes', async () => {
  const traffic = await trafficAt(pair);
  await traffic.waitFor(200);
  const [standby] = await podsOf(scene, `reflavor.dev/loadbalancer=${pair.name},reflavor.dev/vip,reflavor.dev/role=BACKUP`);
  const answeredBy = async () => Number((await haproxyInfo(scene, standby!.metadata.name)).CumReq);
  const before = await answeredBy();
  const frozen = processesOf(await theActiveOf(pair), 'haproxy');
  expect(frozen.length).toBeGreaterThan(1);
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  await traffic.waitFor(({ failed }) => failed > 0);
  const { longestGapMs } = await answeredAgain(traffic, 60_000);
  await traffic.stop();
  console.info(`the active one of a pair froze: no answer for ${seconds(longestGapMs)} s`);
  expect(longestGapMs).toBeLessThan(LONGEST_GAP_MS);
  // Probes are a few of them.
  expect((await answeredBy()) - before).toBeGreaterThan(100);
  // kubelet ends what doesn't answer, and starts it again.
  await eventually(async () => expect(processesOf(await theActiveOf(pair), 'haproxy')).not.toEqual(expect.arrayContaining(frozen)), {
    withinMs: 90_000,
    everyMs: 500,
  });
});
