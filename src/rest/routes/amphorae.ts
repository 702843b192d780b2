import * as z from 'zod';
import { type Amphora, conditionOf, isTrue, type LoadBalancer } from '../../api/index.ts';
import {
  type App,
  answers,
  answersMany,
  answersNothing,
  answersOne,
  ById,
  type Context,
  callerOf,
  Fields,
  Listing,
  listed,
  projectOfQuery,
} from '../app.ts';
import { failOver } from '../failover.ts';
import { type Item, selected } from '../listing.ts';
import { AmphoraStatsResponse, amphoraStatsOf, notFound, octaviaTime } from '../octavia/index.ts';

const path = '/v2.0/octavia/amphorae';
const tags = ['amphorae'];

const nothing = z.null().meta({ description: 'Octavia’s; an amphora here has no such thing.' });

const Response = z.object({
  id: z.string(),
  loadbalancer_id: z.string(),
  project_id: z.string().meta({ description: 'The namespace.' }),
  compute_id: z.string().nullable().meta({ description: 'The name of the Amphora, and of its pod where it is one.' }),
  lb_network_ip: z.string().nullable().meta({ description: 'Where the VIP reaches it.' }),
  vrrp_ip: z.string().nullable(),
  ha_ip: z.string().nullable().meta({ description: 'The VIP.' }),
  vrrp_port_id: nothing,
  ha_port_id: nothing,
  cert_expiration: nothing,
  cert_busy: z.boolean(),
  vrrp_interface: nothing,
  vrrp_id: nothing,
  vrrp_priority: nothing,
  cached_zone: nothing,
  updated_at: nothing,
  image_id: nothing,
  role: z.enum(['STANDALONE', 'MASTER', 'BACKUP']),
  status: z.enum(['BOOTING', 'ALLOCATED', 'ERROR', 'PENDING_DELETE']),
  compute_flavor: z.string().meta({ description: 'The flavor that it was made with.' }),
  created_at: z.string(),
});

/** The amphora as Octavia shows it; of what only servers of Nova and ports of Neutron have, nothing. */
function view({ metadata, spec, status }: Amphora, vip: string | undefined): Item {
  return {
    id: metadata.uid,
    loadbalancer_id: spec.loadBalancer.uid,
    project_id: metadata.namespace,
    compute_id: metadata.name,
    lb_network_ip: status?.address ?? null,
    vrrp_ip: status?.address ?? null,
    ha_ip: vip ?? null,
    vrrp_port_id: null,
    ha_port_id: null,
    cert_expiration: null,
    cert_busy: false,
    role: spec.role,
    status: statusOf({ metadata, spec, status }),
    vrrp_interface: null,
    vrrp_id: null,
    vrrp_priority: null,
    cached_zone: null,
    created_at: octaviaTime(metadata.creationTimestamp!),
    updated_at: null,
    image_id: null,
    compute_flavor: spec.flavorId,
  };
}

/** Octavia's status of an amphora: BOOTING until it may be sent traffic, ERROR once it is gone beyond restart. */
function statusOf({ metadata, spec, status }: Pick<Amphora, 'metadata' | 'spec' | 'status'>): z.infer<typeof Response>['status'] {
  if (metadata.deletionTimestamp || spec.steering === 'Draining') return 'PENDING_DELETE';
  if (isTrue(status?.conditions, 'Lost')) return 'ERROR';
  return conditionOf(status?.conditions, 'Ready')?.status === 'True' ? 'ALLOCATED' : 'BOOTING';
}

const vipOf = ({ spec }: Amphora, loadBalancers: readonly LoadBalancer[]): string | undefined =>
  loadBalancers.find(({ metadata }) => metadata.uid === spec.loadBalancer.uid)?.status?.vipAddress;

export function amphoraRoutes(app: App, { repository, authorization, access }: Context): void {
  /** @throws OctaviaFault 404 where there is none of this id */
  async function find(id: string): Promise<Amphora> {
    const amphora = (await repository.amphorae()).find(({ metadata }) => metadata.uid === id);
    if (!amphora) throw notFound('Amphora', id);
    return amphora;
  }

  app.get(
    path,
    { schema: { tags, summary: 'List amphorae', querystring: Listing, response: answersMany('amphorae', Response) } },
    async (request) => {
      const project = projectOfQuery(request.query);
      const [amphorae, loadBalancers] = await Promise.all([access.amphorae(callerOf(request), project), repository.loadBalancers(project)]);
      const all = amphorae.map((amphora) => view(amphora, vipOf(amphora, loadBalancers)));
      return listed(request, 'amphorae', all);
    },
  );

  app.get(
    `${path}/:id`,
    { schema: { tags, summary: 'Show an amphora', params: ById, querystring: Fields, response: answersOne('amphora', Response) } },
    async (request) => {
      const amphora = await find(request.params.id);
      const { namespace, name } = amphora.metadata;
      await authorization.require(callerOf(request), { verb: 'get', resource: 'amphorae', namespace, name });
      const loadBalancers = await repository.loadBalancers(namespace);
      return { amphora: selected(view(amphora, vipOf(amphora, loadBalancers)), request.query.fields) };
    },
  );

  app.get(
    `${path}/:id/stats`,
    {
      schema: {
        ...{ tags, summary: 'Show the statistics of an amphora', params: ById },
        description: 'One for each listener; 404 until it has counted.',
        response: answers(200, { amphora_stats: z.array(AmphoraStatsResponse) }),
      },
    },
    async (request) => {
      const amphora = await find(request.params.id);
      const { namespace, name } = amphora.metadata;
      await authorization.require(callerOf(request), { verb: 'get', resource: 'amphorae', namespace, name });
      const { name: owner, uid } = amphora.spec.loadBalancer;
      const loadBalancer = await repository.loadBalancer({ namespace, name: owner, uid });
      const stats = loadBalancer ? amphoraStatsOf(loadBalancer, amphora) : [];
      if (stats.length === 0) throw notFound('Amphora stats for', request.params.id);
      return { amphora_stats: stats };
    },
  );

  app.put(
    `${path}/:id/failover`,
    {
      schema: {
        ...{ tags, summary: 'Fail over an amphora', params: ById, body: z.strictObject({}).nullish() },
        description: 'Replaces it, and with it the other one of its pair.',
        response: answersNothing(202),
      },
    },
    async (request, reply) => {
      const { spec } = await find(request.params.id);
      const want = { verb: 'update', subresource: 'failover' } as const;
      await failOver(repository, await access.loadBalancer(callerOf(request), spec.loadBalancer.uid, want), request.id);
      return reply.code(202).send();
    },
  );
}
