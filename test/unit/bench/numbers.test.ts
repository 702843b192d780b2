import { expect, test } from '@jest/globals';
import { median, medianRatio, quantile, rounded } from '../../../bench/numbers.ts';

test('a quantile is one of the values, by the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([0, 0.5, 0.99, 1].map((part) => quantile(values, part))).toEqual([1, 50, 99, 100]);
  expect([quantile([7], 0.99), quantile([3, 1, 2], 0.5)]).toEqual([7, 2]);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

test('a median is the middle, or the mean of the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([5])]).toEqual([2, 2.5, 5]);
  expect(() => median([])).toThrow(RangeError);
});

test('a ratio of pairs is not moved by a machine that was slower in one of the rounds', () => {
  expect(medianRatio([100, 10, 30], [200, 20, 30])).toBe(0.5);
});

test('figures of a note have three digits, or none after the point', () => {
  expect([rounded(0.012345), rounded(12.345), rounded(12_345.6)]).toEqual(['0.0123', '12.3', '12,346']);
});
