import { expect, test } from '@jest/globals';
import { Total } from './total.ts';

const after = (...readings: { id: string; total: number }[][]): number => {
  const total = new Total();
  for (const reading of readings) total.add(reading);
  return total.value;
};

test('workers count together', () => {
  expect(
    after([
      { id: '1', total: 3 },
      { id: '2', total: 4 },
    ]),
  ).toBe(7);
  expect(after([{ id: '1', total: 3 }], [{ id: '1', total: 5 }])).toBe(5);
});

test('what one has counted stays counted when it ends', () => {
  expect(after([{ id: '1', total: 3 }], [{ id: '2', total: 1 }], [{ id: '2', total: 2 }])).toBe(5);
});

test('so it does when another takes its id', () => {
  expect(after([{ id: '1', total: 3 }], [{ id: '1', total: 1 }])).toBe(4);
});
