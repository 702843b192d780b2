import { expect, test } from '@jest/globals';
import { painter } from './io.ts';

test.each([
  ['on a terminal', {}, true, true],
  ['not in a pipe', {}, false, false],
  ['not where NO_COLOR is set', { NO_COLOR: '1' }, true, false],
  ['where NO_COLOR is set to nothing', { NO_COLOR: '' }, true, true],
  ['not on a terminal that has none', { TERM: 'dumb' }, true, false],
  ['in a pipe where FORCE_COLOR is set', { FORCE_COLOR: '1' }, false, true],
  ['not where both are set', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
  ['not where FORCE_COLOR is 0', { FORCE_COLOR: '0' }, true, false],
])('colours: %s', (_, env, isTerminal, coloured) => expect(painter(env, isTerminal)('red', 'x') !== 'x').toBe(coloured));
