/** The contract of `AmphoraDriver`, one sentence of its docstrings a test, run against every driver. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Amphora } from '../../src/api/index.ts';
import type { Configuration } from '../../src/provider/amphora/configuration.ts';
import { type AmphoraDriver, ConfigurationRefused, DriverError } from '../../src/provider/amphora/driver.ts';
import { eventually as until } from '../support/eventually.ts';
import { namesOfExisting } from '../support/existing.ts';
import { buildAmphora, buildConfiguration, buildServer, withBrokenRegex } from './builders.ts';

/** What the suite needs of the place where a driver is tried. */
export interface ContractSetting {
  driver: AmphoraDriver;
  /** Another driver on the same place, as after the operator has been restarted. */
  restarted(): AmphoraDriver;
  /** Ports that listeners may have. */
  ports: number[];
  /** Members that are up. */
  members: { address: string; protocolPort: number }[];
  /** Ends the HAProxy of an amphora behind the driver's back. */
  crash(amphora: Amphora): Promise<void>;
  /** An address that a VIP may have. */
  vipAddress: string;
  /** How long what is asked for may take to be seen; milliseconds. Default 10 000. */
  patienceMs?: number;
  dispose(): Promise<void>;
}

/** Runs the contract; `skips` says for a test's name why this driver can't be held to it. */
export function describeDriverContract(
  name: string,
  set: () => Promise<ContractSetting>,
  { skips = {} }: { skips?: Record<string, string> } = {},
): void {
  const holds = (sentence: string, run: () => Promise<void>) => {
    const reason = skips[sentence];
    if (reason === undefined) test(sentence, run);
    else test.skip(`${sentence} (skipped: ${reason})`, run);
  };

  describe(`the ${name} driver`, () => {
    let setting: ContractSetting;
    let driver: AmphoraDriver;
    const vip = { namespace: 'shop', name: 'web', uid: 'lb-uid' };
    const otherVip = { namespace: 'shop', name: 'other', uid: 'other-uid' };

    beforeEach(async () => {
      setting = await set();
      driver = setting.driver;
    });
    afterEach(async () => setting.dispose());

    const eventually = <T>(attempt: () => T | Promise<T>) => until(attempt, { withinMs: setting.patienceMs });
    const amphora = (n: number, more: Partial<Parameters<typeof buildAmphora>[0]> = {}) =>
      buildAmphora({ name: `web-amp-${n}`, peer: n, ...more });
    const configurationOf = (amphora: Amphora, more: Partial<Parameters<typeof buildConfiguration>[0]> = {}): Configuration =>
      buildConfiguration({ amphora, ports: setting.ports.slice(0, 1), servers: setting.members.map(buildServer), ...more });

    const isRunning = async (amphora: Amphora) =>
      eventually(async () => {
        const seen = await driver.observe(amphora);
        expect(seen).toMatchObject({ exists: true, running: true });
        return seen;
      });
    const built = async (amphora: Amphora, configuration = configurationOf(amphora)) => {
      await driver.build(amphora, configuration);
      return isRunning(amphora);
    };
    const seenAttached = async (amphora: Amphora, attached: boolean) =>
      eventually(async () => expect(await driver.observe(amphora)).toMatchObject({ attached }));
    const behindVip = async (...names: string[]) => eventually(async () => expect((await driver.observeVip(vip))?.attached).toEqual(names));

    describe('its VIP', () => {
      holds('has an address, and keeps it for life', async () => {
        const first = await driver.ensureVip(vip, []);
        expect(first.address).toMatch(/^[0-9.]+$/);
        expect((await driver.ensureVip(vip, setting.ports)).address).toBe(first.address);
        expect((await driver.ensureVip({ ...vip, address: first.address }, [])).address).toBe(first.address);
        expect((await driver.observeVip(vip))?.address).toBe(first.address);
      });

      holds('has the address that is wanted', async () => {
        expect((await driver.ensureVip({ ...vip, address: setting.vipAddress }, [])).address).toBe(setting.vipAddress);
      });

      holds('is refused an address that another load balancer has', async () => {
        await driver.ensureVip({ ...vip, address: setting.vipAddress }, []);
        const refused = driver.ensureVip({ ...otherVip, address: setting.vipAddress }, []);
        await expect(refused).rejects.toMatchObject({ name: 'DriverError', reason: 'AddressNotAvailable' });
        await expect(refused).rejects.toThrow(setting.vipAddress);
        expect(await driver.observeVip(otherVip)).toBeUndefined();
      });

      holds('is not that of another load balancer', async () => {
        const [one, other] = [await driver.ensureVip(vip, []), await driver.ensureVip(otherVip, [])];
        expect(one.address).not.toBe(other.address);
      });

      holds('serves exactly the ports that were asked for last', async () => {
        const servesPorts = async (ports: number[]) => {
          await driver.ensureVip(vip, ports);
          await eventually(async () => expect((await driver.observeVip(vip))?.ports).toEqual([...ports].sort((a, b) => a - b)));
        };
        const [a, b] = setting.ports as [number, number];
        await servesPorts([]);
        await servesPorts([a]);
        await servesPorts([b, a]);
        await servesPorts([b]);
        await servesPorts([]);
      });

      holds('is not there before it is ensured, nor after it is released', async () => {
        expect(await driver.observeVip(vip)).toBeUndefined();
        await driver.ensureVip(vip, setting.ports);
        await driver.releaseVip(vip);
        expect(await driver.observeVip(vip)).toBeUndefined();
      });

      holds('can be released twice, and without having been there', async () => {
        await driver.releaseVip(vip);
        await driver.ensureVip(vip, setting.ports);
        await driver.releaseVip(vip);
        await driver.releaseVip(vip);
      });

      holds('frees its address when released', async () => {
        await driver.ensureVip({ ...vip, address: setting.vipAddress }, setting.ports);
        await driver.releaseVip(vip);
        expect((await driver.ensureVip({ ...otherVip, address: setting.vipAddress }, setting.ports)).address).toBe(setting.vipAddress);
      });
    });

    describe('an amphora', () => {
      holds('does not exist before it is built', async () => {
        const one = amphora(1);
        expect(await driver.observe(one)).toMatchObject({ exists: false, running: false, lost: false, attached: false, listeners: [] });
        expect(await driver.lastConfiguration(one)).toBeUndefined();
        expect(await driver.serversState(one)).toBeUndefined();
        expect(await namesOfExisting(driver, vip)).toEqual([]);
      });

      holds('runs with its configuration once built', async () => {
        const one = amphora(1);
        const configuration = configurationOf(one, { ports: setting.ports });
        await built(one, configuration);
        await eventually(async () => {
          const seen = await driver.observe(one);
          expect(seen).toMatchObject({ lost: false, attached: false, stickTablesSynced: true });
          expect(seen.problem).toBeUndefined();
          expect(seen.address).toMatch(/^[0-9.]+$/);
          expect(seen.haproxyVersion).toBeTruthy();
          expect(Math.abs(seen.startedAt!.getTime() - Date.now())).toBeLessThan(60_000);
          expect(seen.listeners).toEqual([...setting.ports].sort((a, b) => a - b).map((protocolPort) => ({ protocolPort, open: true })));
          expect(seen.members.map(({ pool, status }) => ({ pool, status }))).toEqual(
            setting.members.map(() => ({ pool: 'web', status: 'NO_MONITOR' })),
          );
        });
        expect(await driver.lastConfiguration(one)).toEqual(configuration);
        expect(await namesOfExisting(driver, vip)).toEqual([one.metadata.name]);
        expect(await namesOfExisting(driver, otherVip)).toEqual([]);
      });

      holds('has the same hash and revision as any other of the same configuration', async () => {
        const [one, two] = [amphora(1), amphora(2)];
        await built(one);
        await built(two);
        const [first, second] = [await driver.observe(one), await driver.observe(two)];
        expect(first.configurationHash).toBeTruthy();
        expect(first.membersRevision).toBeTruthy();
        expect(second.configurationHash).toBe(first.configurationHash);
        expect(second.membersRevision).toBe(first.membersRevision);
        expect(second.address).not.toBe(first.address);
      });

      holds('is left alone by another build while it runs', async () => {
        const one = amphora(1);
        const before = await built(one);
        await driver.build(one, configurationOf(one, { ports: setting.ports }));
        const after = await driver.observe(one);
        expect(after.configurationHash).toBe(before.configurationHash);
        expect(after.startedAt).toEqual(before.startedAt);
      });

      holds('that refuses its first configuration says why, and does not run', async () => {
        const one = amphora(1);
        const build = () => driver.build(one, withBrokenRegex(configurationOf(one)));
        // At once, or when it is asked for once more after HAProxy has tried.
        await eventually(() => expect(build()).rejects.toThrow(ConfigurationRefused));
        await expect(build()).rejects.toThrow(/regex/i);
        expect((await driver.observe(one)).running).toBe(false);
        await built(one);
      });

      holds('that crashed is seen not to run, and is started again by a build, at its address and with what it is given', async () => {
        const one = amphora(1);
        const before = await built(one);
        await setting.crash(one);
        await eventually(async () => expect(await driver.observe(one)).toMatchObject({ exists: true, running: false, lost: false }));
        const next = configurationOf(one, { ports: setting.ports });
        const after = await built(one, next);
        expect(after.address).toBe(before.address);
        // Where something else starts it again, that may have been with what it had.
        await driver.configure(one, next);
        expect(await driver.lastConfiguration(one)).toEqual(next);
      });

      holds('takes another configuration', async () => {
        const one = amphora(1);
        const before = await built(one);
        const next = configurationOf(one, { ports: setting.ports });
        await driver.configure(one, next);
        await eventually(async () => {
          const seen = await driver.observe(one);
          expect(seen.configurationHash).not.toBe(before.configurationHash);
          expect(seen.listeners.map(({ open }) => open)).toEqual(setting.ports.map(() => true));
        });
        expect(await driver.lastConfiguration(one)).toEqual(next);
        await driver.configure(one, next);
      });

      holds('takes other members, which change its revision and not its hash', async () => {
        const one = amphora(1);
        const before = await built(one);
        const next = configurationOf(one, { servers: setting.members.slice(1).map((member) => buildServer({ ...member, weight: 7 })) });
        await driver.configure(one, next);
        await eventually(async () => {
          const seen = await driver.observe(one);
          expect(seen.configurationHash).toBe(before.configurationHash);
          expect(seen.membersRevision).not.toBe(before.membersRevision);
          expect(seen.members.map(({ protocolPort }) => protocolPort)).toEqual(
            setting.members.slice(1).map(({ protocolPort }) => protocolPort),
          );
        });
        await driver.configure(one, configurationOf(one));
        await eventually(async () => expect((await driver.observe(one)).membersRevision).toBe(before.membersRevision));
      });

      holds('reports members that are out as OFFLINE, and terminating ones as DRAINING', async () => {
        const one = amphora(1);
        const [a, b] = setting.members as [{ address: string; protocolPort: number }, { address: string; protocolPort: number }];
        await built(one, configurationOf(one, { servers: [buildServer({ ...a, enabled: false }), buildServer({ ...b, draining: true })] }));
        await eventually(async () => {
          const byPort = new Map((await driver.observe(one)).members.map(({ protocolPort, status }) => [protocolPort, status]));
          expect(byPort.get(a.protocolPort)).toBe('OFFLINE');
          expect(byPort.get(b.protocolPort)).toBe('DRAINING');
        });
      });

      holds('that refuses a configuration says why, and goes on with the one that it has', async () => {
        const one = amphora(1);
        const before = await built(one);
        const refused = driver.configure(one, withBrokenRegex(configurationOf(one, { ports: setting.ports })));
        await expect(refused).rejects.toThrow(ConfigurationRefused);
        await expect(refused).rejects.toThrow(/regex/i);
        const after = await driver.observe(one);
        expect(after).toMatchObject({ running: true, configurationHash: before.configurationHash, listeners: before.listeners });
        expect(await driver.lastConfiguration(one)).toEqual(configurationOf(one));
        await driver.configure(one, configurationOf(one, { ports: setting.ports }));
        await eventually(async () => expect((await driver.observe(one)).listeners).toHaveLength(setting.ports.length));
      });

      holds('that does not run can not be configured', async () => {
        await expect(driver.configure(amphora(1), configurationOf(amphora(1)))).rejects.toThrow(DriverError);
      });

      holds('gives the state of its servers to a younger one', async () => {
        const [one, two] = [amphora(1), amphora(2)];
        await built(one);
        const serversState = await driver.serversState(one);
        expect(serversState).toContain(String(setting.members[0]!.protocolPort));
        await driver.build(two, configurationOf(two), { serversState: serversState! });
        await isRunning(two);
      });

      holds('is behind the VIP once attached, and no longer once detached', async () => {
        const [one, two] = [amphora(1), amphora(2)];
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        await built(one);
        await built(two);
        await driver.attach(one);
        await seenAttached(one, true);
        await behindVip('web-amp-1');
        await driver.attach(one);
        await driver.attach(two);
        await behindVip('web-amp-1', 'web-amp-2');
        await driver.detach(one);
        await seenAttached(one, false);
        await behindVip('web-amp-2');
        await driver.detach(one);
        await driver.attach(one);
        await behindVip('web-amp-1', 'web-amp-2');
        await seenAttached(two, true);
      });

      holds('can not be attached before there is a VIP', async () => {
        await built(amphora(1));
        await expect(driver.attach(amphora(1))).rejects.toMatchObject({ name: 'DriverError', reason: 'VipPending' });
      });

      holds('that does not exist can not be attached, and is detached, drained and destroyed already', async () => {
        await driver.ensureVip(vip, []);
        await expect(driver.attach(amphora(1))).rejects.toThrow(DriverError);
        await driver.detach(amphora(1));
        await driver.drain(amphora(1));
        await driver.destroy(amphora(1));
        expect((await driver.observe(amphora(1))).exists).toBe(false);
      });

      holds('stays attached when the ports of the VIP change', async () => {
        const one = amphora(1);
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        await built(one, configurationOf(one, { ports: setting.ports }));
        await driver.attach(one);
        await behindVip('web-amp-1');
        await driver.ensureVip(vip, setting.ports);
        await eventually(async () => expect((await driver.observeVip(vip))?.ports).toHaveLength(setting.ports.length));
        await behindVip('web-amp-1');
        await seenAttached(one, true);
      });

      holds('that crashed can not be reached through the VIP, and can again when it runs', async () => {
        const [one, two] = [amphora(1), amphora(2)];
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        for (const each of [one, two]) {
          await built(each);
          await driver.attach(each);
        }
        await setting.crash(one);
        await behindVip('web-amp-2');
        await built(one);
        await behindVip('web-amp-1', 'web-amp-2');
      });

      holds('of role BACKUP stands behind the VIP as well, and can become the MASTER', async () => {
        const [master, backup] = [amphora(1, { role: 'MASTER' }), amphora(2, { role: 'BACKUP' })];
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        for (const each of [master, backup]) {
          await built(each);
          await driver.attach(each);
        }
        await behindVip('web-amp-1', 'web-amp-2');
        await driver.detach(master);
        const promoted = amphora(2, { role: 'MASTER' });
        await driver.attach(promoted);
        await behindVip('web-amp-2');
        await seenAttached(promoted, true);
        await driver.detach(promoted);
        await seenAttached(promoted, false);
        await behindVip();
      });

      holds('that is attached is neither drained nor destroyed', async () => {
        const one = amphora(1);
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        await built(one);
        await driver.attach(one);
        await seenAttached(one, true);
        await expect(driver.drain(one)).rejects.toThrow(/detach/);
        await expect(driver.destroy(one)).rejects.toThrow(/detach/);
        expect(await driver.observe(one)).toMatchObject({ running: true, attached: true });
      });

      holds('is no longer attached once its VIP is released', async () => {
        const one = amphora(1);
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        await built(one);
        await driver.attach(one);
        await seenAttached(one, true);
        await driver.releaseVip(vip);
        await seenAttached(one, false);
        await driver.destroy(one);
        await eventually(async () => expect(await namesOfExisting(driver, vip)).toEqual([]));
      });

      holds('can be drained twice, and attached again afterwards', async () => {
        const one = amphora(1);
        await driver.ensureVip(vip, setting.ports.slice(0, 1));
        const before = await built(one);
        await driver.drain(one);
        await driver.drain(one);
        await eventually(async () => expect((await driver.observe(one)).connections.current).toBe(0));
        await driver.attach(one);
        await behindVip('web-amp-1');
        expect(await driver.observe(one)).toMatchObject({ running: true, attached: true, configurationHash: before.configurationHash });
      });

      holds('leaves nothing behind when destroyed, and can be destroyed again', async () => {
        const one = amphora(1);
        await built(one);
        await driver.destroy(one);
        await eventually(async () => expect(await driver.observe(one)).toMatchObject({ exists: false, running: false }));
        await eventually(async () => expect(await namesOfExisting(driver, vip)).toEqual([]));
        expect(await driver.lastConfiguration(one)).toBeUndefined();
        await driver.destroy(one);
      });
    });

    holds('a driver started anew finds everything', async () => {
      const [one, two] = [amphora(1), amphora(2)];
      const { address } = await driver.ensureVip(vip, setting.ports.slice(0, 1));
      await built(one);
      await built(two);
      await driver.attach(one);
      await behindVip('web-amp-1');
      const before = await driver.observe(one);

      driver = setting.restarted();
      expect(await driver.observeVip(vip)).toEqual({ address, ports: setting.ports.slice(0, 1), attached: ['web-amp-1'] });
      expect(await namesOfExisting(driver, vip)).toEqual(['web-amp-1', 'web-amp-2']);
      expect(await driver.observe(one)).toMatchObject({
        running: true,
        attached: true,
        address: before.address,
        startedAt: before.startedAt,
        configurationHash: before.configurationHash,
      });
      expect(await driver.observe(two)).toMatchObject({ running: true, attached: false });
      expect(await driver.lastConfiguration(one)).toEqual(configurationOf(one));
      await driver.attach(two);
      await driver.detach(one);
      await behindVip('web-amp-2');
      await driver.destroy(one);
      await eventually(async () => expect(await namesOfExisting(driver, vip)).toEqual(['web-amp-2']));
    });

    holds('no act does anything once its signal has aborted', async () => {
      const one = amphora(1);
      const signal = AbortSignal.abort(new Error('stop now'));
      const acts = [
        () => driver.ensureVip(vip, setting.ports, signal),
        () => driver.observeVip(vip, signal),
        () => driver.releaseVip(vip, signal),
        () => driver.build(one, configurationOf(one), {}, signal),
        () => driver.configure(one, configurationOf(one), signal),
        () => driver.lastConfiguration(one, signal),
        () => driver.observe(one, signal),
        () => driver.serversState(one, signal),
        () => driver.attach(one, signal),
        () => driver.detach(one, signal),
        () => driver.drain(one, signal),
        () => driver.destroy(one, signal),
        () => driver.list(vip, signal),
      ];
      for (const act of acts) await expect(act()).rejects.toThrow('stop now');
      expect(await driver.observeVip(vip)).toBeUndefined();
      expect(await namesOfExisting(driver, vip)).toEqual([]);
    });
  });
}
