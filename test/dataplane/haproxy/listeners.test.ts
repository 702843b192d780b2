import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Listener } from '../../../src/api/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy, type TestHaproxyOptions } from '../../support/haproxy.ts';
import { open, request, type TestRequest } from '../../support/request.ts';

jest.setTimeout(60_000);

let members: Members;
let haproxy: TestHaproxy | undefined;
let port: number;

beforeAll(async () => {
  members = await startMembers({ count: 1 });
});
afterAll(() => members?.close());
beforeEach(async () => {
  [port] = (await freePorts(1)) as [number];
});
afterEach(async () => {
  await haproxy?.stop();
  haproxy = undefined;
});

async function start(given: Partial<Listener>, options: TestHaproxyOptions & { poolUp?: boolean; poolPort?: number } = {}): Promise<void> {
  const { poolUp = true, poolPort = members.members[0]!.port, ...rest } = options;
  const pools = [pool([{ protocolPort: poolPort }], { adminStateUp: poolUp })];
  haproxy = await startHaproxy(configuration({ listeners: [listener({ protocolPort: port, ...given })], pools }), rest);
}
const ask = (given: Partial<TestRequest> = {}) => request({ port, ...given });

describe('a listener without a pool to send to', () => {
  test.each([
    ['that has none', { defaultPool: undefined }, true],
    ['whose pool is administratively down', {}, false],
  ] as const)('%s answers 503 over HTTP, and closes TCP', async (_, given, poolUp) => {
    await start(given, { poolUp });
    expect((await ask()).status).toBe(503);
    await haproxy!.stop();
    await start({ ...given, protocol: 'TCP' }, { poolUp });
    await expect(ask()).rejects.toThrow();
  });
});

describe('allowedCidrs', () => {
  const allowedCidrs = ['127.0.6.0/24', 'fd00::/8', '203.0.113.0/24'];

  test('admits these networks alone', async () => {
    await start({ allowedCidrs });
    expect((await ask({ localAddress: '127.0.6.1' })).status).toBe(200);
    await expect(ask({ localAddress: '127.0.7.1' })).rejects.toThrow();
  });

  test('looks at the address that a PROXY header tells', async () => {
    await start({ allowedCidrs }, { acceptProxy: true });
    expect((await ask({ localAddress: '127.0.7.1', proxiedFrom: '203.0.113.9' })).status).toBe(200);
    await expect(ask({ localAddress: '127.0.6.1', proxiedFrom: '198.51.100.1' })).rejects.toThrow();
  });
});

describe('the client’s address', () => {
  const insertHeaders = { 'X-Forwarded-For': true, 'X-Forwarded-Port': true, 'X-Forwarded-Proto': true };

  test('and what it connected to stand in the headers that members get, after whatever the client says', async () => {
    await start({ insertHeaders }, { acceptProxy: true });
    const forged = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-port': '1', 'x-forwarded-proto': 'gopher' };
    const { headers } = JSON.parse((await ask({ path: '/echo', proxiedFrom: '203.0.113.9', headers: forged })).body);
    expect(headers).toMatchObject({
      'x-forwarded-for': '1.2.3.4, 203.0.113.9',
      'x-forwarded-port': String(port),
      'x-forwarded-proto': 'http',
    });
  });

  test('is only inserted where it was asked for', async () => {
    await start({}, { acceptProxy: true });
    const { headers } = JSON.parse((await ask({ path: '/echo', proxiedFrom: '203.0.113.9' })).body);
    expect(Object.keys(headers).filter((name) => name.startsWith('x-'))).toEqual([]);
  });
});

describe('time-outs', () => {
  test('of a member’s answer end a request with 504', async () => {
    await start({ timeoutMemberData: 200 });
    expect((await ask({ path: '/slow?ms=5000' })).status).toBe(504);
  });

  test('of a client’s silence close its connection', async () => {
    await start({ protocol: 'TCP', timeoutClientData: 200 });
    const socket = await open({ port });
    expect(await text(socket)).toBe('');
  });
});

test('a TCP listener passes bytes both ways until both sides have ended', async () => {
  const echo = await startMembers({ count: 1, protocol: 'tcp' });
  try {
    await start({ protocol: 'TCP' }, { poolPort: echo.members[0]!.port });
    const socket = await open({ port });
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    expect(greeting.toString()).toBe('member-1 127.0.0.1\n');
    socket.end('some bytes');
    expect(await text(socket)).toBe('some bytes');
  } finally {
    await echo.close();
  }
});

test('a load balancer without listeners runs, and answers who checks whether it is alive', async () => {
  const [alive] = (await freePorts(1)) as [number];
  haproxy = await startHaproxy(configuration(), { aliveBind: `127.0.0.1:${alive}` });
  const socket = await open({ port: alive });
  socket.end('show info\n');
  expect(await text(socket)).toContain('Name: HAProxy');
});

test('who checks whether it is alive can change nothing', async () => {
  const [alive] = (await freePorts(1)) as [number];
  await start({}, { aliveBind: `127.0.0.1:${alive}` });
  const socket = await open({ port: alive });
  socket.end(`set server pool:app/127.0.0.1:${members.members[0]!.port} state maint\n`);
  expect(await text(socket)).toContain('Permission denied');
  expect((await ask()).status).toBe(200);
});

test('a saturated amphora still says that it is alive', async () => {
  const [alive] = (await freePorts(1)) as [number];
  await start({ connectionLimit: 1 }, { aliveBind: `127.0.0.1:${alive}` });
  const held = [ask({ path: '/slow?ms=1000' }), ask({ path: '/slow?ms=1000' })];
  const socket = await open({ port: alive });
  socket.end('show info\n');
  expect(await text(socket)).toContain('Name: HAProxy');
  expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
});
