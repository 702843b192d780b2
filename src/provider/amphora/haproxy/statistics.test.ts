import { expect, test } from '@jest/globals';
import { isUnchecked, memberStatus } from './statistics.ts';

test.each([
  ['UP', 1, 'ONLINE'],
  ['UP 1/3', 1, 'ONLINE'],
  ['UP', 0, 'DRAINING'],
  ['no check', 1, 'NO_MONITOR'],
  ['no check', 0, 'DRAINING'],
  ['DRAIN', 0, 'DRAINING'],
  ['NOLB 1/2', 1, 'DRAINING'],
  ['DOWN', 1, 'ERROR'],
  ['DOWN 1/2', 0, 'ERROR'],
  ['MAINT', 1, 'OFFLINE'],
  ['MAINT (via x/y)', 1, 'OFFLINE'],
] as const)('a server that is %s with weight %d is a member %s', (status, weight, expected) => {
  expect(memberStatus(status, weight)).toBe(expected);
});

test.each([
  ['UP', 'INI', true],
  ['UP', '* INI', true],
  ['UP', 'L7OK', false],
  ['UP', '* L7OK', false],
  ['DOWN', 'INI', false],
  ['MAINT', 'INI', false],
  ['no check', '', false],
] as const)('a server that is %s and whose check says %s is one to be checked yet: %s', (status, checkStatus, expected) => {
  expect(isUnchecked(status, checkStatus)).toBe(expected);
});
