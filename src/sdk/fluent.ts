import { type Client, errorOfAnswer } from './client.ts';
import { ApiError } from './errors.ts';
import { type ObjectRef, registerKinds } from './kinds.ts';

interface Actions {
  // biome-ignore lint/suspicious/noExplicitAny: kubernetes-fluent-client computes its types from the model it is given
  Get(name?: string): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  Patch(operations: any): Promise<any>;
}

/** What is needed of the module kubernetes-fluent-client. */
export interface FluentClientLike {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  K8s(model: any, filters?: any): Actions;
  RegisterKind: Parameters<typeof registerKinds>[0];
}

/** Another writer came in between; the patch is made anew from what there is then. */
const ATTEMPTS = 10;

const registered = new WeakSet<object>();

/**
 * A client of kubernetes-fluent-client, for the cluster that it finds by itself. It has neither a dry run nor field managers nor a way to end
 * a call that is under way, and its watches run out of order, so that objects are asked for every second in place of a watch.
 *
 * @param kfc the module: `import * as kfc from 'kubernetes-fluent-client'`. The kinds are registered with it
 */
export function fromFluentClient(kfc: FluentClientLike): Client {
  if (!registered.has(kfc.RegisterKind)) registerKinds(kfc.RegisterKind);
  registered.add(kfc.RegisterKind);

  const client: Client = {
    get: (kind, { name, namespace }, { signal } = {}) => told(`get ${name}`, () => kfc.K8s(kind, { namespace }).Get(name), signal),
    list: async (kind, { namespace, signal } = {}) => (await told('list', () => kfc.K8s(kind, { namespace }).Get(), signal)).items,
    patch: async (kind, ref, patch, { dryRun, signal } = {}) => {
      if (dryRun) throw new TypeError('kubernetes-fluent-client has no dry run: use fromKubeConfig for it');
      for (let attempt = 1; ; attempt++) {
        const object = await client.get(kind, ref, { signal });
        const operations = jsonPatch(object as object, withVersion(patch, object as object));
        try {
          return await told(`patch ${ref.name}`, () => kfc.K8s(kind, filtersOf(ref)).Patch(operations), signal);
        } catch (error) {
          const asked = (patch as { metadata?: { resourceVersion?: string } }).metadata?.resourceVersion !== undefined;
          if (asked || attempt === ATTEMPTS || !(error instanceof ApiError && error.status === 409)) throw error;
        }
      }
    },
  };
  return client;
}

const filtersOf = ({ name, namespace }: ObjectRef) => ({ name, namespace });

/** The patch tied to the version that it was made from. */
function withVersion(patch: object, object: object): object {
  const { metadata } = patch as { metadata?: object };
  const { resourceVersion } = (object as { metadata: { resourceVersion?: string } }).metadata;
  return { ...patch, metadata: { resourceVersion, ...metadata } };
}

/** What a merge patch would do to the object, as RFC 6902 operations. */
export function jsonPatch(object: object, patch: object, path = ''): { op: 'add' | 'remove'; path: string; value?: unknown }[] {
  return Object.entries(patch).flatMap(([key, value]) => {
    const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const there = (object as Record<string, unknown>)[key];
    if (value === null) return there === undefined ? [] : [{ op: 'remove' as const, path: at }];
    if (!isObject(value)) return [{ op: 'add' as const, path: at, value }];
    return isObject(there) ? jsonPatch(there, value, at) : [{ op: 'add' as const, path: at, value }];
  });
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);

/** It throws the answer itself, which is no Error; and it doesn't know of signals. */
// biome-ignore lint/suspicious/noExplicitAny: as above
async function told(what: string, call: () => Promise<any>, signal: AbortSignal | undefined): Promise<any> {
  signal?.throwIfAborted();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([call(), aborted]);
  } catch (error) {
    if (signal?.aborted || error instanceof Error) throw error;
    const { status, data, statusText, e } = error as { status: number; data: unknown; statusText: string; e?: unknown };
    if (e) throw new ApiError(0, 'Unreachable', `${what}: no answer from the API server: ${statusText}`, e);
    throw errorOfAnswer(what, status, data);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
