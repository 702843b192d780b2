import type { KubeClient } from './client.ts';
import type { KubeObject, ObjectRef, Resource } from './types.ts';
import { unlessGone } from './unless-gone.ts';

/** The object as the API server has it now; undefined when there is none. */
export function find<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  resource: Resource,
  ref: ObjectRef,
  signal?: AbortSignal,
): Promise<T | undefined> {
  return unlessGone(client.get<T>(resource, ref, { signal }));
}
