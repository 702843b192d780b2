import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import type { Secret } from '../../src/provider/amphora/kubernetes/objects.ts';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { haproxy, haproxyReloads } from '../support/amphora-pod.ts';
import { issueCertificate, makeCa } from '../support/certificates.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';

jest.setTimeout(300_000);

const [PLAIN, SECURE] = [8080, 8443];
// Hooks run in the order they stand in, and the scene's may end the cluster.
afterAll(async () => void (await scene.kubectl(['delete', 'namespace', elsewhere, '--wait=false', '--ignore-not-found'])));
/** The operator has rights in one namespace alone. */
const scene = useCluster('watched', { chart: ({ namespace }) => ({ values: { operator: { watchNamespaces: [namespace] } } }) });
const elsewhere = `${scene.namespace}-not`;
let members: MemberPods;
let lb: Subject;
let ca: Awaited<ReturnType<typeof makeCa>>;
let plain: Traffic;
let secure: Traffic;
const unhurt = () => expect([plain, secure].map((traffic) => verdictOf(traffic.counts()))).toEqual([unharmed, unharmed]);

/** A listener with and one without TLS carry traffic all the while. */
beforeAll(async () => {
  await scene.kubectl(['create', 'namespace', elsewhere]);
  members = await startMemberPods(scene.place());
  lb = new Subject(scene, 'web');
  ca = await makeCa();
  await certificate('first');
  const spec = httpSpec(members, PLAIN, { flavorId: 'test-small' }) as { listeners: object[] };
  const tls = {
    name: 'tls',
    protocol: 'TERMINATED_HTTPS',
    protocolPort: SECURE,
    defaultPool: 'web',
    tls: { defaultTlsContainerRef: 'www' },
  };
  await lb.create({ ...spec, listeners: [...spec.listeners, tls] });
  await lb.untilAtRest('test-small');
  const [address] = (await lb.host(PLAIN)).split(':');
  const clients = { newConnections: 3, keepAlive: 3, downloads: 1, rate: 200, maxSeconds: 900 };
  plain = await scene.traffic({ ...clients, url: `http://${address}:${PLAIN}/` });
  const trust = { caPem: ca.certPem, serverName: 'www.example.com' };
  secure = await scene.traffic({ ...clients, url: `https://${address}:${SECURE}/`, tls: trust });
  for (const traffic of [plain, secure]) await traffic.waitFor(200);
}, 300_000);

async function certificate(cn: string): Promise<void> {
  const { certPem, keyPem } = await issueCertificate({ ca, cn, dnsNames: ['www.example.com'] });
  const stringData = { 'tls.crt': certPem, 'tls.key': keyPem };
  await lb.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'www' }, type: 'kubernetes.io/tls', stringData });
}

const theAmphora = async () => (await lb.amphorae())[0]!;

describe('an operator that looks after one namespace', () => {
  test('has rights in no other, and leaves load balancers there alone', async () => {
    const account = `system:serviceaccount:${CHART_NAMESPACE}:reflavor`;
    const may = (what: string[]) =>
      scene.kubectl(['auth', 'can-i', ...what, `--as=${account}`]).then(
        () => true,
        () => false,
      );
    expect(await may(['get', 'secrets', `--namespace=${scene.namespace}`])).toBe(true);
    expect(await may(['get', 'secrets', `--namespace=${elsewhere}`])).toBe(false);
    expect(await may(['create', 'pods', '--all-namespaces'])).toBe(false);
    expect(await may(['create', 'pods', '--namespace=kube-system'])).toBe(false);

    const foreign = new Subject({ ...scene, client: scene.client, namespace: elsewhere }, 'web');
    await foreign.create(httpSpec(members, PLAIN, { flavorId: 'test-small' }));
    await lb.patch({ description: 'another visit' });
    await lb.untilAtRest('test-small');
    expect((await foreign.get()).status?.conditions).toBeUndefined();
    await foreign.kubectl(['delete', 'lb', 'web']);
  });

  test('resizes there', async () => {
    await lb.patch({ flavorId: 'test-large' });
    await lb.untilAtRest('test-large');
    unhurt();
  });
});

