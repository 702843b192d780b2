import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ADMIN_PORT, HEALTH_PORT, PEERS_PORT } from '../../src/provider/amphora/haproxy/index.ts';
import type { Pod } from '../../src/provider/amphora/kubernetes/objects.ts';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { reaches } from '../support/reach.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { describeUnless, nodesElsewhere } from '../support/unless.ts';

jest.setTimeout(300_000);

const PORT = 8080;

const noIPv6 = existsSync('/proc/net/if_inet6') ? undefined : 'this machine has no IPv6';

describeUnless(nodesElsewhere ?? noIPv6, 'on nodes that have addresses of both families and enforce NetworkPolicies', () => {
  const scene = useCluster('network', {
    dualStack: true,
    networkPolicies: true,
    chart: () => ({ values: { networkPolicy: { enabled: true } } }),
  });
  let members: MemberPods;

  beforeAll(async () => {
    members = await startMemberPods(scene.place());
  }, 300_000);

  describe.each([
    { topology: 'SINGLE', suffix: '', amphorae: 1, main: 'IPv4', ipFamilies: ['IPv4', 'IPv6'] },
    { topology: 'ACTIVE_STANDBY', suffix: '-ha', amphorae: 2, main: 'IPv6', ipFamilies: ['IPv6', 'IPv4'] },
  ])('a load balancer ($topology) whose VIP has both, $main first', ({ suffix, amphorae, main, ipFamilies }) => {
    test('is resized under traffic by each, and no request fails', async () => {
      const lb = new Subject(scene, main.toLowerCase());
      const vip = { service: { ipFamilyPolicy: 'RequireDualStack', ipFamilies } };
      const spec = httpSpec(members, PORT, { flavorId: `test-small${suffix}`, vip });
      // Such a table is what amphorae tell each other of.
      const pools = (spec.pools as object[]).map((pool) => ({ ...pool, sessionPersistence: { type: 'SOURCE_IP' } }));
      await lb.create({ ...spec, pools });
      await lb.untilAtRest(`test-small${suffix}`, amphorae);
      const service = await lb.kubectl(['get', 'service', `${lb.name}-vip`, '--output=jsonpath={.spec.clusterIPs}']);
      const addresses = JSON.parse(service) as string[];
      expect(addresses.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'))).toEqual(ipFamilies);
      expect((await lb.get()).status?.vipAddress).toBe(addresses[0]);

      const traffic = await Promise.all(
        addresses.map((address, index) => {
          const host = address.includes(':') ? `[${address}]` : address;
          const clients = { newConnections: 3, keepAlive: 3, downloads: 1, rate: 200 };
          return scene.traffic({ ...clients, url: `http://${host}:${PORT}/` }, scene.nodes[index]);
        }),
      );
      for (const each of traffic) await each.waitFor(500);
      await lb.patch({ flavorId: `test-large${suffix}` });
      await lb.untilAtRest(`test-large${suffix}`, amphorae);
      for (const each of traffic) {
        await each.waitFor(each.counts().requests + 500);
        expect(verdictOf(await each.stop())).toEqual(unharmed);
      }
    });
  });

  test('the ports of an amphora are open to whom they are meant for, and to nobody else', async () => {
    const pods = await podsOf(scene, 'reflavor.dev/loadbalancer=ipv6');
    // Those that have drained are there for some seconds more.
    const [amphora, sister] = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined) as [Pod, Pod];
    const [stranger] = (await podsOf(scene, `app=${members.service.name}`)) as [Pod];
    const [operator] = (await podsOf({ ...scene, namespace: CHART_NAMESPACE }, 'app.kubernetes.io/name=reflavor')) as [Pod];
    const { ip } = amphora.status!.podIPs!.find((each) => each.ip.includes('.'))!;
    const open = async (from: Pod) => ({
      listener: await reaches(from, ip, PORT),
      health: await reaches(from, ip, HEALTH_PORT),
      control: await reaches(from, ip, ADMIN_PORT),
      peers: await reaches(from, ip, PEERS_PORT),
    });
    await eventually(async () => {
      expect(await open(stranger)).toEqual({ listener: true, health: true, control: false, peers: false });
      expect(await open(sister)).toEqual({ listener: true, health: true, control: false, peers: true });
      // Its own policy lets it out to nothing else.
      expect(await open(operator)).toEqual({ listener: false, health: false, control: true, peers: false });
    });
  });
});
