import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import { AUTHORITY_SECRET } from '../../src/provider/amphora/kubernetes/identity/index.ts';
import type { Secret } from '../../src/provider/amphora/kubernetes/objects.ts';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { haproxy, haproxyReloads } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useCluster('authority');

/** A single one and a pair, and the traffic at each all the while. */
const all: { lb: Subject; flavorId: string; count: number; traffic: Traffic }[] = [];
const unhurt = () => expect(all.map(({ traffic }) => verdictOf(traffic.counts()))).toEqual(all.map(() => unharmed));

beforeAll(async () => {
  const members = await startMemberPods(scene.place());
  const make = async (name: string, flavorId: string, count: number) => {
    const lb = new Subject(scene, name);
    const spec = httpSpec(members, PORT, { flavorId }) as { pools: object[] };
    // A stick table, so that the two of a pair have something to tell each other.
    const pools = spec.pools.map((pool) => ({ ...pool, sessionPersistence: { type: 'SOURCE_IP' } }));
    await lb.create({ ...spec, pools, strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 10 } });
    await lb.untilAtRest(flavorId, count);
    const options = { newConnections: 3, keepAlive: 3, slow: 1, rate: 150, maxSeconds: 900 };
    const traffic = await scene.traffic({ url: `http://${await lb.host(PORT)}/`, ...options });
    await traffic.waitFor(200);
    return { lb, flavorId, count, traffic };
  };
  all.push(...(await Promise.all([make('single', 'test-small', 1), make('pair', 'test-small-ha', 2)])));
}, 300_000);

const goesOn = async () => {
  for (const { traffic } of all) await traffic.waitFor(traffic.counts().requests + 300);
  unhurt();
};
const secretOf = async (namespace: string, name: string) =>
  JSON.parse(await scene.kubectl(['get', 'secret', name, `--namespace=${namespace}`, '--output=json'])) as Secret;
const serialIn = ({ data }: Secret, file: string) => data?.[file] && new X509Certificate(Buffer.from(data[file], 'base64')).serialNumber;

describe('certificates', () => {
  test('of peers are renewed in both halves of a pair without a failed request, and they go on telling each other', async () => {
    const { lb } = all[1]!;
    const names = (await lb.amphorae()).map((a) => a.metadata.name);
    const seen = () =>
      Promise.all(
        names.map(async (name) => ({
          serial: serialIn(await secretOf(scene.namespace, name), 'peer.pem'),
          reloads: await haproxyReloads(scene, name),
        })),
      );
    const before = await seen();
    // While the operator lives, it remembers what it gave; one that finds it gone gives another, as it does when the time has come.
    await scene.operator.scale(0);
    for (const name of names)
      await lb.kubectl(['patch', 'secret', name, '--type=json', '-p', JSON.stringify([{ op: 'remove', path: '/data/peer.pem' }])]);
    await scene.operator.scale(1);
    await eventually(
      async () => {
        for (const [i, { serial, reloads }] of (await seen()).entries()) {
          expect(serial).toEqual(expect.any(String));
          expect(serial).not.toBe(before[i]!.serial);
          expect(reloads).toBeGreaterThan(before[i]!.reloads);
        }
      },
      { withinMs: 90_000, everyMs: 500 },
    );
    await lb.until(async () => {
      for (const { status } of await lb.amphorae()) {
        expect(conditionOf(status?.conditions, 'Configured')?.status).toBe('True');
        expect(status?.stickTablesSynced).toBe(true);
      }
    });
    for (const name of names)
      await eventually(async () => expect(await haproxy(scene, name, 'show peers')).toMatch(/\(remote,active\).*last_status=ESTA/), {
        withinMs: 60_000,
        everyMs: 500,
      });
    expect((await lb.amphorae()).map((a) => a.metadata.name)).toEqual(names);
    await goesOn();
  });
});

describe('a new authority', () => {
  const amphorae = async () => (await Promise.all(all.map(({ lb }) => lb.amphorae()))).flat();

  test('leaves what serves alone: the operator, which gets no answer any more, says so and claims no outage', async () => {
    const old = serialIn(await secretOf(CHART_NAMESPACE, AUTHORITY_SECRET), 'tls.crt');
    const before = (await amphorae()).map((a) => a.metadata.name);
    await scene.kubectl(['delete', 'secret', AUTHORITY_SECRET, `--namespace=${CHART_NAMESPACE}`]);
    const deployment = ['deployment', '--selector=app.kubernetes.io/name=reflavor', `--namespace=${CHART_NAMESPACE}`];
    await scene.kubectl(['rollout', 'restart', ...deployment]);
    await scene.kubectl(['rollout', 'status', ...deployment, '--timeout=120s']);
    for (const { lb } of all) {
      const { status } = await lb.until((o) =>
        expect(conditionOf(o.status?.conditions, 'Available')).toMatchObject({
          status: 'Unknown',
          reason: 'AmphoraSilent',
          message: expect.stringMatching(/another authority than the operator’s.*Traffic goes on/),
        }),
      );
      expect(status?.operatingStatus).toBe('DEGRADED');
    }
    expect(serialIn(await secretOf(CHART_NAMESPACE, AUTHORITY_SECRET), 'tls.crt')).not.toBe(old);
    await goesOn();
    expect((await amphorae()).map((a) => a.metadata.name)).toEqual(before);
  });

  test('is known to the amphorae that a failover brings, and no request fails', async () => {
    const startedAt = performance.now();
    for (const { lb } of all) await lb.annotate('failover', 'new-authority');
    for (const { lb, flavorId, count } of all) {
      await lb.until(({ status }) => expect(status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' }));
      await lb.untilAtRest(flavorId, count);
      expect(conditionOf((await lb.get()).status?.conditions, 'Available')).toMatchObject({ status: 'True', reason: 'Serving' });
    }
    await goesOn();
    const requests = all.reduce((sum, { traffic }) => sum + traffic.counts().requests, 0);
    console.info(
      `a new authority: failovers of a single one and a pair took ${((performance.now() - startedAt) / 1000).toFixed(1)} s; ${requests} requests, 0 failed`,
    );
    for (const { traffic } of all) expect(verdictOf(await traffic.stop())).toEqual(unharmed);
  });
});
