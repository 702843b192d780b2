/**
 * Whether `live` has all that `wanted` says: each of its fields with that value, each of its lists with these elements and no others. What the
 * API server and other controllers add beside it doesn't count; a field that is wanted `undefined` doesn't either.
 */
export function agrees(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length === wanted.length && wanted.every((element, i) => agrees(live[i], element));
  }
  if (typeof wanted !== 'object' || wanted === null) return live === wanted;
  if (typeof live !== 'object' || live === null) return false;
  return Object.entries(wanted).every(([key, value]) => agrees((live as Record<string, unknown>)[key], value));
}
