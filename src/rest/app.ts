import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import * as z from 'zod';
import type { Access } from './access.ts';
import type { Caller } from './auth/authentication.ts';
import type { Authorization } from './auth/authorization.ts';
import { type Item, paged, type Query } from './listing.ts';
import type { Repository } from './repository.ts';

/** The server as routes see it, whether it speaks TLS or not: with zod schemas as its types. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes stand on. */
export interface Context {
  repository: Repository;
  authorization: Authorization;
  access: Access;
  /** Field managers that write back what others change. */
  gitopsManagers: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token it came with; null on routes that take none. */
    caller: Caller | null;
  }
}

type Request = Pick<FastifyRequest, 'caller' | 'protocol' | 'host' | 'originalUrl' | 'query'>;

/** Who sent it. Routes but for the version document are reached with a valid token only. */
export function callerOf({ caller }: Pick<Request, 'caller'>): Caller {
  if (!caller) throw new Error('a route that needs a caller was reached without a token');
  return caller;
}

/** Parameters of a path. */
export const ById = z.object({ id: z.string() });
/** The query of a show. */
export const Fields = z.object({
  fields: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .meta({ description: 'Attributes to show; all where absent.' }),
});
/** The query of a list; any other parameter is a filter by the attribute of that name. */
export const Listing = z.looseObject({
  ...Fields.shape,
  limit: z.string().optional().meta({ description: 'How many at most.' }),
  marker: z.string().optional().meta({ description: 'Id of the last one of the page before.' }),
  page_reverse: z.string().optional().meta({ description: 'True: the page before the marker.' }),
  sort: z.string().optional().meta({ description: 'Attributes to sort by, as in name:asc,created_at:desc.' }),
});

/** The project that a list is asked for. */
export function projectOfQuery(query: unknown): string | undefined {
  const { project_id: project, tenant_id: tenant } = query as Query;
  const asked = project ?? tenant;
  return Array.isArray(asked) ? asked[0] : asked;
}

/** A page of a list under its key, with the links to its neighbours under `linksKey`. */
export function listed<K extends string>(request: Request, key: K, all: Item[], linksKey = `${key}_links`): Record<string, unknown> {
  const url = `${request.protocol}://${request.host}${request.originalUrl.split('?')[0]}`;
  const { items, links } = paged(all, request.query as Query, url);
  return { [key]: items, [linksKey]: links };
}

/** The schema of an answer, for the description alone. */
export const answers = (status: number, shape: z.ZodRawShape) => ({ [status]: z.object(shape) as z.ZodType<unknown> });

/** That of a show, whose query may leave attributes out. */
export const answersOne = (key: string, item: z.ZodObject) => answers(200, { [key]: item.partial() });

const Links = z.array(z.object({ rel: z.enum(['next', 'previous']), href: z.string() }));

/** That of a list, see {@link listed}. */
export const answersMany = (key: string, item: z.ZodObject, linksKey = `${key}_links`) =>
  answers(200, { [key]: z.array(item.partial()), [linksKey]: Links });

/** That of an answer without a body. */
export const answersNothing = (status: number) => ({ [status]: z.null() as z.ZodType<unknown> });
