import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stable } from '../notify/stable.ts';
import { isSame } from './same.ts';

test.each<[unknown, unknown, boolean]>([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: 1 }, { a: 1, b: 0 }, false],
  [{ a: null }, {}, false],
  [{}, [], false],
  [[], {}, false],
  [[1, 2], [2, 1], false],
  [[1], [1, 2], false],
  ['1', 1, false],
  [undefined, {}, false],
])('%j and %j: %s', (a, b, same) => expect(isSame(a, b)).toBe(same));

test('says what the sorted texts of both say', () => {
  const json = fc.dictionary(
    fc.constantFrom('a', 'b', 'c'),
    fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(0, 1, 'x', null, true),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b'), tie('value')),
      ),
    })).value,
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(json, json, (a, b) => isSame(a, b) === (stable(a) === stable(b)) && isSame(a, structuredClone(a))),
    { numRuns: 500 },
  );
});
