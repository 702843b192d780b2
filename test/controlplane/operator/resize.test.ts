import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Amphora, conditionOf, type Goal, type LoadBalancer } from '../../../src/api/index.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { namesOfExisting } from '../../support/existing.ts';
import { TestOperator } from '../../support/operator.ts';

const examples = join(import.meta.dirname, '../../../examples');
const controlPlane = useControlPlane({ crds: true });
const world = new SimulatedWorld({ newConnectionsPerSecond: 100 });
let operator: TestOperator;
let count = 0;
let name: string;

beforeAll(async () => {
  await controlPlane.kubectl(['apply', '-f', join(examples, 'flavors.yaml')]);
  operator = new TestOperator(controlPlane.kubeconfigPath, world);
  operator.start();
}, 60_000);
afterAll(() => operator?.stop(), 60_000);
beforeEach(() => {
  name = `lb-${++count}`;
  world.faults.clear();
});

const strategy = { settleSeconds: 0, verifySeconds: 1, drainSeconds: 2 };

async function create(spec: Record<string, unknown> = {}): Promise<void> {
  const listeners = [{ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' }];
  const pools = [{ name: 'web', protocol: 'HTTP', members: [{ address: '192.0.2.1', protocolPort: 80 }] }];
  const object = {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { name },
    spec: { flavorId: 'small', strategy, listeners, pools, ...spec },
  };
  await controlPlane.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
}
const get = async (): Promise<LoadBalancer> => JSON.parse(await controlPlane.kubectl(['get', 'lb', name, '-o', 'json']));
const patch = (spec: Record<string, unknown>) =>
  controlPlane.kubectl(['patch', 'lb', name, '--type=merge', '-p', JSON.stringify({ spec })]);
const annotate = (key: string, value: string) =>
  controlPlane.kubectl(['annotate', 'lb', name, `reflavor.dev/${key}=${value}`, '--overwrite']);
const amphorae = async (): Promise<Amphora[]> => {
  const { items } = JSON.parse(await controlPlane.kubectl(['get', 'amp', '-o', 'json'])) as { items: Amphora[] };
  return items.filter((a) => a.spec.loadBalancer.name === name);
};
const until = (what: (lb: LoadBalancer) => void) =>
  eventually(
    async () => {
      const lb = await get();
      what(lb);
      return lb;
    },
    { withinMs: 60_000, everyMs: 100 },
  );
const ready = (flavorId: string) => (lb: LoadBalancer) => {
  expect(conditionOf(lb.status?.conditions, 'Ready')).toMatchObject({ status: 'True', observedGeneration: lb.metadata.generation });
  expect(lb.status).toMatchObject({ flavorId, provisioningStatus: 'ACTIVE' });
};
const alone = (count: number) => eventually(async () => expect(await amphorae()).toHaveLength(count), { withinMs: 60_000, everyMs: 100 });
/** The reasons of its Events; `full`: with type and note. */
const eventsOf = async ({ full = false } = {}): Promise<string[]> => {
  const { items } = JSON.parse(await controlPlane.kubectl(['get', 'events.events.k8s.io', '-o', 'json'])) as {
    items: { regarding: { name: string }; type: string; reason: string; note: string }[];
  };
  return items.filter((e) => e.regarding.name === name).map((e) => (full ? `${e.type} ${e.reason}: ${e.note}` : e.reason));
};
/** Waits until the load balancer has an Event of this type and reason, with these words. */
const told = (type: string, reason: string, words: string) =>
  eventually(
    async () => expect(await eventsOf({ full: true })).toContainEqual(expect.stringMatching(new RegExp(`^${type} ${reason}: .*${words}`))),
    { withinMs: 30_000 },
  );

describe('a load balancer', () => {
  test('becomes ACTIVE and says so in kubectl get', async () => {
    await create();
    await until(ready('small'));
    const line = await controlPlane.kubectl(['get', 'lb', name, '--no-headers']);
    expect(line.split(/\s+/).slice(0, 5)).toEqual([name, 'small', 'small', 'ACTIVE', 'ONLINE']);
  }, 90_000);

  test('is resized step by step, the flavor written last, and leaves exactly one amphora of the new flavor', async () => {
    await create();
    await until(ready('small'));
    await patch({ flavorId: 'large' });
    const lb = await until(ready('large'));
    expect(lb.status?.operation).toMatchObject({ kind: 'Resize', from: 'small', to: 'large', result: 'Succeeded', progress: '8/8' });
    expect(conditionOf(lb.status?.conditions, 'Resizing')).toMatchObject({ status: 'False', reason: 'ResizeSucceeded' });
    await alone(1);
    const [amphora] = await amphorae();
    expect(amphora?.spec).toMatchObject({
      flavorId: 'large',
      role: 'STANDALONE',
      steering: 'Attached',
      flavorData: { maxConnections: 8000, threads: 2 },
    });
    await eventually(async () =>
      expect(await eventsOf()).toEqual(expect.arrayContaining(['ResizeStarted', 'Built', 'Detached', 'Committed', 'ResizeSucceeded'])),
    );
  }, 90_000);

  test('of a pair has two amphorae, and both are replaced', async () => {
    await create({ flavorId: 'small-ha' });
    await until(ready('small-ha'));
    await patch({ flavorId: 'large-ha' });
    await until(ready('large-ha'));
    await alone(2);
    expect((await amphorae()).map((a) => `${a.spec.flavorId} ${a.spec.role}`).sort()).toEqual(['large-ha BACKUP', 'large-ha MASTER']);
  }, 90_000);

  test('whose resize is cancelled goes back to the flavor in force, which never changed', async () => {
    await create({ strategy: { ...strategy, verifySeconds: 3600 } });
    await until(ready('small'));
    await patch({ flavorId: 'large' });
    await until((lb) => expect(lb.status?.operation?.goals?.map((g): Goal => g.name)).toContain('Attached'));
    expect((await get()).status?.flavorId).toBe('small');
    await patch({ flavorId: 'small' });
    const lb = await until(ready('small'));
    expect(conditionOf(lb.status?.conditions, 'Resizing')).toMatchObject({ reason: 'ResizeCancelled' });
    await told('Normal', 'ResizeCancelled', 'flavorId was set back to small');
    await told('Normal', 'ResizeEnded', 'was taken back');
    await alone(1);
  }, 90_000);

  test('whose new amphora cannot boot ends in ERROR with the cause, the old flavor serving, and a retry repairs it', async () => {
    await create();
    await until(ready('small'));
    const [before] = await amphorae();
    const mend = world.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'image 9.9 is not to be had' },
      { flavorId: 'large' },
    );
    await patch({ flavorId: 'large' });
    const failed = await until((lb) => expect(lb.status?.provisioningStatus).toBe('ERROR'));
    expect(failed.status?.flavorId).toBe('small');
    expect(conditionOf(failed.status?.conditions, 'Available')?.status).toBe('True');
    expect(conditionOf(failed.status?.conditions, 'Stalled')?.message).toContain('image 9.9 is not to be had');
    await told('Warning', 'ResizeFailed', 'from small to large \\(operation 2\\) failed: image 9.9 is not to be had');
    await alone(1);
    expect((await amphorae())[0]?.metadata.uid).toBe(before?.metadata.uid);
    mend();
    await annotate('retry', 'once-more');
    const lb = await until(ready('large'));
    expect(lb.status?.operation?.attempt).toBe(2);
  }, 90_000);

  test.each([
    ['retired', 'FlavorDisabled'],
    ['small-ha', 'TopologyChange'],
    ['nonesuch', 'FlavorNotFound'],
  ])(
    'is not touched by a flavor that is refused: %s',
    async (flavorId, reason) => {
      await create();
      await until(ready('small'));
      const before = await amphorae();
      await patch({ flavorId });
      const lb = await until((o) => expect(conditionOf(o.status?.conditions, 'Stalled')).toMatchObject({ reason }));
      expect(lb.status).toMatchObject({ flavorId: 'small', provisioningStatus: 'ACTIVE' });
      await told('Warning', reason, 'Flavor small stays in force and serves');
      expect((await amphorae()).map((a) => a.metadata.uid)).toEqual(before.map((a) => a.metadata.uid));
      await patch({ flavorId: 'small' });
      await until(ready('small'));
    },
    90_000,
  );

  test('that was refused is taken up as soon as the flavor allows it', async () => {
    await create();
    await until(ready('small'));
    await patch({ flavorId: 'retired' });
    await until((o) => expect(conditionOf(o.status?.conditions, 'Stalled')).toMatchObject({ reason: 'FlavorDisabled' }));
    await controlPlane.kubectl(['patch', 'flavor', 'retired', '--type=merge', '-p', '{"spec":{"enabled":true}}']);
    await until(ready('retired'));
    await controlPlane.kubectl(['patch', 'flavor', 'retired', '--type=merge', '-p', '{"spec":{"enabled":false}}']);
  }, 90_000);

  test('whose amphora is lost gets another by itself', async () => {
    await create();
    await until(ready('small'));
    const [before] = await amphorae();
    world.lose(before!.metadata.name);
    await eventually(
      async () => {
        const now = await amphorae();
        expect(now.map((a) => a.metadata.name)).not.toContain(before!.metadata.name);
        expect(now).toHaveLength(1);
      },
      { withinMs: 60_000 },
    );
    const lb = await until(ready('small'));
    expect(lb.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
  }, 90_000);

  test('is failed over when an annotation asks for it, once', async () => {
    await create();
    await until(ready('small'));
    await annotate('failover', 'now');
    const lb = await until((o) => {
      expect(o.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
      ready('small')(o);
    });
    expect(lb.status?.handledRequests).toEqual({ failover: 'now' });
    await alone(1);
  }, 90_000);

  test('stands still while suspended', async () => {
    await create();
    await until(ready('small'));
    await patch({ suspend: true, flavorId: 'large' });
    await until((lb) =>
      expect(conditionOf(lb.status?.conditions, 'Ready')).toMatchObject({
        reason: 'Suspended',
        observedGeneration: lb.metadata.generation,
      }),
    );
    expect((await get()).status?.operation?.kind).toBe('Create');
    await patch({ suspend: false });
    await until(ready('large'));
  }, 90_000);

  test('without a flavor is refused in words', async () => {
    await create({ flavorId: undefined });
    const lb = await until((o) => expect(conditionOf(o.status?.conditions, 'Stalled')).toMatchObject({ reason: 'FlavorRequired' }));
    expect(conditionOf(lb.status?.conditions, 'Ready')?.message).toContain('spec.flavorId');
  }, 90_000);

  test('whose status was lost takes its amphorae over', async () => {
    await create();
    await until(ready('small'));
    const before = await amphorae();
    await operator.stop();
    await controlPlane.kubectl([
      'patch',
      'lb',
      name,
      '--subresource=status',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/status","value":{"observedGeneration":-1}}]',
    ]);
    operator.start();
    await until(ready('small'));
    expect((await amphorae()).map((a) => a.metadata.uid)).toEqual(before.map((a) => a.metadata.uid));
  }, 90_000);

  test('that is deleted is gone with all its amphorae', async () => {
    await create({ flavorId: 'small-ha' });
    await until(ready('small-ha'));
    await controlPlane.kubectl(['delete', 'lb', name, '--timeout=60s']);
    expect(await amphorae()).toEqual([]);
  }, 90_000);
});

describe('what goes wrong beside it', () => {
  test('an edit that is refused keeps no resize from being cancelled', async () => {
    await create({ strategy: { ...strategy, verifySeconds: 3600 } });
    await until(ready('small'));
    await patch({ flavorId: 'large' });
    await until((lb) => expect(lb.status?.amphorae?.find((a) => a.flavorId === 'small')?.traffic).toBe('NoLonger'));
    world.faults.inject({ kind: 'configurationRefused', message: 'unknown keyword' }, {});
    await patch({ flavorId: 'small', listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 81, defaultPool: 'web' }] });
    const lb = await until((o) => expect(o.status?.operation).toMatchObject({ result: 'Cancelled', finishedAt: expect.any(String) }));
    expect(conditionOf(lb.status?.conditions, 'Available')?.status).toBe('True');
    const stalled = await until((o) =>
      expect(conditionOf(o.status?.conditions, 'Stalled')).toMatchObject({
        reason: 'ConfigurationRefused',
        message: expect.stringContaining('unknown keyword'),
      }),
    );
    expect(stalled.status?.vipPorts).toEqual([80]);
    world.faults.clear();
    expect((await until(ready('small'))).status?.vipPorts).toEqual([81]);
  }, 90_000);

  test('an amphora whose object was torn away is replaced, and what is left of it goes', async () => {
    await create();
    await until(ready('small'));
    const [torn] = await amphorae();
    await controlPlane.kubectl(['patch', 'amp', torn!.metadata.name, '--type=merge', '-p', '{"metadata":{"finalizers":[]}}']);
    await controlPlane.kubectl(['delete', 'amp', torn!.metadata.name]);
    await until((lb) => expect(lb.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' }));
    const [heir] = await amphorae();
    await eventually(
      async () =>
        expect(await namesOfExisting(operator.driver, { namespace: 'default', uid: heir!.spec.loadBalancer.uid })).toEqual([
          heir!.metadata.name,
        ]),
      {
        withinMs: 30_000,
      },
    );
    await until(ready('small'));
  }, 90_000);

  test('a failover that was asked for and fails says so, what was in force serves, and a retry goes through', async () => {
    await create();
    await until(ready('small'));
    const mend = world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'the image is gone' }, { flavorId: 'small' });
    await annotate('failover', 'now');
    const failed = await until((lb) => expect(lb.status?.provisioningStatus).toBe('ERROR'));
    expect(conditionOf(failed.status?.conditions, 'Ready')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('the image is gone'),
    });
    expect(conditionOf(failed.status?.conditions, 'Available')?.status).toBe('True');
    mend();
    await annotate('retry', 'again');
    await until(ready('small'));
    await alone(1);
  }, 90_000);

  test('two operators never act at once, and the second takes over from the first', async () => {
    const flags = {
      leaderElect: 'true',
      leaseNamespace: 'default',
      leaseDurationSeconds: '4',
      leaseRenewDeadlineSeconds: '3',
      leaseRetryPeriodSeconds: '1',
    };
    await operator.stop();
    const [first, second] = [
      new TestOperator(controlPlane.kubeconfigPath, world, flags),
      new TestOperator(controlPlane.kubeconfigPath, world, flags),
    ];
    first.start();
    second.start();
    await create();
    await until(ready('small'));
    await first.stop();
    await patch({ flavorId: 'large' });
    await until(ready('large'));
    await alone(1);
    await second.stop();
    operator.start();
  }, 90_000);
});

