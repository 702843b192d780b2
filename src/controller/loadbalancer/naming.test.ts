import { expect, test } from '@jest/globals';
import { freePeer, PEERS } from './naming.ts';

test('two operations that see nothing of each other’s amphorae give them different peer names', () => {
  const names = [1, 2, 3].flatMap((operation) => [0, 1].map((slot) => freePeer([], operation, slot)));
  expect(new Set(names).size).toBe(6);
});

test('a peer name that is taken is passed over, and when all are there is none', () => {
  expect(freePeer([2], 1, 0)).toBe(3);
  expect(freePeer([2, 3, 4, 5, 6, 7], 1, 0)).toBe(0);
  expect(
    freePeer(
      Array.from({ length: PEERS }, (_, i) => i),
      1,
      0,
    ),
  ).toBeUndefined();
});
