/** What dies or freezes behind the driver's back, and what cannot be had: what goes on, what heals, and in what words the rest is told. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { request } from 'undici';
import type { Amphora, Pool } from '../../../src/api/index.ts';
import { ProcessDriver } from '../../../src/provider/amphora/process/driver.ts';
import { HaproxyProcess } from '../../../src/provider/amphora/process/haproxy-process.ts';
import { Layout, readJson, writeJson } from '../../../src/provider/amphora/process/layout.ts';
import type { VipState } from '../../../src/provider/amphora/process/vip-configuration.ts';
import { buildAmphora, buildConfiguration, buildServer } from '../../contract/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { haproxiesIn } from '../../support/haproxies.ts';
import { type ProcessSetting, processSetting, signalAmphora, signalVip } from './setting.ts';

jest.setTimeout(60_000);

const vip = { namespace: 'shop', name: 'web', uid: 'lb-uid' };
let setting: ProcessSetting;
let driver: ProcessDriver;

beforeEach(async () => {
  setting = await processSetting();
  driver = setting.driver;
});
afterEach(async () => setting.dispose());

const master = () => buildAmphora({ name: 'web-amp-0', role: 'MASTER' });
const backup = () => buildAmphora({ name: 'web-amp-1', role: 'BACKUP', peer: 1 });

/** The answers tell which amphora gave them: each has one member of its own. */
function configurationOf(amphora: Amphora, more: Partial<Parameters<typeof buildConfiguration>[0]> = {}) {
  const { address, port } = setting.members[amphora.spec.peer]!;
  return buildConfiguration({
    amphora,
    ports: setting.ports.slice(0, 1),
    servers: [buildServer({ address, protocolPort: port })],
    ...more,
  });
}

async function running(amphora: Amphora, configuration = configurationOf(amphora)): Promise<void> {
  await driver.build(amphora, configuration);
  await eventually(async () => expect(await driver.observe(amphora)).toMatchObject({ running: true }));
}

async function serving(...amphorae: Amphora[]): Promise<string> {
  const { address } = await driver.ensureVip(vip, setting.ports.slice(0, 1));
  for (const amphora of amphorae) {
    await running(amphora);
    await driver.attach(amphora);
  }
  await eventually(async () => expect((await driver.observeVip(vip))?.attached).toEqual(amphorae.map(({ metadata }) => metadata.name)));
  return `http://${address}:${setting.ports[0]}/`;
}

const amphoraFolder = (amphora: Amphora) => join(setting.stateDir, 'loadbalancers', 'lb-uid', 'amphorae', amphora.metadata.name);
const vipFolder = () => join(setting.stateDir, 'loadbalancers', 'lb-uid', 'vip');

/** The member that answers a new connection. */
async function answeredBy(url: string): Promise<string> {
  const { headers, body } = await request(url, { reset: true, headersTimeout: 1_000, bodyTimeout: 1_000 });
  await body.dump();
  return String(headers['x-member']);
}

describe('a pair, with nobody to act', () => {
  test('the standby takes no traffic while the active one lives', async () => {
    const url = await serving(master(), backup());
    for (let i = 0; i < 20; i++) expect(await answeredBy(url)).toBe(setting.members[0]!.name);
  });

  test('the standby takes over when the active one is killed, and gives way when it is back', async () => {
    const url = await serving(master(), backup());
    await signalAmphora(master(), setting.stateDir, 'SIGKILL');
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[1]!.name), { withinMs: 5_000 });
    await running(master());
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[0]!.name), { withinMs: 5_000 });
  });

  test('the standby takes over when the active one freezes, and gives way when it thaws', async () => {
    const url = await serving(master(), backup());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[1]!.name), { withinMs: 10_000 });
    await signalAmphora(master(), setting.stateDir, 'SIGCONT');
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[0]!.name), { withinMs: 5_000 });
  });
});