describe('what comes from where amphorae run', () => {
  const toldOf = async (reason: string) => eventually(async () => expect(await eventsOf()).toContain(reason), { withinMs: 60_000 });

  test('an amphora whose place is being cleared gives way to another, and says why', async () => {
    await create();
    await until(ready('small'));
    const [{ metadata: before }] = (await amphorae()) as [Amphora];
    world.disrupt(before.name, 'node n1 is cordoned');
    await eventually(
      async () => {
        const [amphora] = await amphorae();
        expect(conditionOf(amphora?.status?.conditions, 'DisruptionTarget')).toMatchObject({
          status: 'True',
          message: 'node n1 is cordoned',
        });
      },
      { withinMs: 60_000, everyMs: 20 },
    );
    const after = await until((lb) => {
      ready('small')(lb);
      expect(lb.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded', replaces: [before.name] });
    });
    expect(after.status?.operation?.cause).toMatchObject({ reason: 'AmphoraDisrupted', message: expect.stringContaining('is cordoned') });
    await alone(1);
    await toldOf('FailoverStarted');
  }, 90_000);

  test('an amphora that can’t be asked how it is says why, and the load balancer with it, until it can be', async () => {
    await create();
    await until(ready('small'));
    const [{ metadata }] = (await amphorae()) as [Amphora];
    const damaged = { reason: 'IdentityBroken', message: 'Secret reflavor-authority is damaged: restore it' };
    const mend = world.faults.inject({ kind: 'unseen', ...damaged }, { amphora: metadata.name });
    const lb = await until((o) => expect(conditionOf(o.status?.conditions, 'Stalled')?.message).toContain(damaged.message));
    expect(conditionOf(lb.status?.conditions, 'Available')?.status).toBe('True');
    const [amphora] = await amphorae();
    expect(conditionOf(amphora?.status?.conditions, 'Configured')).toMatchObject({ status: 'False', ...damaged });
    expect(conditionOf(amphora?.status?.conditions, 'Ready')?.status).toBe('True');
    mend();
    await until(ready('small'));
  }, 90_000);

  test('an amphora that doesn’t hear that its connections are to end is asked again', async () => {
    await create({ strategy: { ...strategy, drainSeconds: 3600 } });
    const { metadata } = await until(ready('small'));
    const [{ metadata: before }] = (await amphorae()) as [Amphora];
    world.setConnections(before.name, 3);
    world.faults.inject({ kind: 'throws', act: 'drain', when: 'before' }, { amphora: before.name, times: 2 });
    await patch({ flavorId: 'large' });
    await until(ready('large'));
    await alone(1);
    expect(world.amphora(metadata.uid!, before.name)).toBeUndefined();
  }, 90_000);

  test('an amphora whose process ended by itself is started again, and an Event says so once', async () => {
    await create();
    await until(ready('small'));
    const [{ metadata }] = (await amphorae()) as [Amphora];
    expect(await eventsOf()).not.toContain('AmphoraRestarted');
    world.crash(metadata.name);
    await toldOf('AmphoraRestarted');
    await until(ready('small'));
    expect((await eventsOf()).filter((reason) => reason === 'AmphoraRestarted')).toHaveLength(1);
  }, 90_000);

  test('what an amphora has beside its configuration is renewed, and a renewal that is refused is told of and tried again', async () => {
    await create();
    await until(ready('small'));
    const [{ metadata }] = (await amphorae()) as [Amphora];
    const configured = async () => conditionOf((await amphorae())[0]?.status?.conditions, 'Configured');
    const mend = world.faults.inject({ kind: 'throws', act: 'configure', when: 'before' }, { amphora: metadata.name });
    world.outdate(metadata.name);
    await eventually(async () => expect(await configured()).toMatchObject({ status: 'False', reason: 'DriverFailed' }), {
      withinMs: 60_000,
    });
    ready('small')(await get());
    mend();
    await eventually(async () => expect(await configured()).toMatchObject({ status: 'True', reason: 'Loaded' }), { withinMs: 60_000 });
  }, 90_000);

  test('allowedCidrs where client addresses are translated are warned of, and the load balancer is Ready', async () => {
    const listeners = [{ name: 'web', protocol: 'HTTP', protocolPort: 80, allowedCidrs: ['192.0.2.0/24'] }];
    await create({ listeners, vip: { service: { type: 'LoadBalancer' } } });
    const lb = await until(ready('small'));
    expect(lb.status?.listenerProblems).toMatchObject([{ listener: 'web', reason: 'ClientAddressTranslated' }]);
    expect(conditionOf(lb.status?.conditions, 'Ready')?.message).toContain('externalTrafficPolicy');
    await toldOf('ClientAddressTranslated');
    await patch({ vip: { service: { externalTrafficPolicy: 'Local' } } });
    await until((o) => expect(o.status?.listenerProblems).toEqual([]));
  }, 90_000);
});

describe('an operator that is stopped and started', () => {
  test.each(['Built', 'Attached', 'Detached'] as Goal[])(
    'in a resize at %s goes on with it',
    async (goal) => {
      await create({ strategy: { ...strategy, verifySeconds: 2 } });
      await until(ready('small'));
      await patch({ flavorId: 'large' });
      await eventually(async () => expect((await get()).status?.operation?.kind).toBe('Resize'), { withinMs: 30_000, everyMs: 20 });
      if (goal !== 'Built') await until((lb) => expect(lb.status?.operation?.step === goal || lb.status?.flavorId === 'large').toBe(true));
      await operator.stop();
      operator.start();
      await until(ready('large'));
      await alone(1);
    },
    90_000,
  );
});
