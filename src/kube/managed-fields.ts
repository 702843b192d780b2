import type { KubeObject } from './types.ts';

const KEY = '"managedFields":[';
const [QUOTE, OPEN, CLOSE] = [0x22, 0x5b, 0x5d];

/**
 * An object of the API as JSON text, as the API server writes it, with an empty `metadata.managedFields`: half of most objects is that, and parsing it takes
 * accordingly. Within a string the quotes of the key would be escaped, so that what is found is the key.
 */
export function withoutManagedFields(json: string): string {
  const start = json.indexOf(KEY);
  if (start < 0) return json;
  let at = start + KEY.length;
  for (let depth = 1; depth > 0 && at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === OPEN) depth++;
    else if (code === CLOSE) depth--;
  }
  return `${json.slice(0, start + KEY.length)}]${json.slice(at)}`;
}

/** The object without `metadata.managedFields`; a copy, since V8 keeps an object that something was deleted from as a hash table. */
export function stripManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Where the string ends that begins there: at a quote with an even number of backslashes before it. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let before = end;
    while (json[before - 1] === '\\') before--;
    if ((end - before) % 2 === 0) return end;
  }
  return json.length;
}
