import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { conditionOf } from '../../src/api/index.ts';
import { type Outside, startOutside } from '../../tools/cluster/outside.ts';
import { run } from '../../tools/cluster/run.ts';
import { startTrafficIn } from '../../tools/traffic/namespace.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { reachesFrom } from '../support/reach.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { describeUnless, nodesElsewhere } from '../support/unless.ts';

jest.setTimeout(300_000);

const PORT = 8080;

// Clients need a machine that is linked with the nodes.
describeUnless(nodesElsewhere, 'clients outside the cluster', () => {
  const scene = useCluster('outside');
  const traffics: Traffic[] = [];
  let members: MemberPods;
  /** How many of the outside addresses have been given away. */
  let given = 0;
  let outside: Outside;

  beforeAll(async () => {
    outside = await startOutside(scene.local!);
    members = await startMemberPods(scene.place());
  }, 300_000);
  afterAll(async () => {
    await Promise.all(traffics.map((traffic) => traffic.stop()));
    await outside?.stop();
  });

  /** What its Service says, but for what tells when it was written. */
  const serviceOf = async (lb: Subject) => {
    const { spec, status } = JSON.parse(await lb.kubectl(['get', 'service', `${lb.name}-vip`, '--output=json']));
    return { spec, status };
  };
  /** Where those run that new connections are given to. */
  const nodesOf = async (lb: Subject) => {
    const pods = await podsOf(scene, `reflavor.dev/loadbalancer=${lb.name},reflavor.dev/vip,reflavor.dev/role!=BACKUP`);
    return pods.map(({ spec }) => spec.nodeName!);
  };
  /** The address that a member sees of a client there. */
  const addressSeenAt = (host: string) => {
    const asking = `fetch('http://${host}/echo', { signal: AbortSignal.timeout(1000) }).then(async (answer) => process.stdout.write((await answer.json()).clientAddress))`;
    // Of what a program says last `run` tells a few lines: a stack would leave no room for the error.
    return run('nsenter', [`--net=${outside.netns}`, process.execPath, '--stack-trace-limit=0', '--eval', asking]);
  };

  test.each([
    { policy: 'Cluster', flavors: ['test-small', 'test-large'], count: 1 },
    { policy: 'Local', flavors: ['test-small', 'test-large'], count: 1 },
    { policy: 'Local', flavors: ['test-small-ha', 'test-large-ha'], count: 2 },
  ] as const)('lose no request to a resize from $flavors.0 under externalTrafficPolicy $policy', async ({ policy, flavors, count }) => {
    const lb = new Subject(scene, `${policy.toLowerCase()}-${count}`);
    const service = { type: 'LoadBalancer', externalTrafficPolicy: policy };
    const { range } = scene.local!;
    const { listeners, ...spec } = httpSpec(members, PORT, { flavorId: flavors[0], vip: { service } }) as { listeners: object[] };
    const allowing = (...cidrs: string[]) => listeners.map((listener) => ({ ...listener, allowedCidrs: cidrs }));
    // Only where addresses are kept can a client be let in by its own, and others be kept out.
    await lb.create({ ...spec, listeners: policy === 'Local' ? allowing(`${range.outside}/32`) : listeners });
    await lb.until((o) => expect(conditionOf(o.status?.conditions, 'Ready')?.reason).toBe('VipPending'));
    const address = range.outsideRange.replace('0/24', `${++given}`);
    const ingress = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: address }] } } });
    await lb.kubectl(['patch', 'service', `${lb.name}-vip`, '--subresource=status', '--type=merge', `--patch=${ingress}`]);
    await lb.untilAtRest(flavors[0], count);
    expect(await lb.host(PORT)).toBe(`${address}:${PORT}`);

    // Under Local only nodes with an amphora may be sent to; it is for the new one to come where the old one is.
    const nodes = await nodesOf(lb);
    await outside.route(address, policy === 'Local' ? nodes : scene.nodes);
    // Not before kube-proxy knows of the address.
    await eventually(async () => expect(await reachesFrom(outside.netns, address, PORT)).toBe(true));
    const seen = await addressSeenAt(`${address}:${PORT}`);
    if (policy === 'Local') expect(seen).toBe(range.outside);
    else expect(seen).not.toBe(range.outside);

    const before = await serviceOf(lb);
    const traffic = startTrafficIn(outside.netns, {
      url: `http://${address}:${PORT}/`,
      newConnections: 4,
      keepAlive: 4,
      slow: 2,
      downloads: 2,
      rate: 300,
      checkClientAddress: policy === 'Local',
    });
    traffics.push(traffic);
    await traffic.waitFor(500);
    await lb.patch({ flavorId: flavors[1] });
    await lb.untilAtRest(flavors[1], count);
    await traffic.waitFor(traffic.counts().requests + 500);
    const counts = await traffic.stop();
    expect(verdictOf(counts)).toEqual(unharmed);
    expect(counts.byKind.downloads.requests).toBeGreaterThan(3);
    expect(await serviceOf(lb)).toEqual(before);
    if (policy === 'Local') {
      expect(await nodesOf(lb)).toEqual(nodes);
      expect((await lb.get()).status?.listenerProblems ?? []).toEqual([]);
      await lb.patch({ listeners: allowing('192.0.2.0/24') });
      await eventually(() => expect(addressSeenAt(`${address}:${PORT}`)).rejects.toThrow(/fetch failed/), { withinMs: 30_000 });
      await lb.patch({ listeners: allowing('192.0.2.0/24', `${range.outside}/32`) });
      await eventually(async () => expect(await addressSeenAt(`${address}:${PORT}`)).toBe(range.outside), { withinMs: 30_000 });
    }
    console.info(
      `externalTrafficPolicy ${policy}, ${flavors[0]}: ${counts.requests} requests from outside through a resize, ${counts.failed} failed`,
    );
  });
});
