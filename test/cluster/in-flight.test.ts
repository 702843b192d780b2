import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { LoadBalancer } from '../../src/api/index.ts';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { connects } from '../../tools/traffic/connects.ts';
import { firstWrongByte } from '../../tools/traffic/payload.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { TrafficOptions } from '../../tools/traffic/settings.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { nodesElsewhere, testUnless } from '../support/unless.ts';

jest.setTimeout(300_000);

/** What takes time is let come to its end, whatever has an amphora end: each of these takes longer than the ten seconds that a pod's preStop waits. */
const SLOW = { slow: 3, slowMs: 12_000, downloads: 3, downloadBytes: 2_000_000, downloadSeconds: 13 };
/** Requests a second. */
const RATE = 150;
const PORT = 8080;
const scene = useCluster('in-flight');
let members: MemberPods;
let safe: string;
let doomed: string;

/** Members and clients stay on one node, so that the other one can be drained. */
beforeAll(async () => {
  [safe, doomed] = scene.nodes as [string, string];
  members = await startMemberPods(scene.place(safe));
}, 300_000);
afterEach(async () => void (await scene.kubectl(['uncordon', ...scene.nodes])));

async function loadBalancer(name: string, flavorId: string, count = 1): Promise<Subject> {
  const lb = new Subject(scene, name);
  await lb.create(httpSpec(members, PORT, { flavorId }));
  await lb.untilAtRest(flavorId, count);
  return lb;
}

async function trafficAt(lb: Subject, options: Partial<TrafficOptions>): Promise<Traffic> {
  const traffic = await scene.traffic({ url: `http://${await lb.host(PORT)}/`, rate: RATE, ...options }, safe);
  await traffic.waitFor(({ inFlight }) => inFlight > 0);
  return traffic;
}

const gone = (lb: Subject) => lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
const podsOfLb = (lb: Subject) => podsOf(scene, `reflavor.dev/loadbalancer=${lb.name}`);
const seconds = (ms: number) => (ms / 1000).toFixed(1);

test('after a resize, the status tells how many connections the old amphora has still, until none is left and it goes', async () => {
  const lb = await loadBalancer('counted', 'test-small');
  const [old] = await lb.amphorae();
  const downloads = await trafficAt(lb, { downloads: 2, downloadBytes: 4_000_000, downloadSeconds: 20, maxRequests: 2 });
  await lb.patch({ flavorId: 'test-large' });
  const told: (number | undefined)[] = [];
  const lineOf = ({ status }: LoadBalancer) => status?.amphorae?.find(({ name }) => name === old!.metadata.name);
  await lb.until((o) => expect(o.status?.flavorId).toBe('test-large'));
  const draining = await lb.until((o) => expect(lineOf(o)).toMatchObject({ traffic: 'Draining', connections: 2 }));
  expect(draining.status?.amphorae?.find(({ traffic }) => traffic === 'Carries')?.flavorId).toBe('test-large');
  expect(downloads.counts().inFlight).toBe(2);
  await eventually(
    async () => {
      const line = lineOf(await lb.get());
      if (line && line.connections !== told.at(-1)) told.push(line.connections);
      expect(line).toBeUndefined();
    },
    { withinMs: 60_000, everyMs: 50 },
  );
  expect(told[0]).toBe(2);
  expect(told.at(-1)).toBe(0);
  expect(verdictOf(await downloads.ended)).toEqual(unharmed);
  expect((await downloads.ended).byKind.downloads.requests).toBe(2);
  await lb.untilAtRest('test-large');
  await gone(lb);
});

