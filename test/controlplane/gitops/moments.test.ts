import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Condition, conditionOf, isTrue, type LoadBalancer } from '../../../src/api/index.ts';
import { loadBalancers } from '../../../src/controller/resources.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { judge, Recording, type Verdicts } from '../../support/gitops.ts';
import { TestOperator } from '../../support/operator.ts';
import { httpSpec, Subject } from '../../support/subject.ts';

// Registered first, so that it comes before the control plane's end.
afterAll(async () => {
  await operator?.stop();
  await recording?.stop();
  await client?.close();
}, 60_000);
const controlPlane = useControlPlane({ crds: true });
const world = new SimulatedWorld({ newConnectionsPerSecond: 100 });
const strategy = { settleSeconds: 0, verifySeconds: 1, drainSeconds: 0 };
/** A resize that doesn't end before it is told to, so that nothing is missed on a busy machine. */
const endless = { ...strategy, verifySeconds: 3600 };
const listener = { name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' };
const spec = httpSpec({ members: [{ address: '192.0.2.1', port: 80 }] }, 80, { strategy, listeners: [listener] });
let client: KubeClient;
let operator: TestOperator;
let recording: Recording<LoadBalancer>;
let subject: Subject;
let count = 0;

beforeAll(async () => {
  await controlPlane.kubectl(['apply', '-f', join(import.meta.dirname, '../../../examples/flavors.yaml')]);
  client = connect({ kubeconfig: controlPlane.kubeconfigPath });
  recording = await Recording.start(client, loadBalancers);
  operator = new TestOperator(controlPlane.kubeconfigPath, world);
  operator.start();
}, 60_000);
beforeEach(() => {
  world.faults.clear();
  subject = new Subject({ kubectl: controlPlane.kubectl, client }, `moment-${++count}`);
});

/** Holds of every version of a load balancer, whatever is going on. */
function expectRulesKept(lb: LoadBalancer, { kstatus, argocd }: Verdicts): void {
  const { metadata, status } = lb;
  const observed = status?.observedGeneration === metadata.generation;
  const stalled = isTrue(status?.conditions, 'Stalled');
  const atRest = isTrue(status?.conditions, 'Ready');
  const suspended = conditionOf(status?.conditions, 'Ready')?.reason === 'Suspended';
  const expected = metadata.deletionTimestamp
    ? ['Terminating', 'Progressing']
    : !observed
      ? ['InProgress', 'Progressing']
      : stalled
        ? ['Failed', 'Degraded']
        : suspended
          ? ['InProgress', 'Suspended']
          : atRest
            ? ['Current', 'Healthy']
            : ['InProgress', 'Progressing'];
  // Something that has served and serves no longer is worse than a change under way.
  const broken = expected[1] === 'Progressing' && observed && status?.flavorId !== undefined && isFalse(status.conditions, 'Available');
  if (broken && !metadata.deletionTimestamp) expected[1] = 'Degraded';
  const { resourceVersion } = metadata;
  expect([resourceVersion, kstatus.status, argocd?.status]).toEqual([resourceVersion, ...expected]);

  expect(stalled && isTrue(status?.conditions, 'Reconciling')).toBe(false);
  if (kstatus.status === 'Current') {
    expect(status?.operation?.finishedAt).toBeDefined();
    expect(status?.flavorId).toBe(lb.spec.flavorId);
  }
  if (kstatus.status === 'Failed') expect(kstatus.message.length).toBeGreaterThan(20);
}

const isFalse = (conditions: Condition[] | undefined, type: string) => conditionOf(conditions, type)?.status === 'False';

interface Seen {
  kstatus: string[];
  argocd: (string | undefined)[];
  last: Verdicts;
}

/** What both say from an act until what is asserted holds: each answer once as long as it stays the same. */
async function seen(act: () => Promise<unknown>, until: () => Promise<LoadBalancer>): Promise<Seen> {
  const from = recording.of(subject.name).length;
  await act();
  await recording.until((await until()).metadata.resourceVersion);
  return sequence(from);
}

/** The same of all versions after the first so many. */
async function sequence(from: number): Promise<Seen> {
  const versions = recording.of(subject.name).slice(from);
  const verdicts = await judge(versions);
  for (const [index, version] of versions.entries()) expectRulesKept(version, verdicts[index]!);
  const turns = <T>(values: T[]) => values.filter((value, index) => index === 0 || value !== values[index - 1]);
  return {
    kstatus: turns(verdicts.map((v) => v.kstatus.status)),
    argocd: turns(verdicts.map((v) => v.argocd?.status)),
    last: verdicts.at(-1)!,
  };
}

const resize = (flavorId: string) => subject.patch({ flavorId });
const inForce = (flavorId: string) => () => subject.untilAtRest(flavorId, flavorId.endsWith('-ha') ? 2 : 1);
const stalled = (reason: string) => () =>
  subject.until(({ metadata: { generation }, status }) =>
    expect(conditionOf(status?.conditions, 'Stalled')).toMatchObject({ reason, observedGeneration: generation }),
  );
const reached = (goal: string) => () => subject.until((lb) => expect(lb.status?.operation?.goals?.map((g) => g.name)).toContain(goal));
const oldIsOut = () => subject.until((lb) => expect(lb.status?.amphorae?.map((a) => a.traffic)).toContain('NoLonger'));
const create = ({ flavorId = 'small', ...more }: { flavorId?: string; strategy?: object } = {}) =>
  seen(() => subject.create({ ...spec, flavorId, ...more }), inForce(flavorId));

const done = { kstatus: ['InProgress', 'Current'], argocd: ['Progressing', 'Healthy'] };
const underWay = { kstatus: ['InProgress'], argocd: ['Progressing'] };
const failed = { kstatus: ['InProgress', 'Failed'], argocd: ['Progressing', 'Degraded'] };

describe.each([
  ['small', 'large'],
  ['small-ha', 'large-ha'],
])('Flux, kpt and Argo CD see of a load balancer that goes from %s to %s', (small, large) => {
  test('a creation, a resize and the way back, each done only at its end', async () => {
    expect(await create({ flavorId: small })).toMatchObject(done);
    expect(await seen(() => resize(large), inForce(large))).toMatchObject(done);
    expect(await seen(() => resize(small), inForce(small))).toMatchObject(done);
  });

  test.each([
    ['before the new one is built', reached('Recorded')],
    ['while both carry traffic', reached('Attached')],
    ['while the new one alone carries traffic', oldIsOut],
  ])('a resize that is cancelled %s, done once all is as it was', async (_, moment) => {
    await create({ flavorId: small, strategy: endless });
    expect(await seen(() => resize(large), moment)).toMatchObject(underWay);
    expect(await seen(() => resize(small), inForce(small))).toMatchObject(done);
    expect((await subject.get()).status?.operation?.result).toBe('Cancelled');
  });

  test('a failover that was asked for, and one after a loss', async () => {
    const failedOver = async () => {
      await subject.until((lb) => {
        expect(lb.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
        expect(lb.status?.operation?.finishedAt).not.toBe(before);
      });
      return inForce(small)();
    };
    let before: string | undefined;
    await create({ flavorId: small });
    // Generations count changes of the spec alone: an annotation shows once the operator has taken it up.
    expect(await seen(() => subject.annotate('failover', 'now'), failedOver)).toMatchObject({
      kstatus: ['Current', 'InProgress', 'Current'],
      argocd: ['Healthy', 'Progressing', 'Healthy'],
    });
    before = (await subject.get()).status?.operation?.finishedAt;
    const [amphora] = await subject.amphorae();
    const lost = await seen(async () => world.lose(amphora!.metadata.name), failedOver);
    expect(lost.kstatus).toEqual(['InProgress', 'Current']);
    expect(lost.argocd.at(-1)).toBe('Healthy');
  });
});

describe('Flux, kpt and Argo CD see of a load balancer', () => {
  test('a resize that gives way to another', async () => {
    const third = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name: 'third' }, spec: { flavorProfile: 'large' } };
    await subject.apply(third);
    await create({ strategy: endless });
    expect(await seen(() => resize('large'), reached('Attached'))).toMatchObject(underWay);
    expect(await seen(() => subject.patch({ flavorId: 'third', strategy }), inForce('third'))).toMatchObject(done);
  });

  test('a resize that fails as failed, with the cause, and the retry', async () => {
    await create();
    const mend = world.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image 9.9' },
      { flavorId: 'large' },
    );
    const { last, ...turns } = await seen(() => resize('large'), stalled('ImageNotFound'));
    expect(turns).toMatchObject(failed);
    expect([last.kstatus.message, last.argocd?.message]).toEqual(Array(2).fill(expect.stringContaining('there is no image 9.9')));
    mend();
    expect(await seen(() => subject.annotate('retry', 'mended'), inForce('large'))).toMatchObject({
      kstatus: ['Failed', 'InProgress', 'Current'],
      argocd: ['Degraded', 'Progressing', 'Healthy'],
    });
  });

  test('a flavor that is refused as failed, and the way back', async () => {
    await create();
    const { last, ...turns } = await seen(() => resize('retired'), stalled('FlavorDisabled'));
    expect(turns).toMatchObject(failed);
    expect(last.argocd?.message).toContain('retired is disabled');
    expect(await seen(() => resize('small'), inForce('small'))).toMatchObject(done);
  });

  test('a suspension in the middle of a resize and at rest, never as done', async () => {
    const isSuspended = () => subject.until((lb) => expect(conditionOf(lb.status?.conditions, 'Ready')?.reason).toBe('Suspended'));
    const suspended = { kstatus: ['InProgress'], argocd: ['Progressing', 'Suspended'] };
    await create({ strategy: endless });
    await seen(() => resize('large'), reached('Attached'));
    expect(await seen(() => subject.patch({ suspend: true }), isSuspended)).toMatchObject(suspended);
    expect(await seen(() => subject.patch({ suspend: false, strategy }), inForce('large'))).toMatchObject(done);
    expect(await seen(() => subject.patch({ suspend: true }), isSuspended)).toMatchObject(suspended);
  });

  test('an edit at rest and in the middle of a resize', async () => {
    await create({ strategy: endless });
    const two = { listeners: [listener, { ...listener, name: 'more', protocolPort: 8081 }] };
    expect(await seen(() => subject.patch(two), inForce('small'))).toMatchObject(done);
    await seen(() => resize('large'), reached('Attached'));
    expect(await seen(() => subject.patch({ listeners: [listener], strategy }), inForce('large'))).toMatchObject(done);
  });

  test('an edit that HAProxy refuses as failed, until it is mended', async () => {
    await create();
    const loadBalancerUid = (await subject.get()).metadata.uid!;
    world.faults.inject({ kind: 'configurationRefused', message: 'unknown keyword' }, { loadBalancerUid });
    const limited = () => subject.patch({ listeners: [{ ...listener, connectionLimit: 7 }] });
    expect(await seen(limited, stalled('ConfigurationRefused'))).toMatchObject(failed);
    world.faults.clear();
    expect((await seen(() => subject.patch({ listeners: [listener] }), inForce('small'))).kstatus.at(-1)).toBe('Current');
  });

  test('a creation that fails and is tried again as under way', async () => {
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image 9.9' }, { times: 1 });
    expect(await create()).toMatchObject(done);
    expect((await subject.get()).status?.operation).toMatchObject({ kind: 'Create', attempt: 2 });
  });

  test('its deletion in the middle of a resize, until it is gone', async () => {
    await create({ strategy: endless });
    await seen(() => resize('large'), reached('Attached'));
    const from = recording.of(subject.name).length;
    await subject.kubectl(['delete', 'lb', subject.name, '--timeout=60s']);
    expect((await sequence(from)).kstatus.at(-1)).toBe('Terminating');
  });
});
