import { describe, expect, test } from '@jest/globals';
import type { CloudEvent } from 'cloudevents';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { LoadBalancer, LoadBalancerStatus, Operation } from '../api/index.ts';
import { silentLog } from '../controller/runtime/log.ts';
import type { EventContent } from './events.ts';
import { Notifier } from './notifier.ts';
import type { Outcome } from './sink.ts';

const operation = (number: number, over = false): Operation => ({
  number,
  kind: 'Resize',
  from: 'small',
  to: 'large',
  attempt: 1,
  startedAt: '2026-01-01T00:00:00Z',
  ...(over && { finishedAt: '2026-01-01T00:01:00Z', result: 'Succeeded' as const }),
});

/** A notifier before a sink that answers as told, on a clock that stands still. */
class Scene {
  readonly clock = new VirtualClock();
  readonly heard: string[] = [];
  readonly losses: [string, number][] = [];
  readonly events: EventContent[] = [];
  readonly objects = new Map<string, LoadBalancer>();
  remembered = 0;
  answer: Outcome = { result: 'delivered' };
  readonly notifier = new Notifier({
    sink: {
      send: async (event: CloudEvent<unknown>) => {
        this.heard.push(event.id);
        return this.answer;
      },
    },
    source: '/test',
    loadBalancer: (key) => this.objects.get(key),
    flavorData: () => undefined,
    remember: () => void this.remembered++,
    enqueue: () => {},
    events: { record: (_, content) => void this.events.push(content) },
    metrics: { tried: () => {}, lost: (because, count = 1) => void this.losses.push([because, count]) },
    clock: this.clock,
    random: () => 0,
    refusedForMs: 60_000,
  });

  put(status: Partial<LoadBalancerStatus>, uid = 'uid-1'): LoadBalancer {
    const lb: LoadBalancer = {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'LoadBalancer',
      metadata: { name: 'web', namespace: 'default', uid, generation: 1 },
      spec: {} as LoadBalancer['spec'],
      status: { observedGeneration: 1, flavorId: 'small', notifications: { delivered: [] }, ...status },
    };
    this.objects.set('default/web', lb);
    return lb;
  }

  visit = () => this.notifier.visit('default/web', { signal: new AbortController().signal, log: silentLog });
}

