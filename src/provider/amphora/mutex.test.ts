import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { KeyedMutex } from './mutex.ts';

test('tasks of a key never overlap and keep their order, those of another key go on meanwhile', async () => {
  const mutex = new KeyedMutex();
  const log: string[] = [];
  const task = (key: string, name: string) =>
    mutex.run(key, async () => {
      log.push(`${name} starts`);
      await setImmediate();
      log.push(`${name} ends`);
    });
  await Promise.all([task('a', 'a1'), task('a', 'a2'), task('b', 'b1'), task('a', 'a3')]);
  expect(log.filter((line) => line.startsWith('a'))).toEqual(['a1 starts', 'a1 ends', 'a2 starts', 'a2 ends', 'a3 starts', 'a3 ends']);
  expect(log.indexOf('b1 starts')).toBeLessThan(log.indexOf('a1 ends'));
});

test('a task that fails rejects to its caller and lets the next one run', async () => {
  const mutex = new KeyedMutex();
  const failing = mutex.run('a', async () => {
    throw new Error('broken');
  });
  const next = mutex.run('a', async () => 'ran');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('ran');
});
