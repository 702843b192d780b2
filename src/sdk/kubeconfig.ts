import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { lines } from '../kube/lines.ts';
import { apiVersionOf, collectionPath, objectPath, queryString } from '../kube/paths.ts';
import { type CallOptions, type Client, errorOfAnswer, type WatchEvent } from './client.ts';
import { ApiError } from './errors.ts';
import type { Kind } from './kinds.ts';

/** What is needed of client-node's `KubeConfig`: any version from 1.0 on has it. */
export interface KubeConfigLike {
  getCurrentCluster(): { server: string } | null;
  // biome-ignore lint/suspicious/noExplicitAny: the versions of client-node declare it differently
  applyToHTTPSOptions(options: any): Promise<void>;
}

/** How long credentials are used before the KubeConfig is asked for them again; it runs exec plugins and reads rotated tokens. */
const CREDENTIALS_MS = 10_000;

interface Call {
  method: 'GET' | 'PATCH';
  path: string;
  body?: object;
}

/**
 * A client for the cluster and user that client-node's `KubeConfig` has as its current ones. It sends its own requests, in raw JSON, and
 * uses nothing of client-node but the credentials, exec plugins and proxies that it knows.
 *
 * @param options.userAgent how the server's audit log knows the client. Default `reflavor-sdk`
 * @param options.timeoutSeconds how long a call that is no watch may take. Default 30
 * @throws Error when the KubeConfig has no current cluster
 */
export function fromKubeConfig(
  kubeConfig: KubeConfigLike,
  { userAgent = 'reflavor-sdk', timeoutSeconds = 30 }: { userAgent?: string; timeoutSeconds?: number } = {},
): Client {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) throw new Error('the KubeConfig has no current cluster: load one, or set its current context');
  const server = cluster.server.replace(/\/+$/, '');
  let credentials: { options: Promise<RequestOptions>; at: number } | undefined;

  function current(): Promise<RequestOptions> {
    if (!credentials || performance.now() - credentials.at > CREDENTIALS_MS) {
      const options: RequestOptions = {};
      credentials = { options: kubeConfig.applyToHTTPSOptions(options).then(() => options), at: performance.now() };
      // A failure is not kept: what it says of is mended, perhaps, by the next call.
      credentials.options.catch(() => {
        credentials = undefined;
      });
    }
    return credentials.options;
  }

  async function send({ method, path, body }: Call, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { headers, ...options } = await current();
    signal?.throwIfAborted();
    const what = `${method} ${path}`;
    const sent = { ...headers, Accept: 'application/json', 'User-Agent': userAgent };
    const content = body && { 'Content-Type': 'application/merge-patch+json' };
    try {
      const start = server.startsWith('http:') ? httpRequest : httpsRequest;
      const request = start(server + path, { ...options, method, signal, headers: { ...sent, ...content } });
      // An abort after the answer has begun is told by the answer; without a listener it would end the process.
      request.on('error', () => {});
      request.end(body && JSON.stringify(body));
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      if (answer.statusCode! < 300) return answer;
      if (answer.statusCode === 401) credentials = undefined;
      throw errorOfAnswer(what, answer.statusCode!, parsed(await text(answer)));
    } catch (error) {
      throw failure(what, error, signal);
    }
  }

  async function json<T>(call: Call, { signal }: CallOptions): Promise<T> {
    const late = AbortSignal.timeout(timeoutSeconds * 1000);
    const either = signal ? AbortSignal.any([signal, late]) : late;
    const what = `${call.method} ${call.path}`;
    try {
      return JSON.parse(await text(await send(call, either))) as T;
    } catch (error) {
      signal?.throwIfAborted();
      if (late.aborted) throw new ApiError(0, 'Timeout', `${what}: no answer from the API server within ${timeoutSeconds} s`, error);
      throw failure(what, error, signal);
    }
  }

  async function* watch<T>(path: string, signal: AbortSignal | undefined): AsyncGenerator<WatchEvent<T>, void, void> {
    const answer = await send({ method: 'GET', path }, signal);
    try {
      for await (const line of lines(answer)) yield JSON.parse(line);
    } catch (error) {
      throw failure(`GET ${path}`, error, signal);
    } finally {
      answer.destroy();
    }
  }

  return {
    get: (kind, ref, options = {}) => json({ method: 'GET', path: objectPath(kind.resource, ref) }, options),
    list: async <T>(kind: Kind<T>, { namespace, ...options }: CallOptions & { namespace?: string } = {}) => {
      const type = { apiVersion: apiVersionOf(kind.resource), kind: kind.resource.kind };
      const { items } = await json<{ items: T[] }>({ method: 'GET', path: collectionPath(kind.resource, namespace) }, options);
      return items.map((item) => ({ ...type, ...item }));
    },
    patch: (kind, ref, patch, { fieldManager, dryRun, ...options } = {}) => {
      const query = queryString({ fieldManager, dryRun: dryRun ? 'All' : undefined });
      return json({ method: 'PATCH', path: objectPath(kind.resource, ref) + query, body: patch }, options);
    },
    watch: (kind, { name, namespace }, { signal, resourceVersion, timeoutSeconds } = {}) => {
      const query = queryString({ watch: true, fieldSelector: `metadata.name=${name}`, resourceVersion, timeoutSeconds });
      return watch(collectionPath(kind.resource, namespace) + query, signal);
    },
  };
}

function failure(what: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof ApiError || error instanceof SyntaxError) return error;
  const { errors = [], message = '' } = error as AggregateError;
  const words = [message, ...errors.map(String)].filter(Boolean).join('; ') || String(error);
  return new ApiError(0, 'Unreachable', `${what}: no answer from the API server: ${words}`, error);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
