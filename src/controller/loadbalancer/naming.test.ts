import { expect, test } from '@jest/globals';
import { freePeer, PEERS } from './naming.ts';

const all = Array.from({ length: PEERS }, (_, peer) => peer);

test('two operations that see nothing of each other’s amphorae give them different peer names', () => {
  const names = [1, 2, 3].flatMap((operation) => [0, 1].map((slot) => freePeer([], operation, slot, 'ACTIVE_STANDBY')));
  expect(new Set(names).size).toBe(6);
});

test('a peer name that is taken is passed over, and when all are there is none', () => {
  expect(freePeer([2], 1, 0, 'SINGLE')).toBe(3);
  expect(freePeer([2, 3, 4, 5, 6, 7], 1, 0, 'SINGLE')).toBe(0);
  expect(freePeer(all, 1, 0, 'SINGLE')).toBeUndefined();
});

test('the two of a pair never get the same one, whatever is known to be taken', () => {
  const parities = (slot: number) => new Set([0, 1, 2, 3, 4].map((n) => freePeer([2, 3, 4, 5].slice(n), 1, slot, 'ACTIVE_STANDBY')! % 2));
  expect(parities(0)).toEqual(new Set([0]));
  expect(parities(1)).toEqual(new Set([1]));
  expect(freePeer([0, 2, 4, 6], 1, 0, 'ACTIVE_STANDBY')).toBeUndefined();
});
