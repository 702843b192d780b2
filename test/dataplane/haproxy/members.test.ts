import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Pool } from '../../../src/api/index.ts';
import type { Configuration, MemberServer } from '../../../src/provider/amphora/configuration.ts';
import { applyMembers, configurationHash, membersRevision, readLoaded } from '../../../src/provider/amphora/haproxy/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { issueCertificate, makeCa } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { request } from '../../support/request.ts';

jest.setTimeout(60_000);

let members: Members;
let haproxy: TestHaproxy | undefined;
let port: number;

beforeAll(async () => {
  members = await startMembers({ count: 3 });
});
afterAll(() => members?.close());
beforeEach(async () => {
  [port] = (await freePorts(1)) as [number];
});
afterEach(async () => {
  await haproxy?.stop();
  haproxy = undefined;
});

type Given = Partial<MemberServer> & { protocolPort: number };
const member = (i: number, given: Partial<MemberServer> = {}): Given => ({ protocolPort: members.members[i]!.port, ...given });
const monitor = { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 1, maxRetriesDown: 1 } as never;

function webTo(servers: Given[], given: Partial<Pool> = { healthMonitor: monitor }, secrets: Configuration['secrets'] = {}): Configuration {
  return configuration({ listeners: [listener({ protocolPort: port })], pools: [pool(servers, given as never)], secrets });
}

const worker = () => haproxy!.control.worker;
const loaded = () => readLoaded(worker(), []);
const whoAnswers = async () => (await request({ port })).headers['x-member'];

/** Brings the members over; the process must then say that it has exactly them, and not have reloaded. */
async function bring(next: Configuration) {
  const before = (await haproxy!.control.processes()).reloads;
  const outcome = await applyMembers(worker(), next);
  expect(outcome.reloadNeeded).toBeUndefined();
  const seen = await loaded();
  expect([seen.membersRevision, seen.configurationHash]).toEqual([membersRevision(next), configurationHash(next)]);
  expect((await haproxy!.control.processes()).reloads).toBe(before);
  return { ...outcome, seen };
}

/** What the process can't do at run time, with the outcome that a reload makes of it. */
async function reloadFor(next: Configuration) {
  const { reloadNeeded } = await applyMembers(worker(), next);
  await haproxy!.load(next);
  expect((await loaded()).membersRevision).toBe(membersRevision(next));
  expect(await applyMembers(worker(), next)).toEqual({ retiring: [] });
  return reloadNeeded;
}

