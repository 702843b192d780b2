import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { merged } from '../../../chaos/real/merged.ts';

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const value of values) seen.push(value);
  return seen;
}

test('what several yield comes as it is ready', async () => {
  async function* counting(name: string, turns: number) {
    for (let i = 1; i <= 2; i++) {
      for (let t = 0; t < turns; t++) await turn();
      yield `${name}${i}`;
    }
  }
  const seen = await all(merged([counting('slow', 9), counting('quick', 1)]));
  expect(seen).toEqual(['quick1', 'quick2', 'slow1', 'slow2']);
});

test('all are ended, each after what it is at, when the reader leaves or one of them throws', async () => {
  const ended: string[] = [];
  async function* one(name: string, fails = false) {
    try {
      for (;;) {
        await turn();
        if (fails) throw new Error(name);
        yield name;
      }
    } finally {
      ended.push(name);
    }
  }
  for await (const _ of merged([one('a'), one('b')])) break;
  expect(ended.sort()).toEqual(['a', 'b']);
  await expect(all(merged([one('c', true), one('d')]))).rejects.toThrow('c');
  expect(ended.sort()).toEqual(['a', 'b', 'c', 'd']);
});
