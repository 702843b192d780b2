import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VirtualClock } from '../../../test/support/virtual-clock.ts';
import { WorkQueue, type WorkQueueOptions } from './workqueue.ts';

function newQueue(options: WorkQueueOptions = {}) {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock, random: () => 0, ...options });
  return { clock, queue };
}

/** What the queue would hand out now, without waiting for more. */
async function takeAll(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) keys.push((await queue.get())!);
  return keys;
}

describe('work queue', () => {
  test('hands out keys in the order they were added, each once', async () => {
    const { queue } = newQueue();
    for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
    expect(await takeAll(queue)).toEqual(['b', 'a', 'c']);
  });

  test('a caller that came before the key gets it when it comes', async () => {
    const { queue } = newQueue();
    const first = queue.get();
    const second = queue.get();
    queue.add('a');
    queue.add('b');
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
  });

  test('a key added while it is processed comes back once, after done', async () => {
    const { queue } = newQueue();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('long delays end together, none of them early and none long after its time', async () => {
    const { clock, queue } = newQueue();
    for (const [key, delayMs] of [
      ['short', 1],
      ['a', 5001],
      ['b', 5050],
      ['c', 5199],
      ['d', 5201],
    ] as const)
      queue.addAfter(key, delayMs);
    await clock.advance(5000);
    expect(await takeAll(queue)).toEqual(['short']);
    await clock.advance(199);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect((await takeAll(queue)).sort()).toEqual(['a', 'b', 'c']);
    await clock.advance(200);
    expect(await takeAll(queue)).toEqual(['d']);
  });

  test('of two delays for one key the sooner wins, whichever came first', async () => {
    const { clock, queue } = newQueue();
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    queue.addAfter('b', 10);
    queue.addAfter('b', 100);
    await clock.advance(10);
    expect(await takeAll(queue)).toEqual(['a', 'b']);
    queue.done('a');
    queue.done('b');
    await clock.advance(1000);
    expect(queue.depth).toBe(0);
  });

  test('the back-off doubles up to its cap and starts anew after forget', () => {
    const { queue } = newQueue({ backoff: { baseMs: 100, maxMs: 1000, jitter: 0.5 } });
    const delays = Array.from({ length: 6 }, () => queue.addRateLimited('a'));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(100);
  });

  test('keys that failed together do not come back together, at the cap neither', () => {
    let n = 0;
    const { queue } = newQueue({ random: () => (n++ % 10) / 10, backoff: { baseMs: 100, maxMs: 1000, jitter: 0.5 } });
    for (let i = 0; i < 5; i++) for (const key of 'abcdefghij') queue.addRateLimited(key);
    const atTheCap = [...'abcdefghij'].map((key) => queue.addRateLimited(key));
    expect(new Set(atTheCap).size).toBe(10);
    expect(Math.min(...atTheCap)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...atTheCap)).toBeLessThanOrEqual(1000);
  });

  test('after a shutdown callers get nothing, adds are ignored and no timer is left', async () => {
    const { clock, queue } = newQueue();
    const waiting = queue.get();
    queue.addAfter('a', 10);
    queue.shutDown();
    queue.add('b');
    queue.addAfter('c', 10);
    expect(await waiting).toBeUndefined();
    expect(await queue.get()).toBeUndefined();
    expect(clock.timers).toBe(0);
  });

  test('drained waits for what was handed out', async () => {
    const { queue } = newQueue();
    queue.add('a');
    await queue.get();
    queue.shutDown();
    let drained = false;
    const drain = queue.drained().then(() => {
      drained = true;
    });
    await Promise.resolve();
    expect(drained).toBe(false);
    queue.done('a');
    await drain;
    expect(drained).toBe(true);
  });

  test('giving back a key that was not handed out is an error that names it', () => {
    const { queue } = newQueue();
    expect(() => queue.done('a')).toThrow('done("a")');
  });

  test('reports how long keys waited and were worked on', async () => {
    const seen: Record<string, number[]> = { waited: [], worked: [] };
    const metrics = {
      depth() {},
      added() {},
      retried() {},
      waited: (s: number) => seen.waited!.push(s),
      worked: (s: number) => seen.worked!.push(s),
    };
    const { clock, queue } = newQueue({ metrics });
    queue.add('a');
    await clock.advance(2000);
    await queue.get();
    await clock.advance(3000);
    expect(queue.longestRunningMs()).toBe(3000);
    queue.done('a');
    expect(seen).toEqual({ waited: [2], worked: [3] });
    expect(queue.longestRunningMs()).toBe(0);
  });
});

describe('work queue, whatever the order of things', () => {
  const keys = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: keys }),
    fc.record({ do: fc.constant('addAfter' as const), key: keys, ms: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ do: fc.constant('fail' as const), key: keys }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('finish' as const), nth: fc.nat(3) }),
  );

  test('no key is ever out twice, and each add is followed by a visit that starts after it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { clock, queue } = newQueue({ backoff: { baseMs: 5, maxMs: 40, jitter: 0.5 } });
        const out: string[] = [];
        /** Keys that were added, now or for later, since their last visit began. */
        const owed = new Set<string>();
        const take = async () => {
          const key = (await queue.get())!;
          expect(out).not.toContain(key);
          out.push(key);
          owed.delete(key);
        };
        const finish = (nth: number) => {
          const [key] = out.splice(nth % out.length, 1);
          queue.done(key!);
        };
        for (const s of steps) {
          if (s.do === 'add') queue.add(s.key);
          if (s.do === 'addAfter') queue.addAfter(s.key, s.ms);
          if (s.do === 'fail') queue.addRateLimited(s.key);
          if (s.do === 'add' || s.do === 'addAfter' || s.do === 'fail') owed.add(s.key);
          if (s.do === 'advance') await clock.advance(s.ms);
          if (s.do === 'take' && queue.depth > 0) await take();
          if (s.do === 'finish' && out.length > 0) finish(s.nth);
        }
        while (out.length > 0) finish(0);
        await clock.advance(100);
        while (queue.depth > 0) await take();
        expect([...owed]).toEqual([]);
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test('with many workers no key is worked on twice at once, and the last state of each is seen', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(keys, fc.nat(5)), { minLength: 1, maxLength: 60 }), async (changes) => {
        const { clock, queue } = newQueue();
        const world = new Map<string, number>();
        const seen = new Map<string, number>();
        const busy = new Set<string>();
        const worker = async () => {
          for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
            expect(busy.has(key)).toBe(false);
            busy.add(key);
            const state = world.get(key)!;
            await new Promise<void>((resolve) => clock.setTimer(3, resolve));
            seen.set(key, state);
            busy.delete(key);
            queue.done(key);
          }
        };
        const workers = [worker(), worker(), worker()];
        for (const [index, [key, ms]] of changes.entries()) {
          world.set(key, index);
          queue.add(key);
          await clock.advance(ms);
        }
        await clock.advance(1000);
        queue.shutDown();
        await Promise.all(workers);
        expect(seen).toEqual(world);
      }),
      { numRuns: 40 },
    );
  });
});