describe('members come over without a reload', () => {
  test('and without a failed request, while they are added, weighed, disabled and taken away', async () => {
    haproxy = await startHaproxy(webTo([member(0)]));
    const traffic = startTraffic({ url: `http://127.0.0.1:${port}`, newConnections: 2, keepAlive: 2, slow: 2, slowMs: 200, rate: 400 });
    try {
      await traffic.waitFor(50);
      for (const servers of [
        [member(0), member(1)],
        [member(0, { weight: 5 }), member(1), member(2)],
        [member(0, { enabled: false }), member(1), member(2)],
        [member(0, { draining: true }), member(2)],
        [member(1)],
        [member(0), member(1), member(2)],
      ]) {
        await bring(webTo(servers));
        const { requests } = traffic.counts();
        await traffic.waitFor(requests + 30);
      }
    } finally {
      await traffic.stop();
    }
    expect(await traffic.ended).toMatchObject({ failed: 0, failures: [] });
  });

  test('and are checked from then on', async () => {
    haproxy = await startHaproxy(webTo([member(0)]));
    await bring(webTo([member(0), member(1)]));
    const status = async () => (await loaded()).members.find(({ protocolPort }) => protocolPort === members.members[1]!.port)?.status;
    expect(await status()).toBe('ONLINE');
    await members.members[1]!.setHealthy(false);
    try {
      await eventually(async () => expect(await status()).toBe('ERROR'));
    } finally {
      await members.members[1]!.setHealthy(true);
    }
    await eventually(async () => expect(await status()).toBe('ONLINE'));
  });

  test('and one that is taken away keeps what it is doing until that ends', async () => {
    haproxy = await startHaproxy(webTo([member(0)]));
    const slow = request({ port, path: '/slow?ms=1500' });
    await eventually(async () => expect((await loaded()).connections.current).toBe(1));
    const next = webTo([member(1)]);
    const { retiring } = await bring(next);
    expect(retiring).toEqual([`pool:app/127.0.0.1:${members.members[0]!.port}`]);
    expect(await whoAnswers()).toBe('member-2');
    expect((await slow).headers['x-member']).toBe('member-1');
    // Its connection stays open for a while, idle, in case it is used again.
    await eventually(async () => expect(await applyMembers(worker(), next)).toEqual({ retiring: [] }), { withinMs: 40_000 });
    expect((await loaded()).members).toHaveLength(1);
  });

  test('and one that comes back while it is still there serves again', async () => {
    haproxy = await startHaproxy(webTo([member(0)]));
    const slow = request({ port, path: '/slow?ms=1500' });
    await eventually(async () => expect((await loaded()).connections.current).toBe(1));
    await bring(webTo([member(1)]));
    await bring(webTo([member(0)]));
    expect(await whoAnswers()).toBe('member-1');
    expect((await slow).status).toBe(200);
  });

  test('and cookies name the new ones as a reload would', async () => {
    const sticky = { sessionPersistence: { type: 'HTTP_COOKIE' as const } };
    const next = webTo([member(0), member(1)], sticky);
    haproxy = await startHaproxy(webTo([member(0)], sticky));
    await bring(next);
    const cookieOf = new Map<string, string>();
    await eventually(async () => {
      const { headers } = await request({ port });
      cookieOf.set(String(headers['x-member']), String(headers['set-cookie']).split(';')[0]!);
      expect(cookieOf.size).toBe(2);
    });
    await haproxy.load(next);
    for (const [name, cookie] of cookieOf) {
      for (let i = 0; i < 3; i++) expect((await request({ port, headers: { cookie } })).headers['x-member']).toBe(name);
    }
  });

  test('and a call that was cut off anywhere is completed by the next one', async () => {
    const given = { sessionPersistence: { type: 'HTTP_COOKIE' as const }, healthMonitor: monitor };
    const [small, large] = [webTo([member(0)], given), webTo([member(1), member(2)], given)];
    haproxy = await startHaproxy(small);
    for (let most = 0, whole = false; !whole; most++) {
      let commands = 0;
      const cutOff: typeof ask = (command, signal) => (commands++ < most ? ask(command, signal) : Promise.reject(new Error('cut off')));
      const ask = worker();
      whole = await applyMembers(cutOff, large).then(
        () => true,
        () => false,
      );
      const { seen } = await bring(large);
      expect(seen.members.filter(({ status }) => status === 'ONLINE')).toHaveLength(2);
      const names = new Set<unknown>();
      for (let i = 0; i < 4; i++) {
        const { headers } = await request({ port });
        expect(String(headers['set-cookie'])).toMatch(/^SRV=[0-9a-f]{16};/);
        names.add(headers['x-member']);
      }
      expect(names).toEqual(new Set(['member-2', 'member-3']));
      await bring(small);
    }
    await bring(large);
    await members.members[2]!.setHealthy(false);
    try {
      await eventually(async () => expect((await loaded()).members.map(({ status }) => status)).toContain('ERROR'));
    } finally {
      await members.members[2]!.setHealthy(true);
    }
  });

  test('and SOURCE_IP spreads clients over them', async () => {
    haproxy = await startHaproxy(webTo([member(0)], { lbAlgorithm: 'SOURCE_IP' }));
    await bring(webTo([member(0), member(1), member(2)], { lbAlgorithm: 'SOURCE_IP' }));
    const seen = new Set<unknown>();
    for (let i = 1; i <= 40; i++) {
      const from = { port, localAddress: `127.0.3.${i}` };
      const [one, again] = [await request(from), await request(from)];
      expect(again.headers['x-member']).toBe(one.headers['x-member']);
      seen.add(one.headers['x-member']);
    }
    expect(seen.size).toBe(3);
  });

  test('and TLS to them works as for the others', async () => {
    const ca = await makeCa();
    const own = await issueCertificate({ ca, cn: 'member', dnsNames: ['member'] });
    const client = await issueCertificate({ ca, cn: 'lb', client: true });
    const secure = await startMembers({ count: 2, protocol: 'https', tls: { ...own, clientCaPem: ca.certPem } });
    try {
      const tls = { tls: { tlsEnabled: true, tlsContainerRef: 'client', caTlsContainerRef: 'ca' }, healthMonitor: monitor };
      const secrets = { client: { certificate: client.certPem, key: client.keyPem }, ca: { ca: ca.certPem } };
      const to = (i: number) => ({ protocolPort: secure.members[i]!.port });
      haproxy = await startHaproxy(webTo([to(0)], tls, secrets));
      await bring(webTo([to(1)], tls, secrets));
      expect((await request({ port })).headers['x-member']).toBe('member-2');
    } finally {
      await secure.close();
    }
  });
});

describe('a reload is asked for', () => {
  test('where more than the members differs', async () => {
    haproxy = await startHaproxy(webTo([member(0)]));
    expect(await reloadFor(webTo([member(0)], { lbAlgorithm: 'LEAST_CONNECTIONS' }))).toBe('more than the members differs');
  });

  test('where a member becomes a backup, or is checked elsewhere', async () => {
    haproxy = await startHaproxy(webTo([member(0), member(1)]));
    expect(await reloadFor(webTo([member(0), member(1, { backup: true })]))).toContain('changes in more than its weight and state');
    expect(await reloadFor(webTo([member(0), member(1, { backup: true, monitorPort: members.members[0]!.port })]))).toContain(
      'changes in more',
    );
    expect(await reloadFor(webTo([member(0), member(1, { backup: true, monitorAddress: '127.0.0.2' })]))).toContain('changes in more');
  });
});
