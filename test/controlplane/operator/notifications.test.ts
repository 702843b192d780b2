import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { conditionOf } from '../../../src/api/index.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import { NotificationPayload } from '../../../src/notify/payload.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { startOperator } from '../../../tools/operator.ts';
import { freePorts } from '../../../tools/ports.ts';
import { endProcess, type ProcessIdentity } from '../../../tools/processes.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { TestOperator } from '../../support/operator.ts';
import { TestSink } from '../../support/sink.ts';
import { Subject } from '../../support/subject.ts';

const examples = join(import.meta.dirname, '../../../examples');
const controlPlane = useControlPlane({ crds: true });
const patience = { withinMs: 60_000, everyMs: 100 };
const strategy = { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 };
const spec = {
  flavorId: 'small',
  strategy,
  listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' }],
  pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '192.0.2.1', protocolPort: 80 }] }],
};

let client: KubeClient;
let world: SimulatedWorld;
let sink: TestSink;
let operator: TestOperator | undefined;
let lb: Subject;
let count = 0;

beforeAll(async () => {
  await controlPlane.kubectl(['apply', '-f', join(examples, 'flavors.yaml')]);
  client = connect({ kubeconfig: controlPlane.kubeconfigPath });
}, 60_000);
afterAll(() => client?.close());
beforeEach(async () => {
  world = new SimulatedWorld();
  sink = new TestSink();
  await sink.start();
  lb = new Subject({ kubectl: (...args) => controlPlane.kubectl(...args), client }, `lb-${++count}`);
});
afterEach(async () => {
  // Without a sink nothing of one suite's objects is told to the next.
  await sink.stop();
  await controlPlane.kubectl(['delete', 'lb', '--all', '--timeout=60s']);
  await operator?.stop();
  operator = undefined;
}, 120_000);

function start(flags: Record<string, string> = {}): TestOperator {
  operator = new TestOperator(controlPlane.kubeconfigPath, world, { notificationsSink: sink.url, ...flags });
  operator.start();
  return operator;
}

const heard = (...types: string[]) => eventually(() => expect(sink.types(lb.name)).toEqual(types), patience);
const eventReasons = async (): Promise<string[]> => {
  const { items } = JSON.parse(await controlPlane.kubectl(['get', 'events.events.k8s.io', '-o', 'json'])) as {
    items: { regarding: { name: string }; reason: string }[];
  };
  return items.filter((e) => e.regarding.name === lb.name).map((e) => e.reason);
};

describe.each(['structured', 'binary'] as const)('a sink that takes CloudEvents in mode %s', (notificationsMode) => {
  test('hears of a whole life in order, each once, in words that match the schema', async () => {
    start({ notificationsMode });
    await lb.create({ ...spec, name: 'Shop', description: 'for the shop' });
    await lb.untilAtRest('small');
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    await lb.patch({ description: 'for all shops' });
    await heard('create.start', 'create.end', 'resize.start', 'resize.end', 'update.end');
    const mend = world.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'image 9.9 is not to be had' },
      { flavorId: 'small' },
    );
    await lb.patch({ flavorId: 'small' });
    await lb.until(({ status }) => expect(status?.provisioningStatus).toBe('ERROR'));
    mend();
    await lb.patch({ flavorId: 'large', strategy: { ...strategy, verifySeconds: 3600 } });
    await lb.untilAtRest('large');
    await lb.patch({ flavorId: 'small' });
    await lb.until(({ status }) => expect(status?.operation?.step).toBe('Detached'));
    await lb.patch({ flavorId: 'large', strategy });
    await lb.untilAtRest('large');
    await lb.patch({ flavorId: 'retired' });
    await lb.until(({ status }) => expect(conditionOf(status?.conditions, 'Stalled')?.reason).toBe('FlavorDisabled'));
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    await lb.annotate('failover', 'now');
    await lb.until(({ status }) => expect(status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' }));
    const { metadata } = await lb.untilAtRest('large');
    await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
    const life = [
      ['create.start', 'create.end', 'resize.start', 'resize.end', 'update.end', 'resize.start', 'resize.error'],
      [
        'update.end',
        'resize.start',
        'resize.cancel',
        'update.end',
        'resize.error',
        'failover.start',
        'failover.end',
        'delete.start',
        'delete.end',
      ],
    ].flat();
    await heard(...life);

    const events = sink.of(lb.name);
    const ids = events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(0, 4)).toEqual(['1-start', '1-end', '2-start', '2-end'].map((id) => `${metadata.uid}-${id}`));
    for (const event of events) {
      expect(NotificationPayload.safeParse(event.data).error).toBeUndefined();
      expect(event).toMatchObject({
        specversion: '1.0',
        source: '/apis/reflavor.dev/v1alpha1/loadbalancers',
        subject: `default/${lb.name}`,
        datacontenttype: 'application/json',
        dataschema: expect.stringMatching(/notification\.schema\.json$/),
        data: { loadbalancer_id: metadata.uid, name: 'Shop', project_id: 'default', admin_state_up: true },
      });
    }
    const [, created, , resized, , , failed] = events;
    expect(created?.data).toMatchObject({ flavor: { id: 'small', loadbalancer_topology: 'SINGLE', threads: 1, max_connections: 2000 } });
    expect(resized?.data).toMatchObject({
      flavor: { id: 'large', threads: 2, max_connections: 8000 },
      operation: { kind: 'Resize', number: 2, from_flavor_id: 'small', to_flavor_id: 'large', step: 'Committed', result: 'Succeeded' },
    });
    expect(failed?.data).toMatchObject({
      flavor: { id: 'large' },
      operation: { number: 3, from_flavor_id: 'large', to_flavor_id: 'small', step: 'Built', result: 'Failed', reason: 'ImageNotFound' },
    });
    expect(failed?.data?.operation.message).toContain('image 9.9 is not to be had');
  }, 180_000);
});

