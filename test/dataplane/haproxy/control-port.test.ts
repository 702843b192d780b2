import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Configuration } from '../../../src/provider/amphora/configuration.ts';
import { ConfigurationRefused } from '../../../src/provider/amphora/driver.ts';
import {
  ADMIN_PORT,
  applyMembers,
  HEALTH_PORT,
  MasterControl,
  membersRevision,
  PEERS_PORT,
  read,
  readLoaded,
} from '../../../src/provider/amphora/haproxy/index.ts';
import { Identity, type IdentityFiles } from '../../../src/provider/amphora/kubernetes/identity/index.ts';
import { serverName } from '../../../src/provider/amphora/kubernetes/names.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy, type TestHaproxyOptions } from '../../support/haproxy.ts';
import { request } from '../../support/request.ts';
import { SecretsInMemory } from '../../support/secrets.ts';

jest.setTimeout(60_000);

/** An amphora as one in a pod is: with an identity, spoken to over the network. */
interface Amphora {
  name: string;
  address: string;
  files: IdentityFiles;
  haproxy: TestHaproxy;
  control: MasterControl;
  port: number;
}

const identity = new Identity({ client: new SecretsInMemory(), namespace: 'reflavor', now: Date.now });
let members: Members;
const running: TestHaproxy[] = [];

beforeAll(async () => {
  members = await startMembers({ count: 3 });
});
afterAll(() => members?.close());
afterEach(async () => {
  for (const haproxy of running.splice(0)) await haproxy.stop();
});

/** An address that no other test has, since these ports are the same for all. */
const freeAddress = () => `127.${randomInt(1, 60)}.${randomInt(256)}.${randomInt(1, 255)}`;

const ownerOf = (name: string, loadBalancer: string) => ({
  namespace: 'team',
  name,
  loadBalancer: { name: loadBalancer, uid: loadBalancer },
});

async function start(
  name: string,
  {
    loadBalancer = 'web',
    address = freeAddress(),
    ...options
  }: { loadBalancer?: string } & TestHaproxyOptions & Pick<Partial<Configuration>, 'peer' | 'peers' | 'flavor'> = {},
): Promise<Amphora> {
  const { peer, peers, flavor, ...rest } = options;
  const [port] = (await freePorts(1)) as [number];
  const { files } = await identity.amphoraFiles(ownerOf(name, loadBalancer));
  const haproxy = await startHaproxy(await configured(port, { peer, peers, flavor }), { ...rest, address, identity: files });
  running.push(haproxy);
  return { name, address, files, haproxy, port, control: new MasterControl(identity.connector(address, { namespace: 'team', name })) };
}

async function configured(port: number, { peer = 0, peers = [], flavor }: Pick<Partial<Configuration>, 'peer' | 'peers' | 'flavor'> = {}) {
  const servers = members.members.map((member) => ({ protocolPort: member.port }));
  return configuration({
    listeners: [listener({ protocolPort: port })],
    pools: [pool(servers, { sessionPersistence: { type: 'SOURCE_IP' } })],
    peer,
    peers,
    ...(flavor ? { flavor } : {}),
  });
}

describe('the operator', () => {
  test('reads, reloads and changes members over mutual TLS as over the socket', async () => {
    const { control, haproxy, port } = await start('web-1', { digest: 'first' });
    expect(await control.worker('show env ENVIRONMENT_DIGEST')).toContain('ENVIRONMENT_DIGEST=first');
    const local = await haproxy.control.processes();
    expect(await control.processes()).toEqual(local);

    const next = await configured(port);
    const fewer = { ...next, pools: [{ ...next.pools[0]!, servers: next.pools[0]!.servers.slice(1) }] };
    expect(await control.session(({ worker }) => applyMembers(worker, fewer))).toEqual({ retiring: [] });
    expect(await read(control, [])).toMatchObject({
      membersRevision: membersRevision(fewer),
      listeners: [{ protocolPort: port, open: true }],
    });

    await haproxy.write(fewer, { digest: 'second' });
    const pid = await control.reload();
    expect((await control.processes()).workers[0]).toEqual({ pid, old: false });
    expect(await control.worker('show env ENVIRONMENT_DIGEST')).toContain('ENVIRONMENT_DIGEST=second');
    // No session of ours keeps the worker that was replaced.
    await eventually(async () => expect((await control.processes()).workers).toHaveLength(1));
  });

  test('is told of a reload that fails, and what serves goes on', async () => {
    const { control, haproxy, port } = await start('web-1');
    const { workers } = await control.processes();
    // Nobody can bind there, which no check of the file finds.
    await haproxy.write(await configured(port), { healthBind: '192.0.2.1:1' });
    await expect(control.reload()).rejects.toThrow(ConfigurationRefused);
    expect((await control.processes()).workers).toEqual(workers);
    expect(await control.session(({ worker }) => worker('show info'))).toContain('HAProxy');
    expect((await request({ port, address: haproxy.address })).status).toBe(200);
  });

  test('gets long answers whole, in one session', async () => {
    const { control, port, haproxy } = await start('web-1');
    const many = await configured(port);
    many.pools = [pool(Array.from({ length: 500 }, (_, i) => ({ protocolPort: 10_000 + i })))];
    await haproxy.load(many);
    const reading = await read(control, []);
    expect(reading.members).toHaveLength(500);
    expect(reading.membersRevision).toBe(membersRevision(many));
  });

  test('is not counted as a client, nor are probes', async () => {
    const { control, address } = await start('web-1');
    await request({ address, port: HEALTH_PORT, path: '/ready' });
    await control.session(async ({ worker }) => {
      const { connections, listeners, members: seen } = await readLoaded(worker, []);
      expect(connections).toMatchObject({ current: 0, total: 0, queued: false, statistics: [{ totalConnections: 0, bytesIn: 0 }] });
      expect(listeners).toHaveLength(1);
      expect(seen).toHaveLength(3);
    });
  });

  test('finds that an address is another amphora’s, or nobody’s', async () => {
    const { address } = await start('web-1');
    const to = (where: string, name: string) => new MasterControl(identity.connector(where, { namespace: 'team', name })).processes();
    await expect(to(address, 'web-2')).rejects.toThrow(`${address}:${ADMIN_PORT} is another amphora`);
    await expect(to(freeAddress(), 'web-1')).rejects.toThrow('takes no connection: HAProxy does not run there');
    const other = new Identity({ client: new SecretsInMemory(), namespace: 'elsewhere', now: Date.now });
    const stranger = new MasterControl(other.connector(address, { namespace: 'team', name: 'web-1' }));
    await expect(stranger.processes()).rejects.toThrow('shows a certificate of another authority');
  });
});

