import * as z from 'zod';
import type { Amphora, LoadBalancer } from '../../api/index.ts';
import {
  type App,
  answers,
  answersMany,
  answersNothing,
  answersOne,
  type Context,
  callerOf,
  Fields,
  Listing,
  listed,
  projectOfQuery,
} from '../app.ts';
import { type Item, selected } from '../listing.ts';
import { flavorsOf, type View, viewOf } from '../octavia/index.ts';

/** Answers about children name no flavor. */
const noFlavors = flavorsOf([]);

/** Ids in a path; `parent` where the children of this kind are reached through another one. */
const Path = z.object({ id: z.string(), parent: z.string().default('') });
const OfParent = Path.pick({ parent: true });

/** A kind of child of load balancers: how Octavia calls it, what bodies say, and what becomes of the load balancer by them (octavia/). */
export interface Child<C extends z.ZodType, U extends z.ZodType> {
  /** Below `/v2.0/lbaas/`, with `:parent` for the id of a child that it is reached through. */
  path: string;
  key: string;
  plural: string;
  /** In Octavia's faults and in summaries. */
  what: string;
  parentWhat: string;
  create: C;
  update: U;
  response: z.ZodObject;
  /** The id of a new one's load balancer, or of another child of that. @throws OctaviaFault 400 where the body has none */
  parentOf(body: z.output<C>, parent: string): string;
  all(view: View, parent: string): Item[];
  make(loadBalancer: LoadBalancer, body: z.output<C>, parent: string): { loadBalancer: LoadBalancer; id: string };
  show(view: View, id: string, parent: string): Item;
  change(loadBalancer: LoadBalancer, id: string, body: z.output<U>, parent: string): LoadBalancer;
  remove(loadBalancer: LoadBalancer, id: string, parent: string): LoadBalancer;
}

/** List, show, create, update and delete. Each change is one of the load balancer, which is PENDING_UPDATE until the amphorae have it. */
export function childRoutes<C extends z.ZodType, U extends z.ZodType>(app: App, context: Context, child: Child<C, U>): void {
  const { repository, access } = context;
  const { key, plural, what } = child;
  const path = `/v2.0/lbaas/${child.path}`;
  const nested = path.includes(':parent');
  const tags = [nested ? path.split('/')[3]! : plural];
  const response = answers(200, { [key]: child.response });
  const view = async (loadBalancer: LoadBalancer) => viewOf(loadBalancer, await repository.amphoraeOf(loadBalancer), noFlavors);

  const list = { tags, summary: `List ${plural}`, querystring: Listing, response: answersMany(plural, child.response) };
  if (nested) {
    app.get(path, { schema: { ...list, params: OfParent } }, async (request) => {
      const { parent } = request.params;
      const loadBalancer = await access.loadBalancer(callerOf(request), parent, { verb: 'get' }, child.parentWhat);
      return listed(request, plural, child.all(await view(loadBalancer), parent));
    });
  } else {
    app.get(path, { schema: list }, async (request) => {
      const project = projectOfQuery(request.query);
      const [found, amphorae] = await Promise.all([access.loadBalancers(callerOf(request), project), repository.amphorae(project)]);
      const byUid = Map.groupBy(amphorae, ({ spec }: Amphora) => spec.loadBalancer.uid);
      const views = found.map((loadBalancer) => viewOf(loadBalancer, byUid.get(loadBalancer.metadata.uid!) ?? [], noFlavors));
      return listed(
        request,
        plural,
        views.flatMap((one) => child.all(one, '')),
      );
    });
  }

  app.get(
    `${path}/:id`,
    { schema: { tags, summary: `Show a ${what}`, params: Path, querystring: Fields, response: answersOne(key, child.response) } },
    async (request) => {
      const { id, parent } = request.params;
      const loadBalancer = await access.loadBalancer(callerOf(request), id, { verb: 'get' }, what);
      return { [key]: selected(child.show(await view(loadBalancer), id, parent), request.query.fields) };
    },
  );

  app.post(
    path,
    {
      schema: {
        ...{
          tags,
          summary: `Create a ${what}`,
          body: z.strictObject({ [key]: child.create }),
          response: answers(201, { [key]: child.response }),
        },
        ...(nested && { params: OfParent }),
      },
    },
    async (request, reply) => {
      const body = (request.body as Record<string, z.output<C>>)[key]!;
      const { parent = '' } = request.params as { parent?: string };
      const before = await access.loadBalancer(callerOf(request), child.parentOf(body, parent), { verb: 'update' }, child.parentWhat);
      let id = '';
      const after = await repository.change(before, (now) => {
        const made = child.make(now, body, parent);
        id = made.id;
        return made.loadBalancer;
      });
      reply.code(201);
      return { [key]: child.show(await view(after), id, parent) };
    },
  );

  app.put(
    `${path}/:id`,
    { schema: { tags, summary: `Update a ${what}`, params: Path, body: z.strictObject({ [key]: child.update }), response } },
    async (request) => {
      const { id, parent } = request.params;
      const body = (request.body as Record<string, z.output<U>>)[key]!;
      const before = await access.loadBalancer(callerOf(request), id, { verb: 'update' }, what);
      const after = await repository.change(before, (now) => child.change(now, id, body, parent));
      return { [key]: child.show(await view(after), id, parent) };
    },
  );

  app.delete(
    `${path}/:id`,
    { schema: { tags, summary: `Delete a ${what}`, params: Path, response: answersNothing(204) } },
    async (request, reply) => {
      const { id, parent } = request.params;
      const before = await access.loadBalancer(callerOf(request), id, { verb: 'update' }, what);
      await repository.change(before, (now) => child.remove(now, id, parent));
      return reply.code(204).send();
    },
  );
}