testUnless(nodesElsewhere, 'what HAProxy has sent and the client has not read yet still comes when the amphora is gone', async () => {
  const lb = await loadBalancer('unread', 'test-small');
  const [host, port] = (await lb.host(PORT)).split(':') as [string, string];
  // So much has room in the buffers of the kernels: to HAProxy, the connection has ended.
  const bytes = 250_000;
  await eventually(async () => expect(await connects(host, Number(port))).toBe(true));
  const client = connect({ host, port: Number(port) });
  await once(client, 'connect');
  client.pause();
  client.write(`GET /download?bytes=${bytes} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  await lb.patch({ flavorId: 'test-large' });
  await lb.untilAtRest('test-large');
  // Half of the time that the pod has; that its preStop waits for nothing else nobody can see.
  await delay(5_000);
  client.setTimeout(30_000, () => client.destroy(new Error('the rest has not come')));
  const answer = await buffer(client);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  expect([body.length, firstWrongByte(0, body)]).toEqual([bytes, -1]);
  await gone(lb);
});

test('kubectl drain of a node, the operator on it, waits until the amphorae there have been replaced and have ended what they were at, and no request fails', async () => {
  await scene.kubectl(['cordon', safe]);
  for (const replicas of [0, 1]) await scene.operator.scale(replicas);
  const [single, pair] = await Promise.all([loadBalancer('drained', 'test-small'), loadBalancer('drained-pair', 'test-small-ha', 2)]);
  await scene.kubectl(['uncordon', safe]);
  const options = { newConnections: 2, keepAlive: 2, ...SLOW };
  const traffic = [await trafficAt(single, options), await trafficAt(pair, options)];
  const [pod] = await podsOfLb(single);
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod!.metadata.name, namespace: scene.namespace } };
  const path = `/api/v1/namespaces/${scene.namespace}/pods/${pod!.metadata.name}/eviction`;
  await expect(scene.kubectl(['create', `--raw=${path}`, '--filename=-'], { input: JSON.stringify(eviction) })).rejects.toThrow(
    /disruption budget/,
  );
  const startedAt = performance.now();
  // All that is there: the operator, too, must find another place. Of suites before, single pods may still be ending.
  await scene.kubectl(['drain', doomed, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=240s']);
  console.info(`kubectl drain of the node of three amphorae and the operator took ${seconds(performance.now() - startedAt)} s`);
  await single.untilAtRest('test-small');
  await pair.untilAtRest('test-small-ha', 2);
  const operators = await podsOf({ ...scene, namespace: CHART_NAMESPACE }, 'app.kubernetes.io/name=reflavor');
  const left = [...(await podsOfLb(single)), ...(await podsOfLb(pair)), ...operators.filter((p) => !p.metadata.deletionTimestamp)];
  expect(left).toHaveLength(4);
  expect(left.map((p) => p.spec.nodeName)).toEqual(left.map(() => safe));
  for (const one of traffic) {
    const counts = await one.stop();
    expect(verdictOf(counts)).toEqual(unharmed);
    expect(counts.byKind.downloads.requests).toBeGreaterThan(2);
    expect(counts.byKind.slow.requests).toBeGreaterThan(2);
  }
  await Promise.all([gone(single), gone(pair)]);
});

test('an amphora whose pod is deleted ends what it is at in the time that the pod has, and another takes its place meanwhile', async () => {
  const lb = await loadBalancer('deleted', 'test-small');
  const traffic = await trafficAt(lb, { newConnections: 2, keepAlive: 2, ...SLOW });
  const [pod] = await podsOfLb(lb);
  const deletedAt = performance.now();
  await lb.kubectl(['delete', 'pod', pod!.metadata.name, '--wait=false']);
  const [ending] = await podsOfLb(lb);
  // drainSeconds, the preStop, and ten more.
  expect(ending!.metadata).toMatchObject({ name: pod!.metadata.name, deletionGracePeriodSeconds: 80 });
  await eventually(async () => expect((await podsOfLb(lb)).map((p) => p.metadata.uid)).not.toContain(pod!.metadata.uid), {
    withinMs: 100_000,
    everyMs: 200,
  });
  const goneMs = performance.now() - deletedAt;
  await lb.untilAtRest('test-small');
  const counts = await traffic.stop();
  // A new connection may be refused, where the other one isn't there before this one no longer listens. Between the two tables in which kube-proxy
  // then writes that there is none (first no translation, then a refusal) there is no way to the address.
  expect(counts.failures.filter(({ error }) => !/^connect (ECONNREFUSED|ENETUNREACH)/.test(error))).toEqual([]);
  // Its node has the image, so that the other one comes in these ten seconds, or little later on a busy machine.
  expect(counts.failed).toBeLessThan(2 * RATE);
  expect(counts.byKind.downloads.requests).toBeGreaterThan(2);
  expect(counts.byKind.slow.requests).toBeGreaterThan(2);
  console.info(
    `the pod of the only amphora was deleted with its usual grace: gone after ${seconds(goneMs)} s, ${counts.failed} of ${counts.requests} requests failed`,
  );
  await gone(lb);
});