describe('a sink', () => {
  test('that comes up later hears what it missed, in order', async () => {
    await sink.stop();
    start();
    await lb.create(spec);
    await lb.untilAtRest('small');
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    expect((await lb.get()).status?.notifications).toMatchObject({ delivered: [] });
    await sink.start();
    await heard('create.start', 'create.end', 'resize.start', 'resize.end');
    await lb.until(({ status }) => expect(status?.notifications?.delivered).toEqual(['1-start', '1-end', '2-start', '2-end']));
  }, 120_000);

  test('that never answers holds up nothing but itself', async () => {
    sink.answer = () => {};
    start({ notificationsTimeoutSeconds: '60' });
    await lb.create(spec);
    await lb.untilAtRest('small');
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    expect(sink.types(lb.name)).toEqual(['create.start']);
    const before = performance.now();
    await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
    expect(performance.now() - before).toBeLessThan(20_000);
  }, 120_000);

  test('that refuses is asked again for a while; then what it refused is given up, and the load balancer says so', async () => {
    sink.answer = 403;
    start({ notificationsRefusedSeconds: '1' });
    await lb.create(spec);
    await lb.untilAtRest('small');
    await lb.until(({ status }) => expect(status?.notifications?.delivered).toEqual(['1-start', '1-end']));
    expect(sink.types(lb.name).filter((type) => type === 'create.start').length).toBeGreaterThan(1);
    await eventually(async () => expect(await eventReasons()).toContain('NotificationRefused'), patience);
    sink.answer = 202;
    const before = sink.of(lb.name).length;
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    await eventually(() => expect(sink.types(lb.name).slice(before)).toEqual(['resize.start', 'resize.end']), patience);
  }, 120_000);

  test('that is set on an operator with load balancers hears of what happens from then on', async () => {
    const without = new TestOperator(controlPlane.kubeconfigPath, world);
    without.start();
    await lb.create(spec);
    await lb.untilAtRest('small');
    await without.stop();
    expect((await lb.get()).status).not.toHaveProperty('notifications');
    const teller = start();
    await lb.until(({ status }) => expect(status?.notifications?.delivered).toEqual(['1-start', '1-end']));
    await lb.patch({ flavorId: 'large' });
    await heard('resize.start', 'resize.end');
    await teller.stop();
    without.start();
    await lb.until(({ status }) => expect(status).not.toHaveProperty('notifications'));
    await without.stop();
    teller.start();
  }, 120_000);

  test('misses what leaves the history first, which is counted and told of', async () => {
    await sink.stop();
    const [metrics] = (await freePorts(1)) as [number];
    start({ metricsBindAddress: `127.0.0.1:${metrics}` });
    await lb.create(spec);
    await lb.untilAtRest('small');
    for (let i = 1; i <= 11; i++) {
      await lb.annotate('failover', `${i}`);
      await lb.until(({ status }) => expect(status?.operation).toMatchObject({ number: i + 1, result: 'Succeeded' }));
    }
    const scrape = async () => (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(await scrape()).toContain('reflavor_notifications_lost_total{because="overflow"} 2\n');
    await eventually(async () => expect(await eventReasons()).toContain('NotificationLost'), patience);
    await sink.start();
    await heard(...Array.from({ length: 11 }, () => ['failover.start', 'failover.end']).flat());
    expect(await scrape()).toMatch(/reflavor_notification_tries_total\{type="octavia.loadbalancer.failover.end",result="delivered"\} 11\n/);
  }, 240_000);
});

describe('an operator', () => {
  test('that is stopped before it could tell tells after it is started again', async () => {
    await sink.stop();
    const first = start();
    await lb.create(spec);
    await lb.untilAtRest('small');
    await lb.patch({ flavorId: 'large' });
    await lb.untilAtRest('large');
    await first.stop();
    await sink.start();
    first.start();
    await heard('create.start', 'create.end', 'resize.start', 'resize.end');
  }, 120_000);

  test('that waits to become the leader tells nothing', async () => {
    const flags = {
      leaderElect: 'true',
      leaseNamespace: 'default',
      leaseDurationSeconds: '4',
      leaseRenewDeadlineSeconds: '3',
      leaseRetryPeriodSeconds: '1',
    };
    const first = start(flags);
    await eventually(async () => {
      expect(await controlPlane.kubectl(['get', 'lease', 'reflavor-operator', '-o', 'jsonpath={.spec.holderIdentity}'])).not.toBe('');
    }, patience);
    const second = new TestOperator(controlPlane.kubeconfigPath, world, { notificationsSink: sink.url, ...flags });
    second.start();
    await lb.create(spec);
    await lb.untilAtRest('small');
    await heard('create.start', 'create.end');
    // What was not written down would be told once more.
    await lb.until(({ status }) => expect(status?.notifications?.delivered).toEqual(['1-start', '1-end']));
    await first.stop();
    await lb.patch({ flavorId: 'large' });
    await heard('create.start', 'create.end', 'resize.start', 'resize.end');
    await second.stop();
    first.start();
  }, 120_000);
});

describe('an operator that is killed', () => {
  let dir: string;
  let running: ProcessIdentity | undefined;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-notify-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));
  afterEach(async () => {
    if (running) await endProcess(running);
    running = undefined;
    start();
  }, 60_000);

  const startProcess = async () => {
    running = await startOperator({
      kubeconfigPath: controlPlane.kubeconfigPath,
      stateDir: dir,
      logFile: join(dir, 'operator.log'),
      flags: ['--driver=simulated', `--notifications-sink=${sink.url}`, '--progress-ms=100'],
    });
    return running;
  };

  test('after the sink had heard and before it could write that down repeats it under the same id, and loses nothing', async () => {
    const first = await startProcess();
    sink.answer = ({ event }, response) => {
      // The sink has it; the operator will never know.
      if (event.type.endsWith('create.end')) process.kill(first.pid, 'SIGKILL');
      else response.writeHead(202).end();
    };
    await lb.create(spec);
    await heard('create.start', 'create.end');
    expect((await lb.get()).status?.notifications?.delivered).not.toContain('1-end');
    sink.answer = 202;
    await startProcess();
    await eventually(() => expect(sink.types(lb.name).filter((type) => type === 'create.end')).toHaveLength(2), patience);
    await lb.until(({ status }) => expect(status?.notifications?.delivered).toEqual(expect.arrayContaining(['1-start', '1-end'])));
    const ends = sink.of(lb.name).filter(({ type }) => type.endsWith('create.end'));
    expect(new Set(ends.map(({ id }) => id)).size).toBe(1);
    expect(ends[1]?.time).toBe(ends[0]?.time);
  }, 180_000);

  test('between the turn and its delivery delivers it after it was started again', async () => {
    const first = await startProcess();
    await lb.create(spec);
    await heard('create.start', 'create.end');
    sink.answer = 503;
    await lb.patch({ flavorId: 'large' });
    await lb.until(({ status }) => expect(status?.operation).toMatchObject({ kind: 'Resize', result: 'Succeeded' }));
    await endProcess(first, { signal: 'SIGKILL' });
    const tried = sink.of(lb.name).length;
    sink.answer = 202;
    await startProcess();
    await eventually(
      () => expect(sink.types(lb.name).slice(tried)).toEqual(expect.arrayContaining(['resize.start', 'resize.end'])),
      patience,
    );
    const ids = sink
      .of(lb.name)
      .filter(({ type }) => type.endsWith('resize.start'))
      .map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
  }, 180_000);
});