describe('a notifier', () => {
  test('tells in order, each once, and asks for it to be written down', async () => {
    const scene = new Scene();
    scene.put({ history: [operation(1, true)], operation: operation(2) });
    expect(await scene.visit()).toEqual({});
    expect(await scene.visit()).toEqual({});
    expect(scene.heard).toEqual(['uid-1-1-start', 'uid-1-1-end', 'uid-1-2-start']);
    expect(scene.remembered).toBe(3);
  });

  test('waits longer after each failure, whoever asks in between, and tells nothing out of turn', async () => {
    const scene = new Scene();
    scene.put({ operation: operation(1, true) });
    scene.answer = { result: 'failed', message: 'the sink answered 503' };
    expect(await scene.visit()).toEqual({ requeueAfterMs: 1000 });
    scene.clock.freeze(400);
    expect(await scene.visit()).toEqual({ requeueAfterMs: 600 });
    expect(scene.heard).toHaveLength(1);
    scene.clock.freeze(600);
    expect(await scene.visit()).toEqual({ requeueAfterMs: 2000 });
    scene.answer = { result: 'delivered' };
    scene.clock.freeze(2000);
    await scene.visit();
    expect(scene.heard).toEqual(['uid-1-1-start', 'uid-1-1-start', 'uid-1-1-start', 'uid-1-1-end']);
  });

  test('leaves the sink alone for as long as it asks, within reason', async () => {
    const scene = new Scene();
    scene.put({ operation: operation(1) });
    scene.answer = { result: 'failed', message: 'the sink answered 429', retryAfterMs: 30_000 };
    expect(await scene.visit()).toEqual({ requeueAfterMs: 30_000 });
    scene.answer = { ...scene.answer, retryAfterMs: 86_400_000 };
    scene.clock.freeze(30_000);
    expect(await scene.visit()).toEqual({ requeueAfterMs: 600_000 });
  });

  test('asks a sink that refuses again for a while, then gives up, counts it and warns; what comes after is given up at once', async () => {
    const scene = new Scene();
    const lb = scene.put({ operation: operation(1, true) });
    scene.answer = { result: 'refused', message: 'the sink answered 403' };
    await scene.visit();
    expect(scene.losses).toEqual([]);
    scene.clock.freeze(60_000);
    expect(await scene.visit()).toEqual({});
    expect(scene.heard).toEqual(['uid-1-1-start', 'uid-1-1-start', 'uid-1-1-end']);
    expect(scene.losses).toEqual([
      ['refused', 1],
      ['refused', 1],
    ]);
    expect(scene.events[0]).toMatchObject({
      type: 'Warning',
      reason: 'NotificationRefused',
      note: 'octavia.loadbalancer.resize.start is given up: the sink answered 403, for 60 s.',
    });
    expect(scene.notifier.ledger(lb, lb.status!).delivered).toEqual(['1-start', '1-end']);
  });

  test('takes a sink that took something in between for one that refuses anew', async () => {
    const scene = new Scene();
    scene.put({ operation: operation(1) });
    scene.answer = { result: 'refused', message: 'the sink answered 404' };
    await scene.visit();
    scene.clock.freeze(50_000);
    scene.answer = { result: 'delivered' };
    await scene.visit();
    scene.put({ operation: operation(1, true) });
    scene.answer = { result: 'refused', message: 'the sink answered 404' };
    scene.clock.freeze(50_000);
    expect(await scene.visit()).toEqual({ requeueAfterMs: 1000 });
    expect(scene.losses).toEqual([]);
  });

  test('forgets what the status has written down', async () => {
    const scene = new Scene();
    scene.put({ operation: operation(1) });
    await scene.visit();
    const lb = scene.put({ operation: operation(1), notifications: { delivered: ['1-start'] } });
    await scene.visit();
    expect(scene.notifier.ledger({ ...lb, status: { ...lb.status!, notifications: { delivered: [] } } }, lb.status!).delivered).toEqual([]);
  });

  test('counts what leaves the history untold, and warns of it', () => {
    const scene = new Scene();
    const lb = scene.put({ history: [operation(1, true)], operation: operation(2, true) });
    scene.notifier.written(lb, { ...lb.status!, history: [operation(2, true)], operation: operation(3) });
    expect(scene.losses).toEqual([['overflow', 2]]);
    expect(scene.events).toMatchObject([{ type: 'Warning', reason: 'NotificationLost' }]);
  });
});

describe('a deletion', () => {
  const deleting = (scene: Scene) => {
    const lb = scene.put({ notifications: { delivered: ['delete-start'] } });
    lb.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    return lb;
  };

  test('waits until the sink has taken the last notification, and no longer', async () => {
    const scene = new Scene();
    const lb = deleting(scene);
    expect(scene.notifier.farewellMs(lb)).toBe(2000);
    await scene.visit();
    expect(scene.heard).toEqual(['uid-1-delete-end']);
    expect(scene.notifier.farewellMs(lb)).toBe(0);
  });

  test('waits two seconds for a sink that is silent, and not at all for one that is known to be down', async () => {
    const silent = new Scene();
    const lb = deleting(silent);
    silent.notifier.farewellMs(lb);
    silent.clock.freeze(1500);
    expect(silent.notifier.farewellMs(lb)).toBe(500);
    silent.clock.freeze(500);
    expect(silent.notifier.farewellMs(lb)).toBe(0);
    const down = new Scene();
    const other = deleting(down);
    other.status!.operation = operation(1);
    down.answer = { result: 'failed', message: 'down' };
    await down.visit();
    expect(down.notifier.farewellMs(other)).toBe(0);
  });

  test('is told of after the object is gone too, for a minute; then it is counted as lost', async () => {
    const scene = new Scene();
    const lb = deleting(scene);
    scene.notifier.farewellMs(lb);
    scene.objects.clear();
    scene.notifier.forget(lb);
    scene.answer = { result: 'failed', message: 'down' };
    expect(await scene.visit()).toEqual({ requeueAfterMs: 1000 });
    scene.clock.freeze(63_000);
    expect(await scene.visit()).toEqual({});
    expect(scene.losses).toEqual([['deleted', 1]]);
    expect(await scene.visit()).toEqual({});
    expect(scene.heard).toHaveLength(2);
  });

  test('does not hide another load balancer of the same name', async () => {
    const scene = new Scene();
    const lb = deleting(scene);
    scene.notifier.farewellMs(lb);
    scene.put({ operation: operation(1) }, 'uid-2');
    await scene.visit();
    expect(scene.heard).toEqual(['uid-1-delete-end', 'uid-2-1-start']);
  });
});
