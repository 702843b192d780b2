import * as z from 'zod';
import { type App, answers, answersMany, ById, Listing, listed } from '../app.ts';
import type { Item } from '../listing.ts';
import { NETWORKS, notFound } from '../octavia/index.ts';

const tags = ['networks'];
const Network = z.object({
  id: z.string(),
  name: z.string(),
  subnets: z.array(z.string()),
  status: z.string(),
  admin_state_up: z.boolean(),
  shared: z.boolean(),
});
const Subnet = z.object({
  id: z.string(),
  name: z.string(),
  network_id: z.string(),
  ip_version: z.int(),
  cidr: z.string(),
  enable_dhcp: z.boolean(),
});

const networks: Item[] = NETWORKS.map(({ id, subnetId, name }) => ({
  id,
  name,
  subnets: [subnetId],
  status: 'ACTIVE',
  admin_state_up: true,
  shared: true,
}));
const subnets: Item[] = NETWORKS.map(({ id, subnetId, name }) => ({
  id: subnetId,
  name,
  network_id: id,
  ip_version: 4,
  cidr: '0.0.0.0/0',
  enable_dhcp: false,
}));

/**
 * Of Neutron (Networking API v2.0) as much as `openstack loadbalancer create` asks: where a VIP can be. The two networks are types of Services,
 * see octavia/networks.ts.
 */
export function networkRoutes(app: App): void {
  for (const [plural, one, all, shape] of [
    ['networks', 'network', networks, Network],
    ['subnets', 'subnet', subnets, Subnet],
  ] as const) {
    app.get(
      `/v2.0/${plural}`,
      { schema: { tags, summary: `List ${plural} for VIPs`, querystring: Listing, response: answersMany(plural, shape) } },
      (request) => listed(request, plural, all),
    );
    app.get(
      `/v2.0/${plural}/:id`,
      { schema: { tags, summary: `Show a ${one}`, params: ById, response: answers(200, { [one]: shape }) } },
      (request) => {
        const found = all.find(({ id }) => id === request.params.id);
        if (!found) throw notFound(one, request.params.id);
        return { [one]: found };
      },
    );
  }
}
