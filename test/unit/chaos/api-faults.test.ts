import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { parseCall } from '../../../chaos/real/api-call.ts';
import { oneIn } from '../../../chaos/real/api-faults.ts';
import { Hits } from '../../../chaos/real/hits.ts';
import { meeting, once } from '../../../chaos/real/meeting.ts';

const get = (namespace: string) => parseCall('GET', `/apis/reflavor.dev/v1alpha1/namespaces/${namespace}/loadbalancers/web`, '');

test('of the calls of each namespace, the first is met and one of every so many after it', () => {
  const isMet = oneIn(3);
  expect(['a', 'b', 'a', 'a', 'a', 'b'].map((namespace) => isMet(get(namespace)))).toEqual([true, true, false, false, true, false]);
});

test('a fault is felt in its own namespace, and everywhere where it is about all', () => {
  const hits = new Hits();
  hits.add(get('a'));
  expect(['a', 'b'].map((namespace) => hits.feltIn(namespace))).toEqual([1, 0]);
  hits.add(undefined, 0);
  expect(hits.feltIn('b')).toBe(0);
  hits.add(undefined, 4);
  expect(['a', 'b'].map((namespace) => hits.feltIn(namespace))).toEqual([5, 4]);
});

test('what befalls a crew begins when the last of it has come, and not before', async () => {
  const told: string[] = [];
  const ending = Promise.withResolvers<void>();
  const together = meeting(2, () => {
    told.push('it begins');
    return ending.promise;
  });
  const first = once(together.come);
  void first().then(() => told.push('the first goes on'));
  // Whoever gives up after having come counts once.
  void first();
  await turn();
  expect(told).toEqual([]);
  await together.come();
  await turn();
  expect(told).toEqual(['it begins', 'the first goes on']);
  ending.resolve();
  await together.isOver;
});
