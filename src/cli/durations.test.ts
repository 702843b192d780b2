import { expect, test } from '@jest/globals';
import { ago, secondsOf, shortDuration } from './durations.ts';
import { UsageError } from './exit-codes.ts';

test.each([
  ['90', 90],
  ['1.5', 1.5],
  ['90s', 90],
  ['5m', 300],
  ['1h30m', 5400],
])('%s is %d seconds', (text, seconds) => expect(secondsOf(text)).toBe(seconds));

test.each(['', 'soon', '5 m', '5d', '-1s', '5m!'])('%j is no duration, and says what is', (text) => {
  expect(() => secondsOf(text)).toThrow(new UsageError(`"${text}" is no duration: write 90s, 5m or 1h30m`));
});

test.each([
  [-3, '0s'],
  [119.9, '119s'],
  [120, '2m'],
  [244, '4m4s'],
  [3600, '60m'],
  [11_000, '3h3m'],
  [100_000, '27h'],
  [200_000, '2d'],
])('%d seconds are %s in short', (seconds, text) => expect(shortDuration(seconds)).toBe(text));

test('what never was is of unknown age', () => expect(ago(undefined, 0)).toBe('<unknown>'));