describe('members', () => {
  test('follow the endpoints of their Service within a second or so, without a reload', async () => {
    const { metadata, status } = await theAmphora();
    const reloads = await haproxyReloads(scene, metadata.name);
    const known = async () => {
      const rows = (await haproxy(scene, metadata.name, 'show stat')).split('\n').map((row) => row.split(','));
      return rows.filter(([pool, name]) => pool === 'pool:web' && name !== 'BACKEND').map(([, name]) => name!);
    };
    expect(await known()).toHaveLength(3);
    const scaled = members.scale(5);
    const late: number[] = [];
    for (const count of [4, 5]) {
      await eventually(async () => expect((await members.members()).length).toBeGreaterThanOrEqual(count), { withinMs: 60_000 });
      const readyAt = performance.now();
      await eventually(async () => expect((await known()).length).toBeGreaterThanOrEqual(count), { withinMs: 30_000 });
      late.push(performance.now() - readyAt);
    }
    await scaled;
    for (const { name } of await members.members()) await plain.waitFor((counts) => (counts.byMember[name] ?? 0) > 0);
    await members.scale(2);
    await eventually(async () => expect(await known()).toHaveLength(2), { withinMs: 60_000 });
    await lb.untilAtRest('test-large');
    console.info(`a member that was ready was in HAProxy after ${late.map((ms) => Math.round(ms)).join(' and ')} ms`);
    // Each look is a kubectl, and slow on a machine that does much else.
    expect(Math.max(...late)).toBeLessThan(10_000);
    expect(await haproxyReloads(scene, metadata.name)).toBe(reloads);
    expect((await theAmphora()).status?.startedAt).toBe(status?.startedAt);
    unhurt();
  });
});

describe('certificates', () => {
  /** The amphora's own, as its Secret has it. */
  async function own(): Promise<{ file: string; serial: string | undefined }> {
    const { metadata } = await theAmphora();
    const secret = JSON.parse(await lb.kubectl(['get', 'secret', metadata.name, '--output=json'])) as Secret;
    const file = 'admin.pem';
    const pem = secret.data?.[file];
    return { file, serial: pem && new X509Certificate(Buffer.from(pem, 'base64')).serialNumber };
  }

  test('of a listener are renewed without a failed request', async () => {
    const { metadata } = await theAmphora();
    const shown = async () => (await haproxy(scene, metadata.name, 'show ssl cert')).match(/\S+\.pem/g) ?? [];
    const before = await shown();
    await certificate('second');
    await eventually(async () => expect(await shown()).not.toEqual(before), { withinMs: 60_000 });
    await lb.untilAtRest('test-large');
    await secure.waitFor(secure.counts().requests + 500);
    unhurt();
  });

  test('of the amphora itself are renewed without a failed request, and the operator goes on controlling it', async () => {
    const { metadata } = await theAmphora();
    const [before, reloads] = [await own(), await haproxyReloads(scene, metadata.name)];
    // While the operator lives, it remembers what it gave; one that finds it gone gives another, as it does when the time has come.
    await scene.operator.scale(0);
    const remove = [{ op: 'remove', path: `/data/${before.file}` }];
    await lb.kubectl(['patch', 'secret', metadata.name, '--type=json', '-p', JSON.stringify(remove)]);
    await scene.operator.scale(1);
    await eventually(
      async () => {
        expect((await own()).serial).toEqual(expect.any(String));
        expect((await own()).serial).not.toBe(before.serial);
        expect(await haproxyReloads(scene, metadata.name)).toBeGreaterThan(reloads);
      },
      { withinMs: 90_000, everyMs: 500 },
    );
    await members.scale(3);
    await eventually(
      async () => {
        for (const { name } of await members.members()) expect(plain.counts().byMember[name] ?? 0).toBeGreaterThan(0);
      },
      { withinMs: 60_000 },
    );
    expect(conditionOf((await theAmphora()).status?.conditions, 'Configured')?.status).toBe('True');
    expect((await theAmphora()).metadata.name).toBe(metadata.name);
    await lb.untilAtRest('test-large');
    unhurt();
  });
});
