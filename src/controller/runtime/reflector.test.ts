import { expect, test } from '@jest/globals';
import { configMaps } from '../../../test/support/core-resources.ts';
import { VirtualClock } from '../../../test/support/virtual-clock.ts';
import { KubeError } from '../../kube/errors.ts';
import type { KubeObject, WatchEvent } from '../../kube/types.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

const unreachable = new KubeError('no answer', { status: 0, reason: 'Unreachable' });
const expired = new KubeError('too old', { status: 410, reason: 'Expired' });

/** A reflector that pages, over a server whose watches do what they are told to, in turn, and then stay silent. When each was opened, and each list read. */
async function reflected(watches: ('unreachable' | 'expired')[], seconds: number) {
  const clock = new VirtualClock();
  const lists: number[] = [];
  const opened: number[] = [];
  const client = {
    async listAll() {
      lists.push(clock.monotonic());
      return { metadata: { resourceVersion: '1' }, items: [] };
    },
    async *watch(_: unknown, { signal }: { signal?: AbortSignal }): AsyncGenerator<WatchEvent<KubeObject>> {
      opened.push(clock.monotonic());
      const fault = watches.shift();
      if (fault) throw fault === 'expired' ? expired : unreachable;
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    },
  } as unknown as ReflectorOptions<KubeObject>['client'];
  const reflector = new Reflector<KubeObject>({ client, resource: configMaps, watchList: false, clock, random: () => 0 });
  const stop = new AbortController();
  const done = reflector.run(stop.signal);
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed += 100) await clock.advance(100);
  stop.abort();
  await done;
  return { lists, opened };
}

test('after an outage that cost its version a reflector reads everything anew at once', async () => {
  const { lists, opened } = await reflected([...Array.from({ length: 8 }, () => 'unreachable' as const), 'expired'], 120);
  expect(opened[8]! - opened[7]!).toBeGreaterThan(10_000);
  expect(lists).toHaveLength(2);
  expect(lists[1]! - opened[8]!).toBeLessThan(1000);
});

test('a reflector whose versions expire again and again asks less and less often', async () => {
  const { lists } = await reflected(
    Array.from({ length: 100 }, () => 'expired' as const),
    120,
  );
  expect(lists.length).toBeGreaterThan(3);
  expect(lists.length).toBeLessThan(15);
});
