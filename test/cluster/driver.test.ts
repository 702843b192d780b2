/** What of the driver `kubernetes` no contract says: its pods, what their conditions say, and what is where when the operator dies. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Amphora } from '../../src/api/index.ts';
import type { Configuration } from '../../src/provider/amphora/configuration.ts';
import { type AmphoraDriver, type AmphoraObservation, ConfigurationRefused } from '../../src/provider/amphora/driver.ts';
import type { KubernetesDriver } from '../../src/provider/amphora/kubernetes/driver.ts';
import { keptIn } from '../../src/provider/amphora/kubernetes/files.ts';
import { AUTHORITY_SECRET } from '../../src/provider/amphora/kubernetes/identity/index.ts';
import { type Pod, type Secret, secrets } from '../../src/provider/amphora/kubernetes/objects.ts';
import { isReady } from '../../src/provider/amphora/kubernetes/vip/slices.ts';
import { buildAmphora, buildConfiguration, buildServer, withBrokenRegex } from '../contract/builders.ts';
import { eventually as until } from '../support/eventually.ts';
import { type DriverSetting, OPERATOR_NAMESPACE, useDriverPlace } from './driver-setting.ts';

jest.setTimeout(180_000);

const place = useDriverPlace();
const DAY = 24 * 60 * 60 * 1000;

let setting: DriverSetting;
let driver: KubernetesDriver;

beforeEach(async () => {
  setting = await place.set();
  driver = setting.driver;
});
afterEach(async () => setting.dispose());

const vip = { namespace: 'shop', name: 'web', uid: 'lb-uid' };
const eventually = <T>(attempt: () => T | Promise<T>) => until(attempt, { withinMs: 90_000 });
const one = buildAmphora({ name: 'web-amp-1', peer: 1 });

const configurationOf = (amphora: Amphora, more: Partial<Parameters<typeof buildConfiguration>[0]> = {}): Configuration =>
  buildConfiguration({ amphora, ports: [80], servers: place.members().map(buildServer), ...more });

const seen = (amphora: Amphora, facts: Partial<AmphoraObservation> | object, by: AmphoraDriver = driver) =>
  eventually(async () => {
    const observation = await by.observe(amphora);
    expect(observation).toMatchObject(facts);
    return observation;
  });

const built = async (amphora: Amphora, configuration = configurationOf(amphora)) => {
  await driver.build(amphora, configuration);
  return seen(amphora, { running: true, listeners: [{ protocolPort: 80, open: true }] });
};

const keptOf = async ({ metadata: { namespace, name } }: Amphora) =>
  keptIn(await place.client().get<Secret>(secrets, { namespace: namespace!, name }));

const restartsOf = (pod: Pod) => pod.status?.containerStatuses?.[0]?.restartCount;

describe('a configuration', () => {
  test('is in the Secret too once members have changed at run time, so that a HAProxy that crashes comes back with them', async () => {
    const before = await built(one);
    await driver.configure(one, configurationOf(one, { servers: [buildServer(place.members()[0]!)] }));
    const after = await driver.observe(one);
    expect(after.membersRevision).not.toBe(before.membersRevision);
    expect(after).not.toHaveProperty('renewalDue');
    // A kubelet takes its time to bring a Secret into a pod.
    const [kept, gone] = place.members().map(({ address, protocolPort }) => `${address}:${protocolPort}`);
    const file = async () => {
      const { namespace, name } = one.metadata;
      return place.cluster.kubectl(['exec', `--namespace=${namespace}`, name, '--', 'cat', '/etc/haproxy-amphora/haproxy.cfg']);
    };
    await until(
      async () => {
        const text = await file();
        expect(text).toContain(kept);
        expect(text).not.toContain(gone);
      },
      { withinMs: 120_000, everyMs: 500 },
    );
    await place.signal(one, 'SIGKILL');
    await eventually(async () => expect(restartsOf(await place.podOf(one))).toBe(1));
    await seen(one, { running: true, membersRevision: after.membersRevision });
  });

  test('that is refused leaves no trace in the Secret, so that a HAProxy that crashes comes back with what it had', async () => {
    const before = await built(one);
    const files = await keptOf(one);
    const refused = driver.configure(one, withBrokenRegex(configurationOf(one, { ports: [80, 8443] })));
    await expect(refused).rejects.toThrow(ConfigurationRefused);
    await expect(refused).rejects.not.toThrow('/etc/');
    const { loaded, ...rest } = await keptOf(one);
    expect({ ...rest, loaded }).toEqual({ ...files, loaded: configurationOf(one), loading: undefined });
    await place.signal(one, 'SIGKILL');
    await eventually(async () => expect(restartsOf(await place.podOf(one))).toBe(1));
    await seen(one, { running: true, configurationHash: before.configurationHash, listeners: before.listeners });
  });

  test('that was under way when the operator died is loaded by the next one', async () => {
    const before = await built(one);
    const next = configurationOf(one, { ports: [80, 8443] });
    const died = new AbortController();
    const cut = driver.configure(one, next, died.signal);
    await eventually(async () => expect((await keptOf(one)).loading).toEqual(next));
    died.abort(new Error('the operator died'));
    await expect(cut).rejects.toThrow();

    driver = setting.restarted;
    const after = await driver.observe(one);
    expect(after.running).toBe(true);
    // Either it was too late for the operator to stop it, or it is known to be due.
    if (after.configurationHash === before.configurationHash) expect(after.renewalDue).toBe(true);
    await driver.configure(one, next);
    expect(await driver.observe(one)).toMatchObject({ listeners: [{ protocolPort: 80 }, { protocolPort: 8443 }] });
    expect(await driver.lastConfiguration(one)).toEqual(next);
    expect((await keptOf(one)).loading).toBeUndefined();
  });

  test('is written nowhere again when it is there already', async () => {
    await built(one);
    const versions = async () => {
      const { namespace, name } = one.metadata;
      const secret = await place.client().get<Secret>(secrets, { namespace: namespace!, name });
      return [secret.metadata.resourceVersion, (await place.podOf(one)).metadata.resourceVersion];
    };
    await driver.configure(one, configurationOf(one));
    const before = await versions();
    await driver.configure(one, configurationOf(one));
    await driver.build(one, configurationOf(one));
    await driver.observe(one);
    expect(await versions()).toEqual(before);
  });
});

describe('a pod that does not run', () => {
  const seenProblem = async (amphora: Amphora, reason: RegExp) => {
    await driver.build(amphora, configurationOf(amphora));
    return eventually(async () => {
      const { problem, running, lost } = await driver.observe(amphora);
      expect({ running, lost }).toEqual({ running: false, lost: false });
      expect(problem?.reason).toMatch(reason);
      return problem!.message;
    });
  };

  test('has an image that is not to be had', async () => {
    const amphora = buildAmphora({ name: 'web-amp-1', flavorData: { ampImageTag: 'no-such-tag' } });
    // The registry may say so, or be out of reach of these nodes.
    expect(await seenProblem(amphora, /^Image(NotFound|PullFailed)$/)).toContain('docker.io/library/haproxy:no-such-tag');
  });

  test('has no node with room for it', async () => {
    const amphora = buildAmphora({ name: 'web-amp-1', flavorData: { compute: { cpu: '500' } } });
    expect(await seenProblem(amphora, /^Unschedulable$/)).toContain('Insufficient cpu');
  });

  test('is short of memory', async () => {
    const amphora = buildAmphora({ name: 'web-amp-1', flavorData: { compute: { memory: '10Mi' }, maxConnections: 20_000 } });
    await driver.build(amphora, configurationOf(amphora));
    await eventually(async () => expect((await driver.observe(amphora)).problem?.reason).toMatch(/OOMKilled|ContainerNotStarted/));
  });

  test('is not touched where its name is somebody else’s', async () => {
    const stranger = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 'web-amp-1' } };
    await place.client().create(secrets, stranger);
    await expect(driver.build(one, configurationOf(one))).rejects.toMatchObject({ reason: 'NameConflict' });
    await place.client().delete(secrets, stranger.metadata);
  });
});

describe('an amphora', () => {
  test('whose pod somebody deletes is lost', async () => {
    await built(one);
    await place.cluster.kubectl(['delete', 'pod', '--namespace=shop', 'web-amp-1', '--wait=false']);
    await seen(one, { lost: true, running: false, problem: { reason: 'PodDeleted' } });
    await expect(driver.build(one, configurationOf(one))).rejects.toMatchObject({ reason: 'AmphoraLost' });
  });

  test('whose node is cordoned is to be replaced, until that is taken back', async () => {
    await built(one);
    const { nodeName } = (await place.podOf(one)).spec;
    await place.cluster.kubectl(['cordon', nodeName!]);
    try {
      await seen(one, { lost: false, running: true, disruption: { reason: 'NodeDraining' } });
    } finally {
      await place.cluster.kubectl(['uncordon', nodeName!]);
    }
    await eventually(async () => expect((await driver.observe(one)).disruption).toBeUndefined());
  });

  test('that is behind the VIP is evicted by nobody, and can be once it is detached', async () => {
    await driver.ensureVip(vip, [80]);
    await built(one);
    await driver.attach(one);
    await seen(one, { attached: true });
    const evict = () =>
      place.cluster.kubectl(['create', '--raw', '/api/v1/namespaces/shop/pods/web-amp-1/eviction', '-f', '-'], {
        input: JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web-amp-1', namespace: 'shop' } }),
      });
    await eventually(() => expect(evict()).rejects.toThrow(/disruption budget/));
    await driver.detach(one);
    await seen(one, { attached: false });
    await eventually(evict);
    await seen(one, { lost: true, problem: { reason: 'Evicted' } });
  });

  test('that hangs is started again by its kubelet, long before its connections’ time is up', async () => {
    const before = await built(one);
    await place.signal(one, 'SIGSTOP');
    await seen(one, { running: false, lost: false, problem: { reason: 'DriverFailed' } });
    await eventually(async () => {
      const after = await driver.observe(one);
      expect(after).toMatchObject({ running: true, address: before.address });
      expect(after.startedAt!.getTime()).toBeGreaterThan(before.startedAt!.getTime());
    });
  });

  test('gets new certificates in time, without being started again', async () => {
    await setting.dispose();
    // With an authority of today, nobody could have been given certificates two months ago.
    await place.cluster.kubectl(['delete', 'secret', AUTHORITY_SECRET, `--namespace=${OPERATOR_NAMESPACE}`]);
    setting = await place.set({ now: () => Date.now() - 61 * DAY });
    driver = setting.driver;
    const before = await built(one);
    expect(before).not.toHaveProperty('renewalDue');
    const { files } = await keptOf(one);

    driver = setting.restarted;
    await seen(one, { running: true, renewalDue: true });
    await driver.configure(one, configurationOf(one));
    // On a busy machine it may not answer at once.
    const after = await seen(one, { running: true, configurationHash: before.configurationHash, startedAt: before.startedAt });
    expect(after).not.toHaveProperty('renewalDue');
    const { files: renewed } = await keptOf(one);
    expect(renewed['admin.pem']).not.toBe(files['admin.pem']);
    expect(renewed['peer.pem']).not.toBe(files['peer.pem']);
    expect(renewed['admin-ca.pem']).toBe(files['admin-ca.pem']);
  });

  test('counts its connections on when its HAProxy is started again', async () => {
    const { address } = await built(one);
    for (let i = 0; i < 3; i++) await place.ask(`http://${address}/`);
    await seen(one, { connections: { total: 3 } });
    await place.signal(one, 'SIGKILL');
    await eventually(async () => expect(restartsOf(await place.podOf(one))).toBe(1));
    await seen(one, { running: true, connections: { total: 3 } });
    await place.ask(`http://${address}/`);
    await seen(one, { connections: { total: 4 } });
  });
});

describe('the standby of a pair', () => {
  const master = buildAmphora({ name: 'web-amp-1', peer: 1, role: 'MASTER' });
  const backup = buildAmphora({ name: 'web-amp-2', peer: 2, role: 'BACKUP' });
  const areReady = async () => Promise.all([master, backup].map(async (amphora) => isReady(await place.podOf(amphora))));

  test('is ready only when its active one is gone, and no operator is needed for that', async () => {
    await driver.ensureVip(vip, [80]);
    for (const each of [master, backup]) {
      await built(each);
      await driver.attach(each);
    }
    await seen(master, { attached: true, standby: false });
    await seen(backup, { attached: true, standby: true, running: true });
    await eventually(async () => expect(await areReady()).toEqual([true, false]));
    await place.signal(master, 'SIGSTOP');
    await eventually(async () => expect((await areReady())[1]).toBe(true));
    // Its kubelet starts the active one again, and the standby steps back.
    await eventually(async () => expect(await areReady()).toEqual([true, false]));
  });

  test('learns of its active one when that comes after it', async () => {
    await built(backup);
    await eventually(async () => expect(isReady(await place.podOf(backup))).toBe(true));
    await built(master);
    await seen(backup, { running: true, renewalDue: true });
    await driver.configure(backup, configurationOf(backup));
    await eventually(async () => expect(await areReady()).toEqual([true, false]));
    const promoted = { ...backup, spec: { ...backup.spec, role: 'MASTER' as const } };
    await driver.ensureVip(vip, [80]);
    await driver.attach(promoted);
    await seen(promoted, { attached: true, standby: false, running: true });
    expect(await driver.observe(promoted)).not.toHaveProperty('renewalDue');
  });
});
