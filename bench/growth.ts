import { rounded } from './numbers.ts';
import { exponent, type Series } from './plot.ts';

/** A value by size. */
export type Point = readonly [size: number, value: number];

/** By which power a value grows from the last point but one to the last: 1 is linear, 0 not at all, 2 quadratic. */
export const lastExponent = (points: readonly Point[]): number => exponent({ points: points.slice(-2) });

/** In words. */
export function growth(points: readonly Point[]): string {
  const power = lastExponent(points);
  if (power < 0.25) return 'hardly at all';
  if (power < 0.8) return 'slower than linearly';
  return power <= 1.25 ? 'linearly' : `faster than linearly, by the power of ${power.toFixed(1)}`;
}

/** Of each series how it grows, and its values, milliseconds. */
export const growthOf = (series: readonly Series[]): string =>
  series.map(({ name, points }) => `${name}: ${growth(points)} (${points.map(([, ms]) => rounded(ms)).join(', ')} ms)`).join('; ');