describe('an amphora', () => {
  test('that is the only one keeps its connections although its checks fail', async () => {
    const url = await serving(master());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    await eventually(async () => expect((await driver.observeVip(vip))?.attached).toEqual([]), { withinMs: 10_000 });
    const answer = request(url, { headersTimeout: 20_000 });
    await signalAmphora(master(), setting.stateDir, 'SIGCONT');
    expect((await answer).statusCode).toBe(200);
  });

  test('that is frozen is told of, and started again when that lasts', async () => {
    let ahead = 0;
    driver = new ProcessDriver({ stateDir: setting.stateDir, now: () => Date.now() + ahead });
    await serving(master());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    expect(await driver.observe(master())).toMatchObject({ exists: true, running: false, lost: false, attached: true });
    await driver.build(master(), configurationOf(master()));
    expect((await driver.observe(master())).running).toBe(false);
    ahead = 11_000;
    expect((await driver.observe(master())).problem?.message).toMatch(/has not answered for 1\d s/);
    await running(master());
    await eventually(async () => expect((await driver.observeVip(vip))?.attached).toEqual(['web-amp-0']));
  });

  test('that thawed while the operator itself stood still is left as it is', async () => {
    let ahead = 0;
    driver = new ProcessDriver({ stateDir: setting.stateDir, now: () => Date.now() + ahead });
    await serving(master());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    expect((await driver.observe(master())).running).toBe(false);
    const before = await haproxiesIn(amphoraFolder(master()));
    await signalAmphora(master(), setting.stateDir, 'SIGCONT');
    ahead = 60_000;
    await driver.build(master(), configurationOf(master()));
    expect(await haproxiesIn(amphoraFolder(master()))).toEqual(before);
    expect((await driver.observe(master())).running).toBe(true);
  });

  test('that ends again and again is lost, with the reason, and stays so for the next driver', async () => {
    await running(master());
    for (let i = 1; i < 5; i++) {
      await signalAmphora(master(), setting.stateDir, 'SIGKILL');
      await running(master());
    }
    await signalAmphora(master(), setting.stateDir, 'SIGKILL');
    await expect(driver.build(master(), configurationOf(master()))).rejects.toMatchObject({ name: 'DriverError', reason: 'AmphoraLost' });
    const seen = await new ProcessDriver({ stateDir: setting.stateDir }).observe(master());
    expect(seen).toMatchObject({ exists: true, running: false, lost: true, problem: { reason: 'AmphoraLost' } });
    await driver.destroy(master());
    await running(master());
  });

  test('whose image is missing says which file, and starts once it is there', async () => {
    const tagged = buildAmphora({ name: 'web-amp-0', flavorData: { ampImageTag: '2.6-custom' } });
    const missing = join(setting.stateDir, 'images', '2.6-custom', 'haproxy');
    const refused = driver.build(tagged, configurationOf(tagged));
    await expect(refused).rejects.toMatchObject({ name: 'DriverError', reason: 'ImageNotFound' });
    await expect(refused).rejects.toThrow(missing);
    await mkdir(join(missing, '..'), { recursive: true });
    await symlink('/usr/sbin/haproxy', missing);
    await running(tagged);
  });

  test('whose image vanished is lost when it has to be started again', async () => {
    const tagged = buildAmphora({ name: 'web-amp-0', flavorData: { ampImageTag: '2.6-custom' } });
    const image = join(setting.stateDir, 'images', '2.6-custom', 'haproxy');
    await mkdir(join(image, '..'), { recursive: true });
    await symlink('/usr/sbin/haproxy', image);
    await running(tagged);
    await driver.lastConfiguration(tagged);
    await rm(image);
    expect(await driver.observe(tagged)).toMatchObject({ running: true });
    await signalAmphora(tagged, setting.stateDir, 'SIGKILL');
    await expect(driver.build(tagged, configurationOf(tagged))).rejects.toMatchObject({ reason: 'AmphoraLost' });
    expect(await driver.observe(tagged)).toMatchObject({ lost: true });
  });

  test('that crashed starts with what it had when what it is given is refused', async () => {
    await running(master());
    await driver.lastConfiguration(master());
    await signalAmphora(master(), setting.stateDir, 'SIGKILL');
    const broken = configurationOf(master(), {
      listener: { tls: { defaultTlsContainerRef: 'bad', clientAuthentication: 'NONE' }, protocol: 'TERMINATED_HTTPS' },
    });
    await driver.build(master(), { ...broken, secrets: { bad: { certificate: 'no certificate', key: 'no key' } } });
    await eventually(async () => expect(await driver.observe(master())).toMatchObject({ running: true }));
    expect(await driver.lastConfiguration(master())).toEqual(configurationOf(master()));
  });

  test('that refuses at a reload what a check let pass keeps, and loads next, what it had', async () => {
    process.env.REFLAVOR_TEST_SECRET = 'secret';
    const tagged = buildAmphora({ name: 'web-amp-0', flavorData: { ampImageTag: 'lenient' } });
    const image = join(setting.stateDir, 'images', 'lenient', 'haproxy');
    await mkdir(join(image, '..'), { recursive: true });
    const seen = join(setting.stateDir, 'environment');
    await writeFile(image, `#!/bin/sh\ncase "$1" in -c) env > ${seen}; exit 0;; esac\nexec /usr/sbin/haproxy "$@"\n`, { mode: 0o755 });
    await running(tagged);
    const had = await driver.lastConfiguration(tagged);
    const file = join(amphoraFolder(tagged), 'haproxy.cfg');
    const installed = await readFile(file, 'utf8');
    const broken = configurationOf(tagged, {
      listener: { tls: { defaultTlsContainerRef: 'bad', clientAuthentication: 'NONE' }, protocol: 'TERMINATED_HTTPS' },
    });
    const refused = driver.configure(tagged, { ...broken, secrets: { bad: { certificate: 'no certificate', key: 'no key' } } });
    await expect(refused).rejects.toMatchObject({ name: 'ConfigurationRefused' });
    await expect(refused).rejects.not.toThrow(setting.stateDir);
    expect(await driver.lastConfiguration(tagged)).toEqual(had);
    expect(await readFile(file, 'utf8')).toBe(installed);
    // As an operator leaves it that dies before the reload.
    await writeFile(file, 'what has never been loaded');
    await driver.drain(tagged);
    expect(await driver.observe(tagged)).toMatchObject({ running: true, listeners: [{ open: true }] });
    expect(await readFile(seen, 'utf8')).toMatch(/^PATH=/m);
    expect(await readFile(seen, 'utf8')).not.toContain('REFLAVOR_TEST_SECRET');
  });

  test('takes no member at an address of the amphorae, where the control ports of others are', async () => {
    await running(master());
    const { address } = await driver.observe(master());
    const member = buildServer({ address: setting.members[0]!.address, protocolPort: setting.members[0]!.port });
    for (const servers of [[buildServer({ address: address!, protocolPort: 61026 })], [{ ...member, monitorAddress: address! }]]) {
      const refused = driver.configure(master(), configurationOf(master(), { servers }));
      await expect(refused).rejects.toMatchObject({ name: 'ConfigurationRefused' });
      await expect(refused).rejects.toThrow(address!);
    }
    expect(await driver.lastConfiguration(master())).toEqual(configurationOf(master()));
  });

  test('does not take a port that another program has on all addresses, and loses nothing over it', async () => {
    const [port, taken] = setting.ports;
    const url = await serving(master());
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(taken, '0.0.0.0', resolve));
    try {
      const refused = driver.configure(master(), configurationOf(master(), { ports: [port, taken] }));
      await expect(refused).rejects.toMatchObject({ name: 'DriverError', reason: 'PortInUse' });
      await expect(refused).rejects.toThrow(String(taken));
      await expect(driver.ensureVip(vip, [port, taken])).rejects.toMatchObject({ reason: 'PortInUse' });
      await expect(driver.ensureVip({ ...vip, uid: 'other-uid' }, [taken])).rejects.toMatchObject({ reason: 'PortInUse' });
      expect(await answeredBy(url)).toBe(setting.members[0]!.name);
      expect((await driver.observe(master())).listeners).toEqual([{ protocolPort: port, open: true }]);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
    await driver.configure(master(), configurationOf(master(), { ports: [port, taken] }));
    expect((await driver.ensureVip(vip, [port, taken])).ports).toEqual([port, taken]);
  });

  test('knows after a reload, and tells a younger one, which members are down', async () => {
    // Silent, so that only a check that runs into its time-out finds it down: a process that knew nothing would take it for up until then.
    const held = new Set<Socket>();
    const silent = createServer((socket) => held.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const down = (silent.address() as { port: number }).port;
      const up = setting.members[0]!.port;
      const healthMonitor = {
        type: 'HTTP',
        urlPath: '/health',
        delay: 3,
        timeout: 3,
        maxRetries: 1,
        maxRetriesDown: 1,
      } as Pool['healthMonitor'];
      const servers = [up, down].map((protocolPort) => buildServer({ address: '127.0.0.1', protocolPort }));
      const more = { servers, pool: { healthMonitor } };
      const [one, two] = [buildAmphora({ name: 'web-amp-0' }), buildAmphora({ name: 'web-amp-1', peer: 1 })];
      const seesIt = async (amphora: Amphora) => {
        const { members } = await driver.observe(amphora);
        expect(Object.fromEntries(members.map(({ protocolPort, status }) => [protocolPort, status]))).toEqual({
          [up]: 'ONLINE',
          [down]: 'ERROR',
        });
      };
      await running(one, configurationOf(one, more));
      await eventually(() => seesIt(one));
      await driver.configure(one, configurationOf(one, { ...more, listener: { timeoutClientData: 40_000 } }));
      await seesIt(one);
      await driver.build(two, configurationOf(two, more), { serversState: (await driver.serversState(one))! });
      await eventually(async () => expect((await driver.observe(two)).running).toBe(true), { everyMs: 10 });
      await seesIt(two);
    } finally {
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  test('leaves no process and no socket behind when destroyed, even frozen', async () => {
    await serving(master());
    await driver.detach(master());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    await driver.destroy(master());
    expect(await haproxiesIn(join(setting.stateDir, 'loadbalancers', 'lb-uid', 'amphorae'))).toEqual([]);
    expect(await driver.list(vip)).toEqual([]);
  });
});

describe('a VIP', () => {
  test('whose HAProxy was killed comes back with its address, its ports and its amphorae', async () => {
    const url = await serving(master(), backup());
    await signalVip('lb-uid', setting.stateDir, 'SIGKILL');
    await eventually(async () => expect(await driver.observeVip(vip)).toMatchObject({ ports: [], attached: [] }));
    await driver.ensureVip(vip, setting.ports.slice(0, 1));
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[0]!.name));
    expect((await driver.observeVip(vip))?.attached).toEqual(['web-amp-0', 'web-amp-1']);
  });

  test('whose HAProxy was killed still counts its amphorae as attached, since it comes back with them', async () => {
    await serving(master());
    await signalVip('lb-uid', setting.stateDir, 'SIGKILL');
    expect((await driver.observe(master())).attached).toBe(true);
    await expect(driver.destroy(master())).rejects.toThrow(/detach/);
    await driver.detach(master());
    await eventually(async () => expect((await driver.observe(master())).attached).toBe(false));
    await driver.destroy(master());
  });

  test('whose release was cut off by the operator’s death leaves nothing once its amphorae are gone', async () => {
    await serving(master());
    await driver.releaseVip(vip);
    await mkdir(vipFolder(), { recursive: true });
    await writeFile(join(vipFolder(), 'haproxy.log'), '');
    await driver.destroy(master());
    expect(await readdir(join(setting.stateDir, 'loadbalancers'))).toEqual([]);
  });

  test('whose HAProxy froze is started again, and meanwhile nobody is told that its amphorae are out', async () => {
    const url = await serving(master());
    await signalVip('lb-uid', setting.stateDir, 'SIGSTOP');
    await expect(driver.observe(master())).rejects.toThrow(/does not answer/);
    await driver.ensureVip(vip, setting.ports.slice(0, 1));
    expect(await answeredBy(url)).toBe(setting.members[0]!.name);
  });

  test.each([
    ['its ports', 'set maxconn frontend vip 2'],
    ['its process', 'set maxconn global 2'],
  ])('at the connection limit of %s still has its ports open, and is not reloaded over it', async (_, limit) => {
    const url = new URL(await serving(master()));
    await new HaproxyProcess(new Layout(setting.stateDir).vip('lb-uid'), Date.now).control.worker(limit);
    const clients = Array.from({ length: 3 }, () => connect(Number(url.port), url.hostname).on('error', () => {}));
    try {
      await eventually(async () => expect((await driver.observe(master())).connections.current).toBe(2));
      const before = await haproxiesIn(vipFolder());
      expect((await driver.observeVip(vip))?.ports).toEqual(setting.ports.slice(0, 1));
      expect((await driver.ensureVip(vip, setting.ports.slice(0, 1))).ports).toEqual(setting.ports.slice(0, 1));
      expect(await haproxiesIn(vipFolder())).toEqual(before);
    } finally {
      for (const client of clients) client.destroy();
    }
  });

  test('is not taken for dead because the operator stood still while it was asked', async () => {
    await driver.ensureVip(vip, []);
    const process = new HaproxyProcess(new Layout(setting.stateDir).vip('lb-uid'), Date.now);
    let tries = 0;
    const answer = process.untilItAnswers(
      async () => {
        // What a paused machine looks like from within: no event is served, then the try has run into its time-out.
        if (++tries === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000);
        if (tries < 4) throw new Error('timed out');
        return 'an answer';
      },
      undefined,
      4_000,
    );
    expect(await answer).toBe('an answer');
  });

  test('can not have an address that this machine lacks, and says so', async () => {
    await expect(driver.ensureVip({ ...vip, address: '192.0.2.7' }, [])).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
    expect(await driver.observeVip(vip)).toBeUndefined();
    await driver.ensureVip(vip, []);
  });
});

test('an address is to be had again although the operator died while it removed what had it', async () => {
  const address = '127.200.14.9';
  await driver.ensureVip({ ...vip, address }, []);
  await expect(driver.ensureVip({ ...vip, uid: 'other-uid', address }, [])).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
  await signalVip('lb-uid', setting.stateDir, 'SIGKILL');
  await rm(vipFolder(), { recursive: true });
  expect((await driver.ensureVip({ ...vip, uid: 'other-uid', address }, [])).address).toBe(address);
  await expect(driver.ensureVip({ ...vip, address }, [])).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
});

test('files that a power cut left empty are no end: an amphora is lost and can be replaced, a VIP starts anew where it was', async () => {
  const url = await serving(master());
  for (const folder of [amphoraFolder(master()), vipFolder()]) {
    for (const file of ['state.json', 'process.json']) await writeFile(join(folder, file), '');
  }
  expect(await driver.observe(master())).toMatchObject({ lost: true, problem: { message: expect.stringContaining('state.json') } });
  expect(`http://${(await driver.ensureVip(vip, setting.ports.slice(0, 1))).address}:${setting.ports[0]}/`).toBe(url);
  await driver.destroy(master());
  expect(await haproxiesIn(amphoraFolder(master()))).toEqual([]);
  await serving(master());
  expect(await answeredBy(url)).toBe(setting.members[0]!.name);
});

describe('after an operator that died before it had written down what it started', () => {
  test('amphora and VIP are found running, and serve on', async () => {
    const url = await serving(master());
    const before = await haproxiesIn(setting.stateDir);
    await rm(join(amphoraFolder(master()), 'process.json'));
    await rm(join(vipFolder(), 'process.json'));
    driver = new ProcessDriver({ stateDir: setting.stateDir });
    await driver.build(master(), configurationOf(master()));
    expect((await driver.ensureVip(vip, setting.ports.slice(0, 1))).ports).toEqual(setting.ports.slice(0, 1));
    expect(await driver.observe(master())).toMatchObject({ running: true, attached: true });
    expect(await answeredBy(url)).toBe(setting.members[0]!.name);
    expect(await haproxiesIn(setting.stateDir)).toEqual(before);
    // Known again for good: a reload is theirs too.
    await driver.configure(master(), configurationOf(master(), { listener: { timeoutClientData: 40_000 } }));
    expect((await driver.ensureVip(vip, setting.ports)).ports).toEqual(setting.ports);
    await rm(join(amphoraFolder(master()), 'process.json'));
    expect((await driver.observe(master())).running).toBe(true);
  });

  test('a detach that it left half done takes nobody else along when the next one follows', async () => {
    const [gone, staying] = [buildAmphora({ name: 'web-amp-0' }), buildAmphora({ name: 'web-amp-1', peer: 1 })];
    const url = await serving(gone, staying);
    const { stateFile } = new Layout(setting.stateDir).vip('lb-uid');
    const state = (await readJson<VipState>(stateFile))!;
    await writeJson(stateFile, { ...state, servers: state.servers.filter(({ amphora }) => amphora !== gone.metadata.name) });
    driver = new ProcessDriver({ stateDir: setting.stateDir });
    // Nobody may take it for one that new connections can reach, although the running process still gives it some.
    expect((await driver.observeVip(vip))?.attached).toEqual([staying.metadata.name]);
    expect((await driver.observe(gone)).attached).toBe(false);
    await driver.attach(gone);
    await driver.detach(staying);
    expect((await driver.observeVip(vip))?.attached).toEqual([gone.metadata.name]);
    expect(await answeredBy(url)).toBe(setting.members[0]!.name);
  });

  test('workers that have lost their master make way for the next', async () => {
    const url = await serving(master());
    await signalAmphora(master(), setting.stateDir, 'SIGSTOP');
    await signalVip('lb-uid', setting.stateDir, 'SIGSTOP');
    for (const folder of [amphoraFolder(master()), vipFolder()]) {
      const { pid } = (await readJson<{ pid: number }>(join(folder, 'process.json')))!;
      process.kill(pid, 'SIGKILL');
      await eventually(async () => expect(await haproxiesIn(folder)).not.toContain(pid));
    }
    await running(master());
    await driver.ensureVip(vip, setting.ports.slice(0, 1));
    await eventually(async () => expect(await answeredBy(url)).toBe(setting.members[0]!.name));
  });
});

test('a program that reads along in the log or the configuration is left alone', async () => {
  await running(master());
  const folder = amphoraFolder(master());
  const reader = spawn('tail', ['-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  await once(reader, 'spawn');
  try {
    await driver.destroy(master());
    expect(await haproxiesIn(folder)).toEqual([reader.pid]);
    expect(reader.signalCode).toBeNull();
  } finally {
    reader.kill('SIGKILL');
    await once(reader, 'exit');
  }
});

test('processes that have nothing to do with the driver are left alone, though they have a pid that it remembers', async () => {
  await running(master());
  await signalAmphora(master(), setting.stateDir, 'SIGKILL');
  const recordFile = join(amphoraFolder(master()), 'process.json');
  await writeJson(recordFile, { ...(await readJson<object>(recordFile)), pid: process.pid });
  expect((await driver.observe(master())).running).toBe(false);
  await driver.destroy(master());
  expect(await driver.list(vip)).toEqual([]);
});
