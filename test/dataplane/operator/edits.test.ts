import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../../src/api/index.ts';
import { startTraffic, type Traffic } from '../../../tools/traffic/traffic.ts';
import { issueCertificate, makeCa } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { useScene } from '../../support/scene.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../../support/subject.ts';

jest.setTimeout(300_000);

const PORT = 8080;
const scene = useScene({ count: 4 });
let lb: Subject;
let traffic: Traffic;
let ca: Awaited<ReturnType<typeof makeCa>>;

/** The listener `web` carries traffic all the while; whatever is done beside it must not be felt there. */
beforeAll(async () => {
  lb = new Subject(scene, 'edited');
  ca = await makeCa();
  const spec = httpSpec(scene.members(), PORT) as { pools: { members: unknown[] }[] };
  spec.pools[0]!.members.pop();
  await lb.create(spec);
  await lb.untilAtRest('small');
  traffic = startTraffic({ url: `http://${await lb.host(PORT)}/`, newConnections: 4, keepAlive: 4, rate: 300 });
  await traffic.waitFor(200);
}, 180_000);
afterAll(() => traffic?.stop().then(() => {}));

const web = { name: 'web', protocol: 'HTTP', protocolPort: PORT, defaultPool: 'web' };
const unhurt = () => expect(verdictOf(traffic.counts())).toEqual(unharmed);
const status = async (port: number, path = '/', headers: Record<string, string> = {}) =>
  (await fetch(`http://${await lb.host(port)}${path}`, { headers })).status;
const refused = async (port: number) => expect(status(port)).rejects.toThrow();

async function secret(name: string, pair: { certPem: string; keyPem: string }): Promise<void> {
  await lb.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': pair.certPem, 'tls.key': pair.keyPem },
  });
}

/** The certificate that a listener shows. */
async function shown(port: number): Promise<PeerCertificate> {
  const [host] = (await lb.host(port)).split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ca: ca.certPem, servername: 'www.example.com' }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/** The members of a pool that the running HAProxy has, as it says itself. */
async function serversOf(pool: string): Promise<string[]> {
  const run = join(scene.stack.dir, 'amphorae/run');
  const answers = await Promise.all(
    (await readdir(run)).filter((file) => file.endsWith('.s')).map((file) => ask(join(run, file), 'show stat')),
  );
  const rows = answers.flatMap((answer) => answer.split('\n').map((line) => line.split(',')));
  const server = rows.filter(([backend, name]) => backend === `pool:${pool}` && name !== 'BACKEND');
  return server.map(([, name]) => name!).sort();
}

const ask = (socket: string, command: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = '';
    const connection = createConnection(socket, () => connection.end(`${command}\n`));
    connection.on('data', (data) => {
      answer += data;
    });
    connection.once('end', () => resolve(answer)).once('error', reject);
  });

describe('listeners', () => {
  test('are opened and closed beside one that serves', async () => {
    await lb.patch({ listeners: [web, { ...web, name: 'more', protocolPort: 8081 }] });
    await lb.untilAtRest('small');
    expect(await status(8081)).toBe(200);
    await lb.patch({ listeners: [web] });
    await lb.untilAtRest('small');
    await eventually(() => refused(8081));
    unhurt();
  });

  test('are opened in the middle of a resize, on the old amphora and the new one', async () => {
    await lb.patch({ flavorId: 'large', strategy: { verifySeconds: 3600 } });
    await lb.until((o) => expect(o.status?.operation).toMatchObject({ to: 'large', step: 'Detached' }));
    await lb.patch({ listeners: [web, { ...web, name: 'more', protocolPort: 8081 }] });
    await lb.until((o) => expect(o.status?.vipPorts).toEqual([PORT, 8081]));
    expect(await status(8081)).toBe(200);
    await lb.patch({ flavorId: 'small', listeners: [web] });
    await lb.patch({ strategy: { verifySeconds: 1 } });
    await lb.untilAtRest('small');
    unhurt();
  });

  test('that HAProxy refuses leave everything as it was, and say which words it has', async () => {
    const rules = [{ name: 'r', type: 'PATH', compareType: 'REGEX', value: '(unclosed' }];
    await lb.patch({ listeners: [{ ...web, l7Policies: [{ name: 'p', action: 'REJECT', rules }] }] });
    const after = await lb.until((o) => expect(conditionOf(o.status?.conditions, 'Ready')?.reason).toBe('ConfigurationRefused'));
    expect(conditionOf(after.status?.conditions, 'Ready')?.message).toMatch(/unclosed|regex/);
    expect(conditionOf(after.status?.conditions, 'Available')?.status).toBe('True');
    expect(await status(PORT, '/unclosed')).not.toBe(403);
    await lb.patch({ listeners: [{ ...web, l7Policies: [{ name: 'p', action: 'REJECT', rules: [{ ...rules[0], value: '^/closed' }] }] }] });
    await lb.untilAtRest('small');
    // A connection kept alive from before the reload is answered once more by the old worker.
    await eventually(async () => expect(await status(PORT, '/closed')).toBe(403));
    await lb.patch({ listeners: [web] });
    await lb.untilAtRest('small');
    unhurt();
  });
});

