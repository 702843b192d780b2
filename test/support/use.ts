import { afterAll, beforeAll } from '@jest/globals';

/**
 * Something that is started before a suite's tests and stopped after them. What it returns may be read inside hooks and tests only, and
 * stands for what `start` gave.
 */
export function use<T extends object>(name: string, start: () => Promise<T>, stop: (started: T) => Promise<void>): T {
  let started: T | undefined;
  beforeAll(async () => {
    started = await start();
  }, 180_000);
  afterAll(async () => {
    if (started) await stop(started);
  }, 60_000);
  return new Proxy({} as T, {
    get(_, property) {
      if (!started) throw new Error(`${name} is read before beforeAll started it: read it inside a hook or a test`);
      return Reflect.get(started, property);
    },
  });
}
