import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import { useCluster } from '../support/cluster.ts';
import { httpSpec, Subject, unharmed, verdictOf } from '../support/subject.ts';
import { describeUnless, nodesElsewhere } from '../support/unless.ts';

jest.setTimeout(300_000);

const PORT = 8080;

const noIPv6 = existsSync('/proc/net/if_inet6') ? undefined : 'this machine has no IPv6';

describeUnless(nodesElsewhere ?? noIPv6, 'on nodes that have addresses of both families', () => {
  const scene = useCluster('dual', { dualStack: true });
  let members: MemberPods;

  beforeAll(async () => {
    members = await startMemberPods(scene.place());
  }, 300_000);

  describe.each([
    { main: 'IPv4', ipFamilies: ['IPv4', 'IPv6'] },
    { main: 'IPv6', ipFamilies: ['IPv6', 'IPv4'] },
  ])('a load balancer whose VIP has both, $main first', ({ main, ipFamilies }) => {
    test('is resized under traffic by each, and no request fails', async () => {
      const lb = new Subject(scene, main.toLowerCase());
      const vip = { service: { ipFamilyPolicy: 'RequireDualStack', ipFamilies } };
      await lb.create(httpSpec(members, PORT, { flavorId: 'test-small', vip }));
      await lb.untilAtRest('test-small');
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
      await lb.patch({ flavorId: 'test-large' });
      await lb.untilAtRest('test-large');
      for (const each of traffic) {
        await each.waitFor(each.counts().requests + 500);
        expect(verdictOf(await each.stop())).toEqual(unharmed);
      }
    });
  });
});