describe('members', () => {
  test('come and go without a reload', async () => {
    const [before] = await lb.amphorae();
    const all = httpSpec(scene.members(), PORT).pools as { members: unknown[] }[];
    await lb.patch({ pools: all });
    await traffic.waitFor((counts) => (counts.byMember['member-4'] ?? 0) > 20);
    await lb.patch({ pools: [{ ...all[0], members: all[0]!.members.slice(0, 3) }] });
    await lb.untilAtRest('small');
    const [after] = await lb.amphorae();
    expect(after?.status?.startedAt).toBe(before?.status?.startedAt);
    expect(after?.status?.configurationHash).toBe(before?.status?.configurationHash);
    unhurt();
  });

  test('that a Service has follow its endpoints', async () => {
    // The API server takes no loopback address as an endpoint, so that these are of a documentation range, and nothing is sent to them.
    const slice = (...addresses: string[]) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'app-1', labels: { 'kubernetes.io/service-name': 'app' } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: 'http', port: 8000 }],
    });
    const pool = { name: 'app', protocol: 'HTTP', service: { name: 'app', port: 'http' } };
    const pools = httpSpec(scene.members(), PORT).pools as unknown[];
    await lb.patch({
      pools: [...pools, pool],
      listeners: [web, { name: 'app', protocol: 'HTTP', protocolPort: 8082, defaultPool: 'app' }],
    });
    const notice = await lb.until((o) =>
      expect(o.status?.listenerProblems).toEqual([expect.objectContaining({ listener: 'app', reason: 'ServiceNotFound' })]),
    );
    expect(notice.status?.listenerProblems?.[0]?.message).toContain('Service app does not exist');
    await eventually(async () => expect(await status(8082)).toBe(503));
    await lb.apply(
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { ports: [{ name: 'http', port: 80 }] } },
      slice('192.0.2.10'),
    );
    await lb.untilAtRest('small');
    await eventually(async () => expect(await serversOf('app')).toEqual(['192.0.2.10:8000']));
    await lb.apply(slice('192.0.2.11', '192.0.2.12'));
    await eventually(async () => expect(await serversOf('app')).toEqual(['192.0.2.11:8000', '192.0.2.12:8000']));
    await lb.patch({ pools, listeners: [web] });
    await lb.untilAtRest('small');
    unhurt();
  });
});

describe('certificates', () => {
  const https = {
    name: 'tls',
    protocol: 'TERMINATED_HTTPS',
    protocolPort: 8443,
    defaultPool: 'web',
    tls: { defaultTlsContainerRef: 'www' },
  };
  const issue = () => issueCertificate({ ca, cn: `www-${randomUUID().slice(0, 8)}`, dnsNames: ['www.example.com'] });

  test('that are missing or broken close nothing that serves, and the listener says what is wrong', async () => {
    await lb.patch({ listeners: [web, https] });
    await lb.until((o) =>
      expect(o.status?.listenerProblems).toEqual([expect.objectContaining({ listener: 'tls', reason: 'SecretNotFound' })]),
    );
    const [first, second] = [await issue(), await issue()];
    await secret('www', first);
    await lb.untilAtRest('small');
    const before = await eventually(() => shown(8443));

    await secret('www', { certPem: second.certPem, keyPem: first.keyPem });
    await lb.until((o) => {
      expect(o.status?.listenerProblems).toEqual([expect.objectContaining({ listener: 'tls', reason: 'KeyMismatch' })]);
      expect(conditionOf(o.status?.conditions, 'Ready')).toMatchObject({
        reason: 'KeyMismatch',
        message: expect.stringContaining('Secret www'),
      });
    });
    expect((await shown(8443)).serialNumber).toBe(before.serialNumber);
    unhurt();
  });

  test('that are broken hold a resize up, and mending them lets it go on', async () => {
    await lb.patch({ flavorId: 'large' });
    const waiting = await lb.until((o) => expect(o.status?.operation?.message).toContain('Secret www'));
    expect(waiting.status).toMatchObject({ flavorId: 'small', operation: { step: 'Verified' } });
    const pair = await issue();
    await secret('www', pair);
    await lb.untilAtRest('large');
    expect((await shown(8443)).subject.CN).toMatch(/^www-/);
    unhurt();
  });
});
