import { expect, test } from '@jest/globals';
import { growth, lastExponent } from '../../../bench/growth.ts';

test('growth is told by the last two points', () => {
  expect(
    lastExponent([
      [1, 50],
      [10, 3],
      [100, 30],
    ]),
  ).toBeCloseTo(1);
  expect(
    growth([
      [1000, 2],
      [5000, 10],
    ]),
  ).toBe('linearly');
  expect(
    growth([
      [1000, 2],
      [5000, 50],
    ]),
  ).toBe('faster than linearly, by the power of 2.0');
  expect(
    growth([
      [1000, 2],
      [5000, 4],
    ]),
  ).toBe('slower than linearly');
  expect(
    growth([
      [1000, 2],
      [5000, 2.1],
    ]),
  ).toBe('hardly at all');
});
