import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Calls `attempt` until it no longer throws, and gives back what it returned; rejects with its last error once `withinMs` (default
 * 10 000) have passed. Put the assertion inside: `await eventually(async () => expect(await phase()).toBe('Ready'))`.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, { withinMs = 10_000, everyMs = 50 } = {}): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await sleep(everyMs);
    }
  }
}
