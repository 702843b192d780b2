import { expect, test } from '@jest/globals';
import { exponent, growth } from '../../../bench/rendering/growth.ts';
import { labels, plot } from '../../../bench/rendering/plot.ts';

test('growth is told by the last two points', () => {
  expect(
    exponent([
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

test('labels keep their order and a distance, those that have room their place', () => {
  expect(labels([100, 20, 105])).toEqual([100, 20, 116]);
});

test('a plot has a line for each series, with the first and last point in the corners of its range', () => {
  const svg = plot(
    [
      {
        name: 'up',
        points: [
          [10, 1],
          [1000, 100],
        ],
      },
      {
        name: 'flat',
        points: [
          [10, 1],
          [1000, 1],
        ],
      },
    ],
    { xLabel: 'x', yLabel: 'y' },
  );
  expect([...svg.matchAll(/<polyline points="([^"]+)"/g)].map((match) => match[1])).toEqual([
    '60.0,276.0 460.0,16.0',
    '60.0,276.0 460.0,276.0',
  ]);
  expect(svg).toContain('>up</text>');
  expect(svg.match(/NaN|Infinity|undefined/)).toBeNull();
});
