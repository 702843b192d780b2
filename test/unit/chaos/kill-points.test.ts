import { expect, test } from '@jest/globals';
import { KillPoints } from '../../../chaos/real/kill-points.ts';

/** Whether there is one more after points that were come to, or not. */
function hasMoreAfter(...hits: boolean[]): boolean {
  const points = new KillPoints();
  for (const hit of hits) points.led(hit);
  return points.hasMore;
}

test('every write has a point before it and one after', () => {
  const points = new KillPoints();
  expect([points.next(), points.next(), points.next()]).toEqual([
    { write: 1, side: 'before' },
    { write: 1, side: 'after' },
    { write: 2, side: 'before' },
  ]);
});

test('there are no more once four in a row were not come to', () => {
  expect(hasMoreAfter(true, false, false, false)).toBe(true);
  expect(hasMoreAfter(false, false, false, true, false)).toBe(true);
  expect(hasMoreAfter(true, false, false, false, false)).toBe(false);
  // Of several lives one may be slower than what ended it.
  expect(hasMoreAfter(false, false, false, false, true)).toBe(false);
});

test('those that are given are all there are, whether come to or not', () => {
  const points = new KillPoints([{ write: 7, side: 'after' }]);
  for (let i = 0; i < 4; i++) points.led(false);
  expect([points.hasMore, points.next(), points.hasMore, points.next()]).toEqual([true, { write: 7, side: 'after' }, false, undefined]);
});
