import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { haproxyInfo, podsOf, processesOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { nodesElsewhere, testUnless } from '../support/unless.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useCluster('alone');
let members: MemberPods;
let single: Subject;
let pair: Subject;

/** From here on nobody is there who could help. */
beforeAll(async () => {
  members = await startMemberPods(scene.place());
  [single, pair] = [new Subject(scene, 'single'), new Subject(scene, 'pair')];
  await single.create(httpSpec(members, PORT, { flavorId: 'test-small' }));
  await pair.create(httpSpec(members, PORT, { flavorId: 'test-small-ha' }));
  await single.untilAtRest('test-small');
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
  const [active] = await podsOf(scene, `reflavor.dev/loadbalancer=${lb.name},reflavor.dev/role!=BACKUP`);
  return active!;
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
    expect(longestGapMs).toBeLessThan(30_000);
  });

  test('a pair goes on when its active amphora crashes', async () => {
    const traffic = await trafficAt(pair);
    await traffic.waitFor(200);
    await crash((await theActiveOf(pair)).metadata.name);
    await traffic.waitFor(({ failed }) => failed > 0);
    const { longestGapMs } = await answeredAgain(traffic, 60_000);
    await traffic.stop();
    console.info(`the active one of a pair crashed: no answer for ${seconds(longestGapMs)} s`);
    expect(longestGapMs).toBeLessThan(30_000);
  });

  test('a pair goes on when the pod of its active amphora is deleted', async () => {
    const traffic = await trafficAt(pair);
    await traffic.waitFor(200);
    const active = await theActiveOf(pair);
    await pair.kubectl(['delete', 'pod', active.metadata.name, '--grace-period=1']);
    const { longestGapMs } = await answeredAgain(traffic, 60_000);
    await traffic.stop();
    console.info(`the pod of the active one of a pair was deleted: no answer for ${seconds(longestGapMs)} s`);
    expect(longestGapMs).toBeLessThan(30_000);
  });
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
  const [standby] = await podsOf(scene, `reflavor.dev/loadbalancer=${pair.name},reflavor.dev/role=BACKUP`);
  const answeredBy = async () => Number((await haproxyInfo(scene, standby!.metadata.name)).CumReq);
  const before = await answeredBy();
  const frozen = processesOf(await theActiveOf(pair), 'haproxy');
  expect(frozen.length).toBeGreaterThan(1);
  for (const pid of frozen) process.kill(pid, 'SIGSTOP');
  await traffic.waitFor(({ failed }) => failed > 0);
  const { longestGapMs } = await answeredAgain(traffic, 60_000);
  await traffic.stop();
  console.info(`the active one of a pair froze: no answer for ${seconds(longestGapMs)} s`);
  expect(longestGapMs).toBeLessThan(30_000);
  // Probes are a few of them.
  expect((await answeredBy()) - before).toBeGreaterThan(100);
  // kubelet ends what doesn't answer, and starts it again.
  await eventually(async () => expect(processesOf(await theActiveOf(pair), 'haproxy')).not.toEqual(expect.arrayContaining(frozen)), {
    withinMs: 90_000,
    everyMs: 500,
  });
});

const seconds = (ms: number) => (ms / 1000).toFixed(1);
