import { describe, expect, test } from '@jest/globals';
import { LeaseServer } from '../../../test/support/lease-server.ts';
import { settle, VirtualClock } from '../../../test/support/virtual-clock.ts';
import { Controller, type Reconcile } from './controller.ts';
import { LeaderElection } from './leaderelection.ts';
import { type Background, Manager } from './manager.ts';

/** A manager of one controller that leads by a lease, and is running. */
async function running(reconcile: Reconcile, { background = [] as Background[] } = {}) {
  const clock = new VirtualClock();
  const server = new LeaseServer();
  const client = server.clientFor('us');
  const leaderElection = new LeaderElection({ client, namespace: 'ns', name: 'lease', identity: 'us', clock, random: () => 0 });
  const controller = new Controller({ name: 'test', reconcile, clock });
  const stop = new AbortController();
  let closed = false;
  const setup = {
    reflectors: [],
    controllers: [controller],
    background,
    close: async () => {
      closed = true;
    },
  };
  let code: number | undefined;
  const manager = new Manager({ setup, leaderElection, graceMs: 5000, clock });
  const ended = manager.run(stop.signal).then((exitCode) => {
    code = exitCode;
  });
  await settle();
  return {
    clock,
    server,
    controller,
    ended,
    stop: () => stop.abort(),
    holder: () => server.lease?.spec?.holderIdentity,
    code: () => code,
    closed: () => closed,
  };
}

describe('manager', () => {
  test('keeps the lease until the last visit has ended, so that the next leader finds nobody at work', async () => {
    let working = false;
    const manager = await running(async () => {
      working = true;
      await new Promise<void>((resolve) => clock.setTimer(3000, resolve));
      working = false;
    });
    const { clock } = manager;
    manager.controller.enqueue('a');
    await settle();
    manager.stop();
    for (let ms = 0; ms < 5000 && manager.code() === undefined; ms += 100) {
      await clock.advance(100);
      expect(working && manager.holder() !== 'us').toBe(false);
    }
    expect(manager.code()).toBe(0);
    expect(manager.holder()).toBe('');
    expect(manager.closed()).toBe(true);
  });

  test('a visit that does not end in its grace is aborted and does not hold up the end', async () => {
    let aborted = false;
    const manager = await running((_key, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    manager.controller.enqueue('a');
    await settle();
    manager.stop();
    await manager.clock.advance(4900);
    expect(aborted).toBe(false);
    await manager.clock.advance(2100);
    expect([aborted, manager.code()]).toEqual([true, 0]);
  });

  test('when the lease is lost visits are aborted at once and the code is 1', async () => {
    let abortedAt: number | undefined;
    const manager = await running((_key, { signal }) => {
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => {
        abortedAt = manager.clock.monotonic();
        reject(signal.reason);
      });
      return promise;
    });
    manager.controller.enqueue('a');
    await settle();
    manager.server.unreachable.add('us');
    await manager.clock.advance(14_000);
    expect(manager.code()).toBe(1);
    expect(abortedAt).toBeLessThan(15_000);
  });

  test('a background task that fails ends nothing else, and one that runs is told to end', async () => {
    let told = false;
    const manager = await running(async () => {}, {
      background: [
        { name: 'broken', run: () => Promise.reject(new Error('broken')) },
        {
          name: 'poll',
          run: (signal) =>
            new Promise((resolve) =>
              signal.addEventListener('abort', () => {
                told = true;
                resolve();
              }),
            ),
        },
      ],
    });
    await manager.clock.advance(60_000);
    expect(manager.code()).toBeUndefined();
    manager.stop();
    await manager.clock.advance(2000);
    expect([told, manager.code()]).toEqual([true, 0]);
  });
});
