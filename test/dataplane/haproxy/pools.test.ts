import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { HealthMonitor, Listener, Pool } from '../../../src/api/index.ts';
import type { MemberServer } from '../../../src/provider/amphora/configuration.ts';
import { readLoaded } from '../../../src/provider/amphora/haproxy/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { issueCertificate, makeCa } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { request, type TestRequest, type TestResponse } from '../../support/request.ts';

jest.setTimeout(60_000);

let members: Members;
let haproxy: TestHaproxy | undefined;
let ports: number[];

beforeAll(async () => {
  members = await startMembers({ count: 3 });
});
afterAll(() => members?.close());
beforeEach(async () => {
  ports = await freePorts(2);
});
afterEach(async () => {
  await haproxy?.stop();
  haproxy = undefined;
});

type Given = Partial<MemberServer> & { protocolPort: number };
const member = (i: number, given: Partial<MemberServer> = {}): Given => ({ protocolPort: members.members[i]!.port, ...given });

async function start(servers: Given[], given: Partial<Pool> = {}, listeners: Partial<Listener>[] = [{}]): Promise<void> {
  haproxy = await startHaproxy(
    configuration({
      listeners: listeners.map((each, i) => listener({ name: `l${i}`, protocolPort: ports[i]!, ...each })),
      pools: [pool(servers, given as never)],
    }),
  );
}
const ask = (given: Partial<TestRequest> = {}) => request({ port: ports[0]!, ...given });
const who = ({ headers }: TestResponse) => String(headers['x-member']);
const statuses = async () =>
  Object.fromEntries(
    (await readLoaded(haproxy!.control.worker, [])).members.map(({ protocolPort, status }) => [
      members.members.findIndex(({ port }) => port === protocolPort),
      status,
    ]),
  );
const unchecked = async () => (await readLoaded(haproxy!.control.worker, [])).uncheckedMembers;

async function answers(count: number, given: Partial<TestRequest> = {}): Promise<Record<string, number>> {
  const tally: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const name = who(await ask(given));
    tally[name] = (tally[name] ?? 0) + 1;
  }
  return tally;
}

describe('members', () => {
  test('take their share by weight; those out of use, draining or of weight 0 take none', async () => {
    await start([member(0, { weight: 3 }), member(1), member(2, { weight: 0 })]);
    expect(await answers(40)).toEqual({ 'member-1': 30, 'member-2': 10 });
    await haproxy!.stop();
    await start([member(0), member(1, { enabled: false }), member(2, { draining: true })]);
    expect(await answers(10)).toEqual({ 'member-1': 10 });
    expect(await statuses()).toEqual({ 0: 'NO_MONITOR', 1: 'OFFLINE', 2: 'DRAINING' });
  });

  test('that are backups serve, all of them, only while no other is up', async () => {
    await start([member(0), member(1, { backup: true }), member(2, { backup: true })], { healthMonitor: monitorOf({}) });
    expect(await answers(6)).toEqual({ 'member-1': 6 });
    await members.members[0]!.setHealthy(false);
    try {
      await eventually(async () => expect(await answers(6)).toEqual({ 'member-2': 3, 'member-3': 3 }));
    } finally {
      await members.members[0]!.setHealthy(true);
    }
    await eventually(async () => expect(await answers(6)).toEqual({ 'member-1': 6 }));
  });

  test('with the fewest connections come first under LEAST_CONNECTIONS', async () => {
    await start([member(0), member(1)], { lbAlgorithm: 'LEAST_CONNECTIONS' });
    const slow = ask({ path: '/slow?ms=1500' });
    await eventually(async () => expect((await readLoaded(haproxy!.control.worker, [])).connections.current).toBe(1));
    const tally = await answers(6);
    expect(Object.keys(tally)).toHaveLength(1);
    expect(who(await slow)).not.toBe(Object.keys(tally)[0]);
  });

  test('that refuse a connection are passed over, and the request is answered', async () => {
    const [closed] = (await freePorts(1)) as [number];
    await start([member(0), { protocolPort: closed }]);
    expect(await answers(4)).toEqual({ 'member-1': 4 });
  });
});

const monitorOf = (given: Partial<HealthMonitor>) =>
  ({ type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 1, maxRetriesDown: 1, ...given }) as HealthMonitor;

