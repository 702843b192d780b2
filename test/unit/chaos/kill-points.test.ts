import { expect, test } from '@jest/globals';
import { KillPoints } from '../../../chaos/real/kill-points.ts';

test('every write has a point before it and one after, until one is not come to', () => {
  const points = new KillPoints();
  expect([points.next(), points.next(), points.next()]).toEqual([
    { write: 1, side: 'before' },
    { write: 1, side: 'after' },
    { write: 2, side: 'before' },
  ]);
  points.passed();
  expect([points.hasMore, points.next()]).toEqual([false, undefined]);
});

test('those that are given are all there are', () => {
  const points = new KillPoints([{ write: 7, side: 'after' }]);
  expect([points.hasMore, points.next(), points.hasMore, points.next()]).toEqual([true, { write: 7, side: 'after' }, false, undefined]);
});
