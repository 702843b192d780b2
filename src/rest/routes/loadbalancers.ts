import { z } from 'zod';
import { FlavorProfileSpec, FlavorSpec, type LoadBalancer, RETRY_ANNOTATION } from '../../api/index.ts';
import { type App, type Context, callerOf } from '../app.ts';
import { paged, type Query, selected } from '../listing.ts';
import { resizeChange, type WantedFlavor } from '../resize.ts';
import { loadBalancerView } from '../view.ts';

const Resize = z.strictObject({
  new_flavor_id: z.string().min(1).max(253).describe('Id or name of the flavor.'),
  force: z.boolean().default(false).describe('Also where a manager owns the flavor that will write it back.'),
});
const ById = z.object({ id: z.string() });

export function loadBalancerRoutes(app: App, { repository, authorization, gitopsManagers }: Context): void {
  const tags = ['load balancers'];
  const flavorIds = async () => new Map((await repository.flavors()).map(({ metadata }) => [metadata.name, metadata.uid!]));

  app.get('/v2.0/lbaas/loadbalancers', { schema: { summary: 'List load balancers', tags } }, async (request) => {
    const caller = callerOf(request);
    const all = await repository.loadBalancers();
    const everywhere = await authorization.may(caller, { verb: 'list', resource: 'loadbalancers' });
    const seen: LoadBalancer[] = [];
    for (const lb of all) {
      if (everywhere || (await authorization.may(caller, { verb: 'list', resource: 'loadbalancers', namespace: lb.metadata.namespace })))
        seen.push(lb);
    }
    const ids = await flavorIds();
    const { items, links } = paged(
      seen.map((lb) => loadBalancerView(lb, ids)),
      request.query as Query,
      `${request.protocol}://${request.host}${request.originalUrl.split('?')[0]}`,
    );
    return { loadbalancers: items, loadbalancers_links: links };
  });

  app.get('/v2.0/lbaas/loadbalancers/:id', { schema: { summary: 'Show a load balancer', tags, params: ById } }, async (request) => {
    const lb = await repository.loadBalancer(request.params.id);
    const { namespace, name } = lb.metadata;
    await authorization.require(callerOf(request), { verb: 'get', resource: 'loadbalancers', namespace, name });
    return { loadbalancer: selected(loadBalancerView(lb, await flavorIds()), (request.query as Query).fields) };
  });

  app.put(
    '/v2.0/lbaas/loadbalancers/:id/resize',
    { schema: { summary: 'Resize a load balancer: change its flavor, live', tags, params: ById, body: Resize } },
    async (request, reply) => {
      const { new_flavor_id: wanted, force } = request.body;
      const first = await repository.loadBalancer(request.params.id);
      const { namespace, name } = first.metadata;
      await authorization.require(callerOf(request), { verb: 'update', resource: 'loadbalancers', subresource: 'resize', namespace, name });
      const [flavors, profiles] = await Promise.all([repository.flavors(), repository.flavorProfiles()]);
      const found = flavors.find(({ metadata }) => metadata.uid === wanted) ?? flavors.find(({ metadata }) => metadata.name === wanted);
      const spec = found && FlavorSpec.parse(found.spec);
      const profile = spec && profiles.find(({ metadata }) => metadata.name === spec.flavorProfile);
      const data = profile && FlavorProfileSpec.parse(profile.spec);
      const flavor: WantedFlavor | undefined = found &&
        spec &&
        data && {
          name: found.metadata.name,
          enabled: spec.enabled,
          provider: data.provider,
          topology: data.flavorData.loadbalancerTopology,
        };
      const lb = await repository.change(request.params.id, (before) => {
        const { flavorId, retry } = resizeChange(
          before,
          { name: found?.metadata.name ?? wanted, flavor },
          { managers: gitopsManagers, force },
        );
        if (flavorId === undefined && !retry) return before;
        const annotations = retry ? { ...before.metadata.annotations, [RETRY_ANNOTATION]: request.id } : before.metadata.annotations;
        return {
          ...before,
          metadata: { ...before.metadata, annotations },
          spec: { ...before.spec, ...(flavorId !== undefined && { flavorId }) },
        };
      });
      reply.code(202);
      return { loadbalancer: loadBalancerView(lb, await flavorIds()) };
    },
  );
}