describe('a health monitor', () => {
  const upAndDown = async (given: Partial<HealthMonitor>, servers: Given[], expected: object) => {
    await start(servers, { healthMonitor: monitorOf(given) });
    await eventually(async () => expect(await statuses()).toEqual(expected));
  };

  test('looks at every member soon after a load, however long its delay, and until then none counts as checked', async () => {
    const [closed] = (await freePorts(1)) as [number];
    const patient = { delay: 600, timeout: 50, maxRetries: 3, maxRetriesDown: 3 };
    await upAndDown(patient, [member(0), member(1), { protocolPort: closed }], { '-1': 'ERROR', 0: 'ONLINE', 1: 'ONLINE' });
    await eventually(async () => expect(await unchecked()).toBe(0));
    await haproxy!.stop();
    await start([member(0)], { healthMonitor: monitorOf({ ...patient, urlPath: '/slow?ms=2000' }) });
    expect(await unchecked()).toBe(1);
    await eventually(async () => expect(await unchecked()).toBe(0));
    expect(await statuses()).toEqual({ 0: 'ONLINE' });
  });

  test('of type HTTP expects a code, a list or a range', async () => {
    for (const [expectedCodes, status] of [
      ['200', 'ERROR'],
      ['204', 'ONLINE'],
      ['200,204', 'ONLINE'],
      ['202-206', 'ONLINE'],
      ['205-210', 'ERROR'],
    ] as const) {
      await upAndDown({ urlPath: '/status?code=204', expectedCodes }, [member(0)], { 0: status });
      await haproxy!.stop();
    }
  });

  test('of type HTTP asks with its method, path, version and host', async () => {
    const asked = (given: Partial<HealthMonitor>) => upAndDown(given, [member(0)], { 0: 'ONLINE' });
    await asked({ httpMethod: 'POST', urlPath: '/a?b=%20&c;d$e', httpVersion: '1.1', domainName: 'example.com' });
    await haproxy!.stop();
    // Without a Host header, a member that knows HTTP/1.1 answers 400.
    await asked({ httpVersion: '1.1' });
  });

  test('of type TCP is content with a connection', async () => {
    const [closed] = (await freePorts(1)) as [number];
    await members.members[0]!.setHealthy(false);
    try {
      await upAndDown({ type: 'TCP' }, [member(0), { protocolPort: closed }], { 0: 'ONLINE', '-1': 'ERROR' });
    } finally {
      await members.members[0]!.setHealthy(true);
    }
  });

  test('of type HTTPS asks over TLS, whatever the certificate', async () => {
    const own = await issueCertificate({ ca: await makeCa(), cn: 'member' });
    const secure = await startMembers({ count: 1, protocol: 'https', tls: own });
    try {
      await start(
        [{ protocolPort: secure.members[0]!.port }, member(0)],
        { protocol: 'HTTPS', healthMonitor: monitorOf({ type: 'HTTPS' }) },
        [{ protocol: 'HTTPS' }],
      );
      await eventually(async () => expect(await statuses()).toEqual({ '-1': 'ONLINE', 0: 'ERROR' }));
    } finally {
      await secure.close();
    }
  });

  test('asks where the member says', async () => {
    await members.members[2]!.setHealthy(false);
    try {
      await upAndDown(
        {},
        [
          member(0),
          member(1, { monitorPort: members.members[2]!.port }),
          member(2, { monitorPort: members.members[0]!.port, monitorAddress: '127.0.0.1' }),
        ],
        {
          0: 'ONLINE',
          1: 'ERROR',
          2: 'ONLINE',
        },
      );
    } finally {
      await members.members[2]!.setHealthy(true);
    }
  });

  test('that is administratively down asks nobody', async () => {
    await upAndDown({ adminStateUp: false }, [member(0)], { 0: 'NO_MONITOR' });
  });
});

describe('session persistence', () => {
  const stays = async (given: Partial<TestRequest>) => expect(Object.keys(await answers(6, given))).toHaveLength(1);

  test('by HTTP_COOKIE keeps a client with its member, and tells it no address', async () => {
    await start([member(0), member(1), member(2)], { sessionPersistence: { type: 'HTTP_COOKIE' } });
    const first = await ask();
    const cookie = String(first.headers['set-cookie']).split(';')[0]!;
    expect(cookie).toMatch(/^SRV=[0-9a-f]{16}$/);
    expect(await answers(6, { headers: { cookie } })).toEqual({ [who(first)]: 6 });
    expect(Object.keys(await answers(6))).toHaveLength(3);
  });

  test('by APP_COOKIE keeps a client by the application’s cookie, however long and alike they are', async () => {
    await start([member(0), member(1), member(2)], { sessionPersistence: { type: 'APP_COOKIE', cookieName: 'JSESSIONID' } });
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const first = await ask({ path: '/session' });
      const cookie = String(first.headers['set-cookie']).split(';')[0]!;
      expect(await answers(4, { headers: { cookie } })).toEqual({ [who(first)]: 4 });
      seen.add(who(first));
    }
    expect(seen.size).toBe(3);
    expect(await haproxy!.control.worker('show table pool:app')).not.toContain('member');
  });

  test('by SOURCE_IP keeps an address, over all listeners of the pool', async () => {
    const listeners = [{}, { timeoutMemberData: 7000 }];
    await start([member(0), member(1), member(2)], { sessionPersistence: { type: 'SOURCE_IP' } }, listeners);
    for (let i = 1; i <= 6; i++) {
      const localAddress = `127.0.4.${i}`;
      await stays({ localAddress });
      expect(who(await ask({ localAddress, port: ports[1]! }))).toBe(who(await ask({ localAddress })));
    }
    expect((await readLoaded(haproxy!.control.worker, [])).members).toHaveLength(3);
  });
});

describe('the client’s address reaches', () => {
  test.each(['PROXY', 'PROXYV2'] as const)('members of a %s pool', async (protocol) => {
    const proxied = await startMembers({ count: 1, proxyProtocol: true });
    try {
      await start([{ protocolPort: proxied.members[0]!.port }], { protocol });
      expect((await ask({ localAddress: '127.0.5.9' })).headers['x-client-address']).toBe('127.0.5.9');
    } finally {
      await proxied.close();
    }
  });
});
