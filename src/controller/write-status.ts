import type { KubeClient, WriteOptions } from '../kube/client.ts';
import { apiVersionOf } from '../kube/paths.ts';
import type { KubeObject, Resource } from '../kube/types.ts';

/**
 * Replaces a status as a whole: a compare and swap, so that what was decided on an old object never lands, nor the word of a leader that has been
 * replaced. A PUT, since that costs the API server less than any patch. What else the object has does not change by it, and
 * the spec is left out (API conventions, "Spec and Status").
 *
 * @param before as it was read last
 * @returns the object as it is then
 * @throws KubeError Conflict when somebody wrote it meanwhile
 */
export function writeStatus<T extends KubeObject & { status?: object }>(
  client: KubeClient,
  resource: Resource,
  { metadata }: T,
  status: T['status'],
  options: Pick<WriteOptions, 'fieldManager' | 'signal'>,
): Promise<T> {
  const object: KubeObject & { status: T['status'] } = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, status };
  return client.replace(resource, object as T, { ...options, subresource: 'status' });
}
