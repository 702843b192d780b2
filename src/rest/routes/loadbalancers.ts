import * as z from 'zod';
import type { LoadBalancer } from '../../api/index.ts';
import { loadBalancers } from '../../controller/resources.ts';
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts';
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
import { projectOf } from '../auth/authentication.ts';
import { failOver } from '../failover.ts';
import { selected } from '../listing.ts';
import {
  checkDeletion,
  createLoadBalancer,
  flavorsOf,
  invalid,
  LoadBalancerCreate,
  LoadBalancerResponse,
  LoadBalancerTreeResponse,
  LoadBalancerUpdate,
  loadBalancerOf,
  loadBalancerTreeOf,
  OctaviaFault,
  StatsResponse,
  StatusTreeResponse,
  statsOf,
  statusTreeOf,
  updateLoadBalancer,
  viewOf,
} from '../octavia/index.ts';
import { WRITER } from '../repository.ts';
import { resizeChange, withChange } from '../resize.ts';
import { findFlavor } from './flavors.ts';

const path = '/v2.0/lbaas/loadbalancers';
const tags = ['load balancers'];
/** How many names are tried for an object whose plain one is taken. */
const NAMES = 5;

const Resize = z.strictObject({
  new_flavor_id: z.string().min(1).max(255).meta({ description: 'Id or name of the flavor.' }),
  force: z.boolean().default(false).meta({ description: 'Also where the flavor belongs to a GitOps manager, which may write it back.' }),
});

