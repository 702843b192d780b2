import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Configuration } from '../../../src/provider/amphora/configuration.ts';
import { ConfigurationRefused } from '../../../src/provider/amphora/driver.ts';
import { configurationHash, membersRevision, readConnections, readLoaded, Total } from '../../../src/provider/amphora/haproxy/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { request } from '../../support/request.ts';

jest.setTimeout(60_000);

let members: Members;
let haproxy: TestHaproxy;
let port: number;
let first: Configuration;

beforeAll(async () => {
  members = await startMembers({ count: 2 });
});
afterAll(() => members?.close());
beforeEach(async () => {
  [port] = (await freePorts(1)) as [number];
  first = webTo();
  haproxy = await startHaproxy(first);
});
afterEach(() => haproxy?.stop());

/** The listener `web` to both members, which are asked for /health. */
function webTo({ connectionLimit = -1, l7Policies = [] as object[] } = {}): Configuration {
  const healthMonitor = { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 1, maxRetriesDown: 1 } as never;
  return configuration({
    listeners: [listener({ protocolPort: port, connectionLimit, l7Policies: l7Policies as never })],
    pools: [
      pool(
        members.members.map((member) => ({ protocolPort: member.port })),
        { healthMonitor },
      ),
    ],
  });
}

const loaded = () => readLoaded(haproxy.control.worker, []);

describe('a reload', () => {
  test('fails no request, however the clients connect', async () => {
    const traffic = startTraffic({
      url: `http://127.0.0.1:${port}`,
      newConnections: 2,
      keepAlive: 2,
      downloads: 2,
      slow: 2,
      slowMs: 300,
      downloadSeconds: 1,
      rate: 400,
    });
    try {
      await traffic.waitFor(50);
      for (let limit = 100; limit < 106; limit++) {
        const next = webTo({ connectionLimit: limit });
        await haproxy.load(next);
        expect((await loaded()).configurationHash).toBe(configurationHash(next));
      }
    } finally {
      await traffic.stop();
    }
    expect(await traffic.ended).toMatchObject({ failed: 0, failures: [], retriedOnClosedIdle: 0 });
  });

  test('that HAProxy refuses changes nothing, and the error says what is wrong', async () => {
    const rules = [{ name: 'r', type: 'PATH', compareType: 'REGEX', value: '(unbalanced', invert: false, adminStateUp: true }];
    const broken = webTo({ l7Policies: [{ name: 'p', adminStateUp: true, action: 'REJECT', position: 1, rules }] });
    const refused = await haproxy.load(broken).catch((error) => error);
    expect(refused).toBeInstanceOf(ConfigurationRefused);
    expect(refused.message).toContain('(unbalanced');
    expect((await loaded()).configurationHash).toBe(configurationHash(first));
    expect((await request({ port })).status).toBe(200);
  });

  test('that the check could not foresee is seen to fail, and the next one works', async () => {
    await haproxy.write(first, { bindAddress: '192.0.2.1' });
    await expect(haproxy.control.reload()).rejects.toThrow(ConfigurationRefused);
    expect((await request({ port })).status).toBe(200);
    const next = webTo({ connectionLimit: 50 });
    await haproxy.load(next);
    expect((await loaded()).configurationHash).toBe(configurationHash(next));
  });

  test('keeps a member that is known to be down as down', async () => {
    await members.members[1]!.setHealthy(false);
    try {
      const down = () =>
        loaded().then((seen) => seen.members.filter(({ status }) => status === 'ERROR').map(({ protocolPort }) => protocolPort));
      await eventually(async () => expect(await down()).toEqual([members.members[1]!.port]));
      await haproxy.load(webTo({ connectionLimit: 70 }));
      expect(await down()).toEqual([members.members[1]!.port]);
    } finally {
      await members.members[1]!.setHealthy(true);
    }
  });

  test('leaves connections to the old worker, which still tells them', async () => {
    const slow = request({ port, path: '/slow?ms=2000' });
    await eventually(async () => expect((await loaded()).connections.current).toBe(1));
    await haproxy.load(webTo({ connectionLimit: 60 }));
    const { workers } = await haproxy.control.processes();
    expect(workers.map(({ old }) => old)).toEqual([false, true]);
    const readings = await Promise.all(
      workers.map(async ({ pid }) => ({ pid, ...(await readConnections(haproxy.control.workerOf(pid))) })),
    );
    const total = new Total();
    total.add(readings);
    expect(total.of(readings).connections).toEqual({ current: 1, total: 1, queued: false });
    expect((await slow).status).toBe(200);
    await eventually(async () => expect((await haproxy.control.processes()).workers).toHaveLength(1));
  });
});

describe('what a running process says of itself', () => {
  test('is the hash, the revision of its members, its ports and its members’ health', async () => {
    expect(await loaded()).toMatchObject({
      haproxyVersion: expect.stringMatching(/^\d+\.\d+/),
      configurationHash: configurationHash(first),
      membersRevision: membersRevision(first),
      listeners: [{ protocolPort: port, open: true }],
      members: members.members
        .map((member) => ({ pool: 'app', address: '127.0.0.1', protocolPort: member.port, status: 'ONLINE' }))
        .sort((a, b) => a.protocolPort - b.protocolPort),
      stickTablesSynced: true,
    });
  });

  test('is that a listener is at its limit, where clients wait', async () => {
    await haproxy.load(webTo({ connectionLimit: 1 }));
    const held = [request({ port, path: '/slow?ms=1000' }), request({ port, path: '/slow?ms=1000' })];
    await eventually(async () => expect((await loaded()).connections).toMatchObject({ current: 1, queued: true }));
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await loaded()).connections).toMatchObject({ current: 0, queued: false });
  });
});
