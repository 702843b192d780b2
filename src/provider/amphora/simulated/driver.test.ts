import { describe, expect, test } from '@jest/globals';
import { buildAmphora, buildConfiguration, buildServer } from '../../../../test/contract/builders.ts';
import { seeded } from '../../../../test/support/seeded.ts';
import type { Pool } from '../../../api/index.ts';
import { ConfigurationRefused, DriverError } from '../driver.ts';
import { SimulatedDriver } from './driver.ts';
import { SimulatedWorld, type WorldOptions } from './world.ts';

const vip = { namespace: 'shop', name: 'web', uid: 'lb-uid' };
const one = buildAmphora({ name: 'web-amp-1', flavorId: 'small' });
const two = buildAmphora({ name: 'web-amp-2', flavorId: 'large', peer: 1 });
const healthMonitor = { type: 'HTTP' } as Pool['healthMonitor'];
const configurationOf = (amphora = one, ports = [8080]) =>
  buildConfiguration({ amphora, ports, servers: [buildServer({ address: '127.0.0.1', protocolPort: 9001 })], pool: { healthMonitor } });

/** A driver on a clock that the test turns. */
function simulated(options: WorldOptions = {}) {
  const clock = { now: 1_000_000 };
  const world = new SimulatedWorld({ now: () => clock.now, ...options });
  const driver = new SimulatedDriver(world);
  return { clock, world, driver, faults: world.faults };
}

async function attached(options: WorldOptions = {}) {
  const setting = simulated(options);
  await setting.driver.ensureVip(vip, [8080]);
  await setting.driver.build(one, configurationOf());
  await setting.driver.attach(one);
  return setting;
}

describe('delays', () => {
  test('the effect of an act shows when its time has come, and asking again does not put it off', async () => {
    const { driver, clock } = simulated({ delays: { build: 500, sync: 200 } });
    await driver.build(one, configurationOf());
    expect(await driver.observe(one)).toMatchObject({ exists: true, running: false, problem: undefined });
    clock.now += 400;
    await driver.build(one, configurationOf());
    clock.now += 100;
    expect(await driver.observe(one)).toMatchObject({ running: true, stickTablesSynced: false });
    clock.now += 200;
    expect(await driver.observe(one)).toMatchObject({ stickTablesSynced: true });
  });

  test('an amphora goes on with what it has until another configuration is loaded', async () => {
    const { driver, clock } = simulated({ delays: { configure: 500 } });
    await driver.build(one, configurationOf());
    await driver.configure(one, configurationOf(one, [8080, 8443]));
    expect((await driver.observe(one)).listeners).toHaveLength(1);
    expect(await driver.lastConfiguration(one)).toEqual(configurationOf());
    clock.now += 500;
    expect((await driver.observe(one)).listeners).toHaveLength(2);
  });

  test('attaching and detaching are seen late too, and slow faults add to it', async () => {
    const { driver, clock, faults } = await attached({ delays: { detach: 100 } });
    faults.inject({ kind: 'slow', act: 'detach', ms: 1000 }, { amphora: 'web-amp-1', times: 1 });
    await driver.detach(one);
    clock.now += 1099;
    expect((await driver.observe(one)).attached).toBe(true);
    await expect(driver.destroy(one)).rejects.toThrow(/detach/);
    clock.now += 1;
    expect((await driver.observe(one)).attached).toBe(false);
  });

  test('one that is on its way out is seen as not settled, counts as reached by nobody, and stays when it is attached once more', async () => {
    const { driver, clock } = await attached({ delays: { detach: 100 } });
    await driver.detach(one);
    expect(await driver.observe(one)).toMatchObject({ attached: true, standby: undefined });
    expect((await driver.observeVip(vip))!.attached).toEqual([]);
    await driver.attach(one);
    clock.now += 100;
    expect(await driver.observe(one)).toMatchObject({ attached: true, standby: false });
    expect((await driver.observeVip(vip))!.attached).toEqual([one.metadata.name]);
  });
});

