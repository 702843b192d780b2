import type { JsonPatchOperation } from '../kube/client.ts';

/**
 * Replaces a status as a whole. A JSON patch, since that costs the API server much less than server-side apply does, which would keep books of fields
 * that nobody else writes.
 *
 * @param demanded what `metadata` must still have, else the server answers with a conflict: a `resourceVersion` makes it a compare and swap
 */
export function statusPatch(status: object, demanded: { resourceVersion?: string; uid?: string }): JsonPatchOperation[] {
  const demands = Object.entries(demanded).filter(([, value]) => value !== undefined);
  return [
    ...demands.map(([field, value]): JsonPatchOperation => ({ op: 'replace', path: `/metadata/${field}`, value })),
    // Where there is none yet, this adds it.
    { op: 'add', path: '/status', value: status },
  ];
}
