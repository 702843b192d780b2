/** Steering amphorae under real traffic: whatever is done to them, no request fails. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Amphora } from '../../../src/api/index.ts';
import { startTraffic, type Traffic } from '../../../tools/traffic/traffic.ts';
import { buildAmphora, buildConfiguration, buildServer } from '../../contract/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { namesOfExisting } from '../../support/existing.ts';
import { type ProcessSetting, processSetting } from './setting.ts';

jest.setTimeout(120_000);

const vip = { namespace: 'shop', name: 'web', uid: 'lb-uid' };
let setting: ProcessSetting;
let traffic: Traffic | undefined;

beforeEach(async () => {
  setting = await processSetting();
});
afterEach(async () => {
  await traffic?.stop();
  traffic = undefined;
  await setting.dispose();
});

const amphora = (n: number, more: Partial<Parameters<typeof buildAmphora>[0]> = {}) =>
  buildAmphora({ name: `web-amp-${n}`, peer: n % 8, ...more });

function configurationOf(amphora: Amphora, more: Partial<Parameters<typeof buildConfiguration>[0]> = {}) {
  const servers = setting.members.map(({ address, port }) => buildServer({ address, protocolPort: port }));
  return buildConfiguration({
    amphora,
    ports: setting.ports.slice(0, 1),
    servers,
    listener: { insertHeaders: { 'X-Forwarded-For': true } },
    ...more,
  });
}

async function serving(amphora: Amphora): Promise<void> {
  const { driver } = setting;
  await driver.build(amphora, configurationOf(amphora));
  await eventually(async () => expect(await driver.observe(amphora)).toMatchObject({ running: true, listeners: [{ open: true }] }));
  await driver.attach(amphora);
  await eventually(async () => expect((await driver.observeVip(vip))?.attached).toContain(amphora.metadata.name));
}

/** Out of the VIP, its connections asked to end; resolves when they have. */
async function drained(amphora: Amphora): Promise<void> {
  const { driver } = setting;
  await driver.detach(amphora);
  await eventually(async () => expect((await driver.observe(amphora)).attached).toBe(false));
  await driver.drain(amphora);
  await eventually(async () => expect((await driver.observe(amphora)).connections.current).toBe(0), { withinMs: 30_000 });
}

async function vipUrl(): Promise<string> {
  const { address } = await setting.driver.ensureVip(vip, setting.ports.slice(0, 1));
  return `http://${address}:${setting.ports[0]}`;
}