export function loadBalancerRoutes(app: App, { repository, authorization, access, gitopsManagers }: Context): void {
  const flavors = async () => flavorsOf(await repository.flavors());
  const show = async (loadBalancer: LoadBalancer) => ({ loadbalancer: loadBalancerOf(viewOf(loadBalancer, [], await flavors())) });
  const shown = answers(200, { loadbalancer: LoadBalancerResponse });

  app.get(
    path,
    {
      schema: {
        ...{ tags, summary: 'List load balancers', querystring: Listing },
        response: answersMany('loadbalancers', LoadBalancerResponse),
      },
    },
    async (request) => {
      const [found, known] = await Promise.all([access.loadBalancers(callerOf(request), projectOfQuery(request.query)), flavors()]);
      return listed(
        request,
        'loadbalancers',
        found.map((loadBalancer) => loadBalancerOf(viewOf(loadBalancer, [], known))),
      );
    },
  );

  app.get(
    `${path}/:id`,
    {
      schema: {
        tags,
        summary: 'Show a load balancer',
        params: ById,
        querystring: Fields,
        response: answersOne('loadbalancer', LoadBalancerResponse),
      },
    },
    async (request) => {
      const { loadbalancer } = await show(await access.loadBalancer(callerOf(request), request.params.id, { verb: 'get' }));
      return { loadbalancer: selected(loadbalancer, request.query.fields) };
    },
  );

  for (const name of ['status', 'statuses']) {
    app.get(
      `${path}/:id/${name}`,
      {
        schema: {
          tags,
          summary: 'Show the statuses of a load balancer and its children',
          params: ById,
          response: { 200: StatusTreeResponse },
        },
      },
      async (request) => {
        const loadBalancer = await access.loadBalancer(callerOf(request), request.params.id, { verb: 'get' });
        return statusTreeOf(viewOf(loadBalancer, await repository.amphoraeOf(loadBalancer), await flavors()));
      },
    );
  }

  app.get(
    `${path}/:id/stats`,
    { schema: { tags, summary: 'Show the statistics of a load balancer', params: ById, response: answers(200, { stats: StatsResponse }) } },
    async (request) => {
      const loadBalancer = await access.loadBalancer(callerOf(request), request.params.id, { verb: 'get' });
      return { stats: statsOf(await repository.amphoraeOf(loadBalancer)) };
    },
  );

  app.post(
    path,
    {
      schema: {
        ...{ tags, summary: 'Create a load balancer', body: z.strictObject({ loadbalancer: LoadBalancerCreate }) },
        description: 'With all listeners, pools and what belongs to them that the body describes.',
        response: answers(201, { loadbalancer: LoadBalancerTreeResponse }),
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { loadbalancer: body } = request.body;
      const namespace = body.project_id ?? body.tenant_id ?? projectOf(caller);
      if (!namespace) {
        throw new OctaviaFault(
          400,
          `Missing project ID in request where one is required: a token of ${caller.username} has no namespace of its own. Give project_id, the name of a namespace.`,
        );
      }
      await authorization.require(caller, { verb: 'create', resource: 'loadbalancers', namespace });
      if (!repository.watches(namespace)) throw invalid(`load balancers of project ${namespace} are not looked after here.`);
      const known = await flavors();
      const created = await createUnderFreeName((suffix) => createLoadBalancer(body, namespace, known, suffix));
      reply.code(201);
      return { loadbalancer: loadBalancerTreeOf(viewOf(created, [], known)) };
    },
  );

  /** Names of Octavia's need not be unique, those of objects must be. */
  async function createUnderFreeName(make: (suffix?: string) => LoadBalancer): Promise<LoadBalancer> {
    for (let attempt = 1; ; attempt++) {
      const object = make(attempt === 1 ? undefined : crypto.randomUUID().slice(0, 5));
      try {
        return await repository.client.create(loadBalancers, object, WRITER);
      } catch (error) {
        if (isNotFound(error)) throw invalid(`there is no project ${object.metadata.namespace}: a project is a namespace, and must exist.`);
        if (!isAlreadyExists(error) || attempt === NAMES) throw error;
      }
    }
  }

  app.put(
    `${path}/:id`,
    {
      schema: {
        ...{ tags, summary: 'Update a load balancer', params: ById, body: z.strictObject({ loadbalancer: LoadBalancerUpdate }) },
        response: shown,
      },
    },
    async (request) => {
      const before = await access.loadBalancer(callerOf(request), request.params.id, { verb: 'update' });
      return show(await repository.change(before, (now) => updateLoadBalancer(now, request.body.loadbalancer)));
    },
  );

  app.delete(
    `${path}/:id`,
    {
      schema: {
        ...{ tags, summary: 'Delete a load balancer', params: ById },
        querystring: z.object({ cascade: z.string().optional().meta({ description: 'true: with its listeners and pools.' }) }),
        response: answersNothing(204),
      },
    },
    async (request, reply) => {
      const found = await access.loadBalancer(callerOf(request), request.params.id, { verb: 'delete' });
      const cascade = /^(true|1)$/i.test(request.query.cascade ?? '');
      checkDeletion(found, { cascade });
      const { uid, resourceVersion } = found.metadata;
      await repository.client.delete(loadBalancers, found.metadata, { preconditions: cascade ? { uid } : { uid, resourceVersion } });
      return reply.code(204).send();
    },
  );

  app.put(
    `${path}/:id/resize`,
    {
      schema: {
        tags,
        summary: 'Resize a load balancer',
        description:
          'Changes its flavor, live. The flavor in force cancels a resize that runs, another one supersedes it, the one that failed is tried again.',
        params: ById,
        body: Resize,
        response: answers(202, { loadbalancer: LoadBalancerResponse }),
      },
    },
    async (request, reply) => {
      const { new_flavor_id: asked, force } = request.body;
      const want = { verb: 'update', subresource: 'resize' } as const;
      const before = await access.loadBalancer(callerOf(request), request.params.id, want);
      const wanted = await findFlavor(repository, asked);
      const options = { managers: gitopsManagers, force };
      const after = await repository.change(before, (now) => withChange(now, resizeChange(now, wanted, options), request.id));
      reply.code(202);
      return show(after);
    },
  );

  app.put(
    `${path}/:id/failover`,
    {
      schema: {
        tags,
        summary: 'Fail over a load balancer',
        params: ById,
        body: z.strictObject({}).nullish(),
        response: answersNothing(202),
      },
    },
    async (request, reply) => {
      const want = { verb: 'update', subresource: 'failover' } as const;
      await failOver(repository, await access.loadBalancer(callerOf(request), request.params.id, want), request.id);
      return reply.code(202).send();
    },
  );
}
