import { describe, expect, test } from '@jest/globals';
import { settle, VirtualClock } from '../../../test/support/virtual-clock.ts';
import { Controller, type ControllerOptions } from './controller.ts';

function newController(options: Partial<ControllerOptions> & Pick<ControllerOptions, 'reconcile'>) {
  const clock = new VirtualClock();
  const results: string[] = [];
  const controller = new Controller({
    name: 'test',
    clock,
    random: () => 0,
    backoff: { baseMs: 100, maxMs: 1000, jitter: 0.5 },
    metrics: { reconciled: (result) => results.push(result) },
    ...options,
  });
  return { clock, controller, results };
}

describe('controller', () => {
  test('a visit that fails is repeated after its back-off, and one key failing does not hold up another', async () => {
    const visits: string[] = [];
    const { clock, controller, results } = newController({
      reconcile: async (key) => {
        visits.push(`${key}@${clock.monotonic()}`);
        if (key === 'bad' && clock.monotonic() < 300) throw new Error('not yet');
      },
    });
    controller.start();
    controller.enqueue('bad');
    controller.enqueue('good');
    await clock.advance(1000);
    expect(visits).toEqual(['bad@0', 'good@0', 'bad@100', 'bad@300']);
    expect(results).toEqual(['error', 'success', 'error', 'success']);
  });

  test('a reconcile that throws before it returns a promise is a failed visit like any other', async () => {
    const { clock, controller, results } = newController({
      reconcile: (() => {
        if (results.length === 0) throw new TypeError('not a promise');
        return Promise.resolve();
      }) as ControllerOptions['reconcile'],
    });
    controller.start();
    controller.enqueue('a');
    await clock.advance(200);
    expect(results).toEqual(['error', 'success']);
  });

  test('a visit that asks for another one gets it in time', async () => {
    const at: number[] = [];
    const { clock, controller } = newController({
      reconcile: async () => {
        at.push(clock.monotonic());
        return at.length < 3 ? { requeueAfterMs: 5000 } : undefined;
      },
    });
    controller.start();
    controller.enqueue('a');
    await clock.advance(60_000);
    expect(at).toEqual([0, 5000, 10_000]);
  });

  test('visits run side by side up to the concurrency', async () => {
    let running = 0;
    let most = 0;
    const { clock, controller } = newController({
      concurrency: 3,
      reconcile: async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => clock.setTimer(10, resolve));
        running--;
      },
    });
    controller.start();
    for (let i = 0; i < 10; i++) controller.enqueue(`key-${i}`);
    await clock.advance(100);
    expect(most).toBe(3);
    expect(running).toBe(0);
  });

  test('a visit that takes too long has its signal aborted, and its key comes again', async () => {
    const reasons: string[] = [];
    const { clock, controller } = newController({
      timeoutMs: 1000,
      reconcile: async (_key, { signal }) => {
        if (reasons.length > 0) return;
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      metrics: { reconciled: (result) => reasons.push(result) },
    });
    controller.start();
    controller.enqueue('slow');
    await clock.advance(2000);
    expect(reasons).toEqual(['error', 'success']);
  });

  test('a stop lets the visit under way end and starts no other', async () => {
    const ended: string[] = [];
    const { clock, controller } = newController({
      reconcile: async (key) => {
        await new Promise<void>((resolve) => clock.setTimer(500, resolve));
        ended.push(key);
      },
    });
    controller.start();
    controller.enqueue('first');
    controller.enqueue('second');
    await settle();
    const stopped = controller.stop(1000);
    await clock.advance(600);
    expect(await stopped).toBe(true);
    expect(ended).toEqual(['first']);
  });

  test('a stop aborts the visit that outlives the grace, and says when it did not end even so', async () => {
    let aborted = false;
    const { clock, controller } = newController({
      reconcile: (_key, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
        }),
    });
    controller.start();
    controller.enqueue('stuck');
    await settle();
    const stopped = controller.stop(1000);
    await clock.advance(999);
    expect(aborted).toBe(false);
    await clock.advance(1);
    expect(aborted).toBe(true);
    await clock.advance(1000);
    expect(await stopped).toBe(false);
  });
});