describe('no request fails', () => {
  test('while amphorae take each other’s place, one after the other', async () => {
    const url = await vipUrl();
    await serving(amphora(0));
    traffic = startTraffic({ url, newConnections: 4, keepAlive: 4, slow: 2, downloads: 2, rate: 800, checkClientAddress: true });
    await traffic.waitFor(200);
    for (let n = 1; n <= 4; n++) {
      await serving(amphora(n));
      await drained(amphora(n - 1));
      await setting.driver.destroy(amphora(n - 1));
      const { requests } = traffic.counts();
      await traffic.waitFor(requests + 200);
    }
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, retriedOnClosedIdle: 0 });
    expect(await namesOfExisting(setting.driver, { namespace: 'shop', uid: 'lb-uid' })).toEqual(['web-amp-4']);
  });

  test('while an amphora is attached, detached and drained, back and forth', async () => {
    const url = await vipUrl();
    await serving(amphora(0));
    await serving(amphora(1));
    traffic = startTraffic({ url, newConnections: 4, keepAlive: 4, downloads: 1, downloadSeconds: 1, rate: 800 });
    await traffic.waitFor(200);
    for (let i = 0; i < 5; i++) {
      await drained(amphora(1));
      await setting.driver.attach(amphora(1));
      await eventually(async () => expect((await setting.driver.observeVip(vip))?.attached).toHaveLength(2));
      await drained(amphora(0));
      await setting.driver.attach(amphora(0));
      await eventually(async () => expect((await setting.driver.observeVip(vip))?.attached).toHaveLength(2));
    }
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, retriedOnClosedIdle: 0 });
  });

  test('while the configuration, the members and the ports of the VIP change', async () => {
    const url = await vipUrl();
    const one = amphora(0);
    await serving(one);
    traffic = startTraffic({ url, newConnections: 4, keepAlive: 4, slow: 2, slowMs: 300, downloads: 2, rate: 800 });
    await traffic.waitFor(200);
    const [first, second] = setting.members.map(({ address, port }) => buildServer({ address, protocolPort: port })) as [
      ReturnType<typeof buildServer>,
      ReturnType<typeof buildServer>,
    ];
    for (let i = 0; i < 4; i++) {
      for (const more of [
        { servers: [first] },
        { servers: [{ ...first, weight: 3 }, second] },
        { listener: { timeoutClientData: 40_000 + i } },
        { ports: setting.ports },
      ]) {
        const next = configurationOf(one, more);
        await setting.driver.configure(one, next);
        expect(await setting.driver.lastConfiguration(one)).toEqual(next);
      }
      await setting.driver.ensureVip(vip, setting.ports);
      await setting.driver.ensureVip(vip, setting.ports.slice(0, 1));
      const { requests } = traffic.counts();
      await traffic.waitFor(requests + 100);
    }
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts).toMatchObject({ failed: 0, retriedOnClosedIdle: 0 });
    await eventually(async () => expect((await setting.driver.observe(one)).connections.current).toBe(0), { withinMs: 30_000 });
  });

  test('of clients that are queued at a saturated amphora when it is detached', async () => {
    const url = await vipUrl();
    const small = amphora(0, { flavorData: { maxConnections: 10 } });
    await serving(small);
    traffic = startTraffic({ url, held: 60, holdMs: 2_000, maxRequests: 120 });
    await eventually(async () => {
      const { connections } = await setting.driver.observe(small);
      expect(connections.queued).toBe(true);
      expect(connections.current).toBeGreaterThan(40);
    });
    // Its own checks still succeed: it is saturated, not dead.
    expect((await setting.driver.observeVip(vip))?.attached).toEqual(['web-amp-0']);
    await serving(amphora(1));
    await drained(small);
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts.failed).toBe(0);
    expect(counts.requests).toBeGreaterThanOrEqual(60);
  });
});

test('a download goes on through detach and drain, and is counted until it ends', async () => {
  const url = await vipUrl();
  await serving(amphora(0));
  traffic = startTraffic({ url, downloads: 1, downloadBytes: 500_000, downloadSeconds: 4, maxRequests: 1 });
  await eventually(async () => expect((await setting.driver.observe(amphora(0))).connections.current).toBe(1));
  await serving(amphora(1));
  await setting.driver.detach(amphora(0));
  await setting.driver.drain(amphora(0));
  await setting.driver.drain(amphora(0));
  expect((await setting.driver.observe(amphora(0))).connections.current).toBe(1);
  expect(await traffic.ended).toMatchObject({ requests: 1, failed: 0 });
  await eventually(async () => expect((await setting.driver.observe(amphora(0))).connections).toMatchObject({ current: 0, queued: false }));
});

test('what was counted grows with each connection, and does not fall when a reloaded worker ends', async () => {
  const url = await vipUrl();
  const one = amphora(0);
  await serving(one);
  await startTraffic({ url, newConnections: 2, maxRequests: 20 }).ended;
  await eventually(async () => expect((await setting.driver.observe(one)).connections.total).toBe(20));
  const [before] = (await setting.driver.observe(one)).statistics;
  expect(before).toMatchObject({ totalConnections: 20, requestErrors: 0 });
  // A request and an answer have dozens of bytes at least.
  expect(before!.bytesIn).toBeGreaterThan(20 * 50);
  expect(before!.bytesOut).toBeGreaterThan(20 * 50);
  await setting.driver.configure(one, configurationOf(one, { listener: { timeoutClientData: 40_000 } }));
  await startTraffic({ url, newConnections: 2, maxRequests: 5 }).ended;
  await eventually(async () => expect((await setting.driver.observe(one)).connections.total).toBe(25));
  const [after] = (await setting.driver.observe(one)).statistics;
  expect(after!.bytesIn / before!.bytesIn).toBeCloseTo(25 / 20, 1);
  expect(after!.bytesOut).toBeGreaterThan(before!.bytesOut);
});
