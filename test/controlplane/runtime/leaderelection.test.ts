import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LeaderElection, type Lease, leaseResource } from '../../../src/controller/runtime/leaderelection.ts';
import type { HttpKubeClient } from '../../../src/kube/http-client.ts';
import { connect } from '../../../src/kube/index.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { type ProxiedAccess, throughProxy } from '../../support/through-proxy.ts';

const times = { leaseDurationMs: 3000, renewDeadlineMs: 1500, retryPeriodMs: 200 };

describe('leader election on a real Lease', () => {
  const controlPlane = useControlPlane();
  let client: HttpKubeClient;
  let access: ProxiedAccess;
  let name: string;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    access = await throughProxy(controlPlane);
    name = `lease-${crypto.randomUUID().slice(0, 8)}`;
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await client.close();
    await access.close();
  });

  function stand(identity: string, through: HttpKubeClient = client) {
    const abort = new AbortController();
    const election = new LeaderElection({ client: through, namespace: 'default', name, identity, ...times });
    let outcome: string | undefined;
    const run = async () => {
      if (await election.acquire(abort.signal)) outcome = await election.hold(abort.signal);
    };
    const done = run();
    const stop = async () => {
      abort.abort();
      await done;
    };
    stops.push(stop);
    return { election, stop, outcome: () => outcome };
  }

  test('of several one leads, and the lease says which', async () => {
    const candidates = ['a', 'b', 'c', 'd'].map((identity) => ({ identity, ...stand(identity) }));
    await eventually(() => expect(candidates.some((c) => c.election.isLeader())).toBe(true));
    const leaders = candidates.filter((c) => c.election.isLeader()).map((c) => c.identity);
    expect(leaders).toHaveLength(1);
    const lease = await client.get<Lease>(leaseResource, { namespace: 'default', name });
    expect(lease.spec).toMatchObject({ holderIdentity: leaders[0], leaseDurationSeconds: 3 });
  });

  test('a leader that stops leaves at once; the next one takes over', async () => {
    const a = stand('a');
    await eventually(() => expect(a.election.isLeader()).toBe(true));
    const b = stand('b');
    await a.stop();
    expect(a.outcome()).toBe('released');
    const released = performance.now();
    await eventually(() => expect(b.election.isLeader()).toBe(true));
    expect(performance.now() - released).toBeLessThan(times.leaseDurationMs);
  });

  test('a leader that is cut off steps down before the next one begins', async () => {
    const cutOff = connect({ kubeconfig: access.kubeconfigPath });
    stops.push(() => cutOff.close());
    const a = stand('a', cutOff);
    await eventually(() => expect(a.election.isLeader()).toBe(true));
    const b = stand('b');
    access.proxy.fallSilent();
    let bothHeld = false;
    await eventually(
      () => {
        bothHeld ||= a.election.heldForMs() > 0 && b.election.isLeader();
        expect(b.election.isLeader()).toBe(true);
      },
      { everyMs: 5 },
    );
    expect(bothHeld).toBe(false);
    expect(a.outcome()).toBe('lost');
    const lease = await client.get<Lease>(leaseResource, { namespace: 'default', name });
    expect(lease.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });
});
