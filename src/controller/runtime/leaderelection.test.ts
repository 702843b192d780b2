import { describe, expect, test } from '@jest/globals';
import { LeaseServer } from '../../../test/support/lease-server.ts';
import { settle, VirtualClock } from '../../../test/support/virtual-clock.ts';
import { LeaderElection } from './leaderelection.ts';

function newCandidate(server: LeaseServer, identity: string, clock: VirtualClock) {
  const stop = new AbortController();
  const election = new LeaderElection({
    client: server.clientFor(identity),
    namespace: 'ns',
    name: 'lease',
    identity,
    clock,
    random: () => 0,
  });
  let outcome: string | undefined;
  const run = async () => {
    if (await election.acquire(stop.signal)) outcome = await election.hold(stop.signal);
  };
  const done = run();
  return { election, stop: () => stop.abort(), done, outcome: () => outcome };
}

describe('leader election', () => {
  test('the first to come leads, the second waits', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    const b = newCandidate(server, 'b', clock);
    await clock.advance(60_000);
    expect([a.election.isLeader(), b.election.isLeader()]).toEqual([true, false]);
    expect(b.election.holder).toBe('a');
  });

  test('a leader that stops gives the lease back, and the next need not wait for it to run out', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    const b = newCandidate(server, 'b', clock);
    await clock.advance(5000);
    a.stop();
    await clock.advance(2500);
    expect(a.outcome()).toBe('released');
    expect(b.election.isLeader()).toBe(true);
    expect(server.lease?.spec?.leaseTransitions).toBe(1);
  });

  test('a leader that cannot reach the API server has stepped down before another can begin', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    const b = newCandidate(server, 'b', clock);
    await clock.advance(20_000);
    server.unreachable.add('a');
    const seen: string[] = [];
    for (let second = 0; second < 30; second++) {
      await clock.advance(1000);
      expect(a.election.isLeader() && b.election.isLeader()).toBe(false);
      expect(a.election.heldForMs() > 0 && b.election.isLeader()).toBe(false);
      seen.push(a.election.isLeader() ? 'a' : b.election.isLeader() ? 'b' : '-');
    }
    expect(a.outcome()).toBe('lost');
    // 10 s until it gives up, 15 s and a try until the other may begin.
    expect(seen.join('')).toMatch(/^a{8,11}-+b+$/);
    expect(seen.indexOf('b')).toBeGreaterThanOrEqual(13);
  });

  test('a lease that is renewed is never taken, however wrong its holder’s clock is', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const slow = new VirtualClock('1999-01-01T00:00:00Z');
    newCandidate(server, 'a', slow);
    await settle();
    const b = newCandidate(server, 'b', clock);
    for (let second = 0; second < 60; second++) {
      await slow.advance(1000);
      await clock.advance(1000);
    }
    expect(b.election.isLeader()).toBe(false);
  });

  test('a process that was paused for longer than the lease does not believe that it still leads', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    expect(a.election.heldForMs()).toBe(15_000);
    clock.freeze(20_000);
    expect(a.election.heldForMs()).toBe(0);
    await clock.advance(0);
    expect(a.outcome()).toBe('lost');
  });

  test('a pause that only the wall clock saw counts too', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    clock.jumpWallClock(14_000);
    expect(a.election.heldForMs()).toBe(1000);
    await clock.advance(2000);
    expect(a.election.heldForMs()).toBe(15_000);
  });

  test('of many that want a free lease at once exactly one gets it', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const candidates = [...'abcdefgh'].map((identity) => newCandidate(server, identity, clock));
    await clock.advance(10_000);
    expect(candidates.filter((c) => c.election.isLeader())).toHaveLength(1);
  });

  test('who finds the lease taken by another has lost it at once', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    const a = newCandidate(server, 'a', clock);
    await settle();
    const { lease } = server;
    await server.clientFor('b').replace({} as never, { ...lease!, spec: { ...lease!.spec, holderIdentity: 'b' } });
    await clock.advance(2000);
    expect(a.outcome()).toBe('lost');
    expect(a.election.heldForMs()).toBe(0);
  });

  test('waiting ends when asked to', async () => {
    const [server, clock] = [new LeaseServer(), new VirtualClock()];
    newCandidate(server, 'a', clock);
    await settle();
    const b = newCandidate(server, 'b', clock);
    await clock.advance(3000);
    b.stop();
    await b.done;
    expect(b.outcome()).toBeUndefined();
  });

  test('durations that would let two lead at once are refused', () => {
    const options = { client: new LeaseServer().clientFor('a'), namespace: 'ns', name: 'lease', identity: 'a' };
    expect(() => new LeaderElection({ ...options, renewDeadlineMs: 15_000 })).toThrow(/must hold/);
  });
});
