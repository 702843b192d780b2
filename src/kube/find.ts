import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { KubeObject, ObjectRef, Resource } from './types.ts';

/** The object as the API server has it now; undefined when there is none. */
export async function find<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  resource: Resource,
  ref: ObjectRef,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get<T>(resource, ref, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
