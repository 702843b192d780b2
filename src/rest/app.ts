import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Caller } from './auth/authentication.ts';
import type { Authorization } from './auth/authorization.ts';
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
  /** Field managers that write back what others change. */
  gitopsManagers: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token it came with; null on routes that take none. */
    caller: Caller | null;
  }
}

/** Who sent it. Routes of `/v2.0` are reached with a valid token only. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (!caller) throw new Error('a route that needs a caller was reached without a token');
  return caller;
}