describe('the port of the operator is closed to', () => {
  /** What comes back to a command from somebody who takes whatever certificate is there, shows what is given, and gives it all it takes. */
  async function said({ address }: Amphora, shown: { cert?: string; key?: string }, maxVersion: 'TLSv1.3' | 'TLSv1.2' = 'TLSv1.3') {
    const socket = connectTls({ host: address, port: ADMIN_PORT, rejectUnauthorized: false, maxVersion, ...shown });
    socket.end('show proc\n');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk));
    const error = await once(socket, 'close').then(
      () => undefined,
      (cause: NodeJS.ErrnoException) => cause.code,
    );
    return { answer, error };
  }

  test('whoever shows no certificate, or speaks an older TLS, or none at all', async () => {
    const amphora = await start('web-1');
    expect(await said(amphora, {})).toEqual({ answer: '', error: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
    expect(await said(amphora, {}, 'TLSv1.2')).toEqual({ answer: '', error: 'EPROTO' });
    const plain = connect(ADMIN_PORT, amphora.address);
    plain.end('show proc\n');
    let answer = '';
    plain.on('data', (chunk) => (answer += chunk.toString('latin1')));
    await once(plain, 'close').catch(() => {});
    expect(answer).not.toContain('worker');
  });

  test('an amphora, which has a certificate of the same authority, its own and that of a peer', async () => {
    const amphora = await start('web-1');
    const { files: sister } = await identity.amphoraFiles(ownerOf('web-2', 'web'));
    for (const files of [amphora.files, sister]) {
      const pem = files['admin.pem'];
      expect(await said(amphora, { cert: pem, key: pem })).toEqual({ answer: '', error: 'ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE' });
    }
    const peer = amphora.files['peer.pem'];
    expect(await said(amphora, { cert: peer, key: peer })).toEqual({ answer: '', error: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });
  });
});

const health = async (address: string, path: string, localAddress?: string) =>
  (await request({ address, port: HEALTH_PORT, path, localAddress })).status;