describe('faults', () => {
  test('a build that fails is told with its reason, and works once the fault is gone', async () => {
    const { driver, faults } = simulated();
    const mend = faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'no such image' }, { flavorId: 'large' });
    await driver.build(one, configurationOf(one));
    await driver.build(two, configurationOf(two));
    expect(await driver.observe(one)).toMatchObject({ running: true });
    expect(await driver.observe(two)).toMatchObject({
      exists: true,
      running: false,
      problem: { reason: 'ImageNotFound', message: 'no such image' },
    });
    mend();
    await driver.build(two, configurationOf(two));
    expect(await driver.observe(two)).toMatchObject({ running: true, problem: undefined });
  });

  test('an amphora that never gets ready stays starting, without a word', async () => {
    const { driver, faults, clock } = simulated();
    faults.inject({ kind: 'neverReady' }, { amphora: 'web-amp-1' });
    await driver.build(one, configurationOf());
    clock.now += 3_600_000;
    expect(await driver.observe(one)).toMatchObject({ exists: true, running: false, lost: false, problem: undefined });
  });

  test('a refusal strikes the configurations that match, as often as it was told to', async () => {
    const { driver, faults } = simulated();
    faults.inject(
      { kind: 'configurationRefused', message: 'not this one', matches: ({ listeners }) => listeners.length > 1 },
      { times: 1 },
    );
    await driver.build(one, configurationOf());
    await expect(driver.configure(one, configurationOf(one, [8080, 8443]))).rejects.toThrow(ConfigurationRefused);
    await driver.configure(one, configurationOf(one, [8080, 8443]));
  });

  test('an act that throws before has done nothing, one that throws after has done all', async () => {
    const { driver, faults } = await attached();
    faults.inject({ kind: 'throws', act: 'detach', when: 'before' }, { times: 1 });
    await expect(driver.detach(one)).rejects.toThrow(DriverError);
    expect((await driver.observe(one)).attached).toBe(true);
    faults.inject({ kind: 'throws', act: 'detach', when: 'after', error: new Error('the answer was lost') }, { times: 1 });
    await expect(driver.detach(one)).rejects.toThrow('the answer was lost');
    expect((await driver.observe(one)).attached).toBe(false);
  });

  test('an act that hangs ends when its signal aborts, having done nothing', async () => {
    const { driver, faults } = simulated();
    faults.inject({ kind: 'hangs', act: 'build' });
    const stop = new AbortController();
    const building = driver.build(one, configurationOf(), {}, stop.signal);
    stop.abort(new Error('enough'));
    await expect(building).rejects.toThrow('enough');
    expect((await driver.observe(one)).exists).toBe(false);
  });

  test('a lost amphora can not be built again, only destroyed', async () => {
    const { driver, world } = await attached();
    world.lose('web-amp-1', 'the machine is gone');
    expect(await driver.observe(one)).toMatchObject({ running: false, lost: true, problem: { message: 'the machine is gone' } });
    await expect(driver.build(one, configurationOf())).rejects.toMatchObject({ reason: 'AmphoraLost' });
    await driver.detach(one);
    await driver.destroy(one);
    await driver.build(one, configurationOf());
    expect(await driver.observe(one)).toMatchObject({ running: true, lost: false });
  });

  test('chaos of the same seed fails the same acts, some of them after they took effect', async () => {
    const outcomes = async () => {
      const { driver } = simulated({ chaos: { random: seeded(7), probability: 0.5 } });
      const seen: string[] = [];
      for (let i = 0; i < 40; i++) {
        await driver.ensureVip(vip, [8000 + i]).catch(() => {});
        seen.push(String((await driver.observeVip(vip))?.ports));
      }
      return seen;
    };
    const first = await outcomes();
    expect(await outcomes()).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(15);
    expect(new Set(first).size).toBeLessThan(40);
  });
});

describe('traffic', () => {
  test('only attached amphorae gain connections, a standby none while another serves', async () => {
    const master = buildAmphora({ name: 'm', role: 'MASTER' });
    const backup = buildAmphora({ name: 'b', role: 'BACKUP', peer: 1 });
    const { driver, clock, world } = simulated({ newConnectionsPerSecond: 10 });
    await driver.ensureVip(vip, [8080]);
    for (const amphora of [master, backup]) {
      await driver.build(amphora, configurationOf(amphora));
      await driver.attach(amphora);
    }
    const totals = async () => [(await driver.observe(master)).connections.total, (await driver.observe(backup)).connections.total];
    clock.now += 5_000;
    expect(await totals()).toEqual([50, 0]);
    world.crash('m');
    clock.now += 2_000;
    expect((await totals())[1]).toBe(20);
  });

  test('connections last until they are drained, and beyond where they do not end', async () => {
    const { driver, world, faults } = await attached();
    world.setConnections('web-amp-1', 3, { queued: true });
    expect((await driver.observe(one)).connections).toEqual({ current: 3, total: 3, queued: true });
    await driver.detach(one);
    faults.inject({ kind: 'connectionsDontEnd' }, { times: 1 });
    await driver.drain(one);
    expect((await driver.observe(one)).connections.current).toBe(3);
    await driver.drain(one);
    expect((await driver.observe(one)).connections.current).toBe(0);
  });

  test('members are as the test says, for all amphorae or for one', async () => {
    const { driver, world } = await attached();
    await driver.build(two, configurationOf(two));
    world.setMember('127.0.0.1', 9001, 'ERROR');
    world.setMember('127.0.0.1', 9001, 'ONLINE', 'web-amp-2');
    expect((await driver.observe(one)).members).toMatchObject([{ status: 'ERROR' }]);
    expect((await driver.observe(two)).members).toMatchObject([{ status: 'ONLINE' }]);
    world.leaveUnchecked('web-amp-2', 1);
    expect([await driver.observe(one), await driver.observe(two)]).toMatchObject([{ uncheckedMembers: 0 }, { uncheckedMembers: 1 }]);
  });
});

describe('what comes from outside', () => {
  test('a place that is being cleared is told of by those who run there, and by nobody who is built later', async () => {
    const { driver, world } = await attached();
    world.disrupt('web-amp-1', 'node n1 is cordoned');
    expect((await driver.observe(one)).disruption).toEqual({ reason: 'AmphoraDisrupted', message: 'node n1 is cordoned' });
    await driver.build(two, configurationOf(two));
    expect((await driver.observe(two)).disruption).toBeUndefined();
    world.settle('web-amp-1');
    expect((await driver.observe(one)).disruption).toBeUndefined();
  });

  test('what is out of date beside the configuration is renewed by configuring once more', async () => {
    const { driver, world } = await attached();
    world.outdate('web-amp-1');
    expect((await driver.observe(one)).renewalDue).toBe(true);
    await driver.configure(one, configurationOf(one));
    expect((await driver.observe(one)).renewalDue).toBe(false);
  });
});

test('5000 load balancers are built, attached and looked at within seconds', async () => {
  const { driver } = simulated();
  const startedAt = performance.now();
  for (let i = 0; i < 5000; i++) {
    const uid = `lb-${i}`;
    const amphora = buildAmphora({ name: `amp-${i}`, uid });
    await driver.ensureVip({ namespace: 'shop', name: `web-${i}`, uid }, [8080]);
    await driver.build(amphora, configurationOf(amphora));
    await driver.attach(amphora);
    await driver.observe(amphora);
  }
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});
