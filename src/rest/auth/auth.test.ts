import { describe, expect, test } from '@jest/globals';
import { projectOf, tokenOf } from './authentication.ts';
import { BriefMemory } from './brief-memory.ts';

describe('tokenOf', () => {
  test.each([
    [{ 'x-auth-token': 'a' }, 'a'],
    [{ authorization: 'Bearer b' }, 'b'],
    [{ authorization: 'bearer  b' }, 'b'],
    [{ 'x-auth-token': 'a', authorization: 'Bearer b' }, 'a'],
    [{ authorization: 'Basic b' }, undefined],
    [{ authorization: 'Bearer' }, undefined],
    [{ 'x-auth-token': '' }, undefined],
    [{}, undefined],
  ])('of %j is %s', (headers, token) => {
    expect(tokenOf(headers)).toBe(token);
  });
});

describe('projectOf', () => {
  test('is the namespace of a service account; other users have none', () => {
    expect(projectOf({ username: 'system:serviceaccount:shop:deployer' })).toBe('shop');
    expect(projectOf({ username: 'jane' })).toBeUndefined();
    expect(projectOf({ username: 'system:serviceaccount:shop' })).toBeUndefined();
  });
});

describe('BriefMemory', () => {
  /** Counts up at each question. */
  const counter = () => {
    let asked = 0;
    return async () => ++asked;
  };

  test('asks once for all that ask at the same time, and each key by itself', async () => {
    const memory = new BriefMemory<number>(60_000);
    const ask = counter();
    expect(await Promise.all([memory.get('a', ask), memory.get('a', ask), memory.get('b', ask)])).toEqual([1, 1, 2]);
  });

  test('keeps no failure', async () => {
    const memory = new BriefMemory<number>(60_000);
    await expect(memory.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await memory.get('a', counter())).toBe(1);
  });

  test('keeps nothing where no time is given', async () => {
    const memory = new BriefMemory<number>(0);
    const ask = counter();
    expect([await memory.get('a', ask), await memory.get('a', ask)]).toEqual([1, 2]);
  });

  test('forgets the oldest when there are too many', async () => {
    const memory = new BriefMemory<number>(60_000);
    const ask = counter();
    for (let i = 0; i <= 10_000; i++) await memory.get(`key-${i}`, ask);
    expect(await memory.get('key-10000', ask)).toBe(10_001);
    expect(await memory.get('key-0', ask)).toBe(10_002);
  });
});
