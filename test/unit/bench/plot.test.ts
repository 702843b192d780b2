import { expect, test } from '@jest/globals';
import { exponent, logLogPlot } from '../../../bench/plot.ts';

const line = (name: string, power: number) => ({ name, points: [10, 100, 1000].map((x) => [x, x ** power] as const) });

test('the exponent is the steepness on logarithmic axes', () => {
  expect(exponent(line('a', 1))).toBeCloseTo(1);
  expect(exponent(line('a', 2))).toBeCloseTo(2);
});

const polylines = (svg: string) =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) => points.split(' ').map((point) => point.split(',').map(Number)));

test('what grows in proportion lies on the dashed line, and steeper lines climb more', () => {
  const svg = logLogPlot({ title: 'a < b', x: 'n', y: 's', series: [line('one', 1), line('two', 2)] });
  const [dashed, one, two] = polylines(svg) as [number[][], number[][], number[][]];
  expect(dashed.at(-1)).toEqual(one.at(-1));
  expect(dashed[0]).toEqual(one[0]);
  const climb = (points: number[][]) => points[0]![1]! - points.at(-1)![1]!;
  expect(climb(two) / climb(one)).toBeCloseTo(2, 1);
  expect(svg).toContain('a &lt; b');
  expect(svg.match(/<circle /g)).toHaveLength(6);
});

test('every point is inside the picture', () => {
  const svg = logLogPlot({ title: 't', x: 'n', y: 's', series: [{ name: 'a', points: [[10, 0.4] as const, [5000, 371] as const] }] });
  for (const [x = 0, y = 0] of polylines(svg).flat()) {
    expect(x).toBeGreaterThanOrEqual(64);
    expect(x).toBeLessThanOrEqual(640);
    expect(y).toBeGreaterThanOrEqual(40);
    expect(y).toBeLessThanOrEqual(352);
  }
});
