import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agrees } from './agrees.ts';

describe('agrees', () => {
  test('with what the API server has added', () => {
    const live = { spec: { ports: [{ port: 80, nodePort: 30080 }], type: 'LoadBalancer' }, status: {} };
    expect(agrees(live, { spec: { ports: [{ port: 80 }] } })).toBe(true);
    expect(agrees(live, { spec: { type: undefined } })).toBe(true);
  });

  test.each([
    ['another value', { a: 1 }, { a: 2 }],
    ['a field that is missing', { a: 1 }, { a: 1, b: 2 }],
    ['a longer list', { a: [1, 2] }, { a: [1] }],
    ['a shorter list', { a: [1] }, { a: [1, 2] }],
    ['another order', { a: [1, 2] }, { a: [2, 1] }],
    ['nothing', undefined, { a: 1 }],
    ['null in place of an object', { a: null }, { a: {} }],
  ])('not with %s', (_, live, wanted) => expect(agrees(live, wanted)).toBe(false));

  test('any JSON with itself, and with itself and more fields', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (object, more) => {
        expect(agrees(object, object)).toBe(true);
        expect(agrees({ extra: more, ...object }, object)).toBe(true);
      }),
    );
  });
});
