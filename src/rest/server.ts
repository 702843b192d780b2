import { randomUUID } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type * as z from 'zod';
import { Access } from './access.ts';
import type { App } from './app.ts';
import { type Authentication, tokenOf } from './auth/authentication.ts';
import type { Authorization } from './auth/authorization.ts';
import { describeAt } from './description.ts';
import { Directory } from './directory.ts';
import { faultBody, kubeFault } from './fault.ts';
import type { RestMetrics } from './metrics.ts';
import { faultOf, idsOf, OctaviaFault } from './octavia/index.ts';
import type { Repository } from './repository.ts';
import { amphoraRoutes } from './routes/amphorae.ts';
import { allChildRoutes } from './routes/children.ts';
import { flavorProfileRoutes } from './routes/flavorprofiles.ts';
import { flavorRoutes } from './routes/flavors.ts';
import { loadBalancerRoutes } from './routes/loadbalancers.ts';
import { networkRoutes } from './routes/networks.ts';
import { providerRoutes } from './routes/providers.ts';
import { versionRoutes } from './routes/versions.ts';

export interface ServerOptions {
  repository: Repository;
  authentication: Authentication;
  authorization: Authorization;
  /** Field managers that write back what others change. */
  gitopsManagers: readonly string[];
  log: FastifyBaseLogger;
  metrics: RestMetrics;
  /** PEM. */
  tls?: { cert: string; key: string };
  bodyLimitBytes: number;
  /** Requests a minute of one client address; 0: any number. */
  rateLimit: number;
  trustedProxies: readonly string[];
}

/** Octavia's paths: `/v2` is `/v2.0`, and either may stand behind `/load-balancer`, as in the catalogue of many clouds. */
const rewritten = (url: string): string => url.replace(/^\/load-balancer(?=\/|\?|$)/, '').replace(/^\/v2(?=\/|\?|$)/, '/v2.0') || '/';

/** Paths that are answered without a token: what there is, not what is in it. */
const isPublic = (path: string): boolean => /^\/(v2\.0\/?)?$/.test(path) || /^\/docs(\/|$)/.test(path);

/** The server with all routes, ready to listen. */
export async function createServer(options: ServerOptions): Promise<App> {
  const { authentication, log, metrics, tls, bodyLimitBytes, trustedProxies } = options;
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => `req-${randomUUID()}`,
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    rewriteUrl: ({ url = '/' }) => rewritten(url),
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
    https: tls ?? null,
  }) as unknown as App;
  app.setValidatorCompiler(({ schema }) => (data) => {
    const result = (schema as unknown as z.ZodType).safeParse(data);
    return result.success ? { value: result.data } : { error: faultOf(result.error.issues, data) };
  });
  // Schemas of answers are for the description alone: `fields` leaves out what it will.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest('caller', null);
  takeAnyJson(app);
  app.setErrorHandler(answerFault);
  app.setNotFoundHandler(({ method, originalUrl }) => {
    throw new OctaviaFault(404, `There is no ${method} ${originalUrl.split('?')[0]}: GET /docs lists what there is.`);
  });
  await app.register(rateLimit, { global: false, max: options.rateLimit, timeWindow: 60_000 });
  const limiter = options.rateLimit > 0 ? app.createRateLimit() : undefined;

  app.addHook('onRequest', async (request, reply) => {
    reply.header('X-Openstack-Request-Id', request.id);
    const limit = await limiter?.(request);
    if (limit && !limit.isAllowed && limit.isExceeded) {
      reply.header('Retry-After', limit.ttlInSeconds);
      throw new OctaviaFault(429, `There were more than ${limit.max} requests in a minute: try again in ${limit.ttlInSeconds} s.`);
    }
    if (!isPublic(request.url.split('?')[0]!)) request.caller = await authenticated(request, reply, authentication);
  });
  app.addHook('onResponse', async (request, reply) => {
    logAnswer(request, reply);
    metrics.answered(request.method, request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000);
  });

  await describeAt(app, '/docs');
  const { repository, authorization, gitopsManagers } = options;
  const directory = new Directory(repository, (loadBalancer) => [loadBalancer.metadata.uid!, ...idsOf(loadBalancer).keys()]);
  const context = { repository, authorization, gitopsManagers, access: new Access(repository, directory, authorization) };
  // Once the description listens for them.
  app.after(() => {
    versionRoutes(app);
    loadBalancerRoutes(app, context);
    allChildRoutes(app, context);
    flavorRoutes(app, context);
    flavorProfileRoutes(app, context);
    providerRoutes(app);
    amphoraRoutes(app, context);
    networkRoutes(app);
  });
  return app;
}

/** python-octaviaclient sends a content type with no body, curl a body with another one. */
function takeAnyJson(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    return parse(request, body as string, done);
  });
}

async function authenticated(request: FastifyRequest, reply: FastifyReply, authentication: Authentication) {
  const token = tokenOf(request.headers);
  const caller = token === undefined ? undefined : await authentication.callerOf(token);
  if (caller) return caller;
  reply.header('WWW-Authenticate', 'Bearer realm="reflavor"');
  const why = token === undefined ? 'it came without a token' : 'its token is not valid, or no longer';
  throw new OctaviaFault(
    401,
    `The request you have made requires authentication: ${why}. Send a token of the Kubernetes cluster as X-Auth-Token or Authorization: Bearer.`,
  );
}

function answerFault(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { status, message } = (error instanceof OctaviaFault ? error : kubeFault(error)) ?? ofServer(error, request.id);
  if (status >= 500 && status !== 501) request.log.error({ err: error }, 'a request failed');
  void reply.code(status).send(faultBody(status, message));
}

/** What fastify refuses, as a body that is no JSON or too large; anything else is a mistake of ours. */
function ofServer({ code, statusCode = 500, message }: FastifyError, id: string): { status: number; message: string } {
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY') return { status: 400, message: 'The body is no valid JSON: send one JSON object.' };
  if (statusCode < 500) return { status: statusCode, message };
  return { status: 500, message: `Something unknown went wrong: have an admin look for ${id} in the logs of the API.` };
}

function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const { method, originalUrl, caller, ip } = request;
  const global = request.headers['x-openstack-request-id'];
  request.log.info(
    {
      method,
      path: originalUrl.split('?')[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      user: caller?.username,
      ip,
      // Of the service that asks in a user's name (oslo.middleware, "request_id").
      ...(typeof global === 'string' && /^req-[0-9a-f-]{36}$/.test(global) && { globalRequestId: global }),
    },
    'answered',
  );
}