describe('health', () => {
  test('is told of an amphora by two paths, and by no other', async () => {
    const { address } = await start('web-1');
    expect(await Promise.all(['/alive', '/ready', '/', '/alive/x'].map((path) => health(address, path)))).toEqual([200, 200, 404, 404]);
  });

  test('is told though a stranger keeps as many connections as it can', async () => {
    const { address } = await start('web-1');
    const held = new Set<Socket>();
    const hold = () => {
      const socket = connect({ host: address, port: HEALTH_PORT, localAddress: '127.0.0.9' });
      held.add(socket.on('error', () => {}));
      socket.once('close', () => held.delete(socket) && setTimeout(hold, 20).unref());
    };
    for (let n = 0; n < 300; n++) hold();
    try {
      for (let probe = 0; probe < 20; probe++) {
        const before = Date.now();
        expect(await health(address, '/alive')).toBe(200);
        // So long a kubelet waits.
        expect(Date.now() - before).toBeLessThan(2000);
      }
    } finally {
      for (const socket of held) socket.removeAllListeners('close').destroy();
    }
  });

  test('a standby is ready while the active one is dead or frozen, and no longer once it is back, also after a reload', async () => {
    const active = await start('web-1');
    const standby = await start('web-2', { standbyOf: active.address });
    const ready = (status: number, withinMs: number) =>
      eventually(async () => expect(await health(standby.address, '/ready')).toBe(status), { withinMs, everyMs: 20 });
    expect(await health(standby.address, '/ready')).toBe(503);
    expect(await health(standby.address, '/alive')).toBe(200);

    const [worker] = (await active.haproxy.control.processes()).workers;
    process.kill(worker!.pid, 'SIGSTOP');
    await ready(200, 3_000);
    // Another look at the same active one: what is known of it comes along.
    await standby.haproxy.load(await configured(standby.port));
    expect(await health(standby.address, '/ready')).toBe(200);
    process.kill(worker!.pid, 'SIGCONT');
    await ready(503, 3_000);

    await active.haproxy.stop();
    await ready(200, 3_000);
  });

  test('and control answer while a listener is saturated and clients wait, however many ask', async () => {
    const amphora = await start('web-1', { flavor: { threads: 1, maxConnections: 10 } });
    const clients = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = connect(amphora.port, amphora.address);
        socket.on('error', () => {});
        await once(socket, 'connect');
        return socket;
      }),
    );
    try {
      await eventually(async () => expect((await read(amphora.control, [])).workers[0]).toMatchObject({ current: 10, queued: true }));
      const ask = (from: number) => health(amphora.address, '/ready', `127.0.1.${from + 1}`);
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n)));
      expect(answers).toEqual(Array.from({ length: 20 }, () => 200));
    } finally {
      for (const socket of clients) socket.destroy();
    }
  });

  test('and control answer while every listener is saturated', async () => {
    const amphora = await start('web-1', { flavor: { threads: 1, maxConnections: 50 } });
    const ports = [amphora.port, ...(await freePorts(3))];
    const next = await configured(amphora.port, { flavor: { threads: 1, maxConnections: 50 } });
    next.listeners = ports.map((protocolPort) => listener({ protocolPort, name: `on-${protocolPort}` }));
    await amphora.haproxy.load(next);
    const clients = ports.flatMap((port) => Array.from({ length: 60 }, () => connect(port, amphora.address).on('error', () => {})));
    try {
      await eventually(async () => expect((await read(amphora.control, [])).workers[0]).toMatchObject({ current: 200, queued: true }));
      expect(await health(amphora.address, '/alive')).toBe(200);
    } finally {
      for (const socket of clients) socket.destroy();
    }
  });
});

describe('peers in TLS', () => {
  const entries = async ({ haproxy }: Amphora) => (await haproxy.control.worker('show table pool:app')).match(/^0x/gm)?.length ?? 0;
  const visit = ({ address, port }: Amphora, i: number) => request({ address, port, localAddress: `127.0.9.${i}` });

  test('hand over their tables, to a younger one and over a reload', async () => {
    const old = await start('web-1', { peers: [{ peer: 1 }] });
    for (let i = 1; i <= 5; i++) await visit(old, i);
    const peers = [{ peer: 0, address: old.address }];
    const next = await start('web-2', { peer: 1, peers });
    await eventually(async () => expect((await read(next.control, peers)).stickTablesSynced).toBe(true), { withinMs: 20_000 });
    expect(await entries(next)).toBe(5);
    await visit(old, 6);
    await eventually(async () => expect(await entries(next)).toBe(6));
    await next.haproxy.load(await configured(next.port, { peer: 1, peers }));
    await eventually(async () => expect(await entries(next)).toBe(6), { withinMs: 20_000 });
  });

  test('an amphora of another load balancer learns nothing, nor does one without a certificate', async () => {
    const old = await start('web-1', { peers: [{ peer: 1 }] });
    for (let i = 1; i <= 5; i++) await visit(old, i);
    const peers = [{ peer: 0, address: old.address }];
    const thief = await start('shop-1', { loadBalancer: 'shop', peer: 1, peers });
    // It has given up once nothing more is to be learnt.
    const flags = async () => Number.parseInt(/flags=0x([0-9a-f]+)/.exec(await thief.haproxy.control.worker('show peers'))![1]!, 16);
    await eventually(async () => expect((await flags()) & 3).toBe(3), { withinMs: 40_000 });
    expect((await read(thief.control, peers)).stickTablesSynced).toBe(false);
    expect(await entries(thief)).toBe(0);

    const pem = thief.files['peer.pem'];
    const secureContext = createSecureContext({ cert: pem, key: pem, ca: old.files['peer-ca.pem'] });
    const socket = connectTls({
      host: old.address,
      port: PEERS_PORT,
      secureContext,
      servername: serverName({ namespace: 'team', name: 'web-1' }),
    });
    socket.write('HAProxyS 2.1\npeer0\npeer1 1 1\n');
    const answered = jest.fn();
    socket.on('data', answered);
    await expect(once(socket, 'close')).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });
    expect(answered).not.toHaveBeenCalled();
  });
});
