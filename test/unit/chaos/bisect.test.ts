import { expect, test } from '@jest/globals';
import { firstRefused } from '../../../chaos/security/bisect.ts';

test('the one that is refused is found by halves', async () => {
  const all = Array.from({ length: 250 }, (_, i) => i);
  let asked = 0;
  const found = await firstRefused(all, async (some) => {
    asked++;
    return some.includes(177);
  });
  expect(found).toEqual([177]);
  expect(asked).toBeLessThanOrEqual(16);
});

test('those that are refused only together are told of together', async () => {
  expect(await firstRefused([1, 2, 3, 4], async (some) => some.includes(2) && some.includes(3))).toEqual([1, 2, 3, 4]);
});
