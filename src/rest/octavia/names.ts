/**
 * Octavia's names are free text, need not be there, need not be unique and may change; the lists of a spec are keyed by DNS labels that may
 * not. A child's key is made once, like its name as far as that goes; the name itself, where it differs, is noted beside the spec (notes.ts).
 */

/** The name as a DNS label of at most `most` characters; empty where nothing of it fits. */
function slug(name: string, most: number): string {
  const label = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return trimmed(label.replace(/^-/, '').slice(0, most));
}

const trimmed = (label: string): string => label.replace(/-+$/, '');

const MOST = 63;

/** A key for a child of this name that none of its list has: the name, or something like it, or `otherwise` where it has none. */
export function keyFor(name: string, taken: ReadonlySet<string>, otherwise: string): string {
  const base = slug(name, MOST) || otherwise;
  let key = base;
  for (let n = 2; taken.has(key); n++) key = `${trimmed(base.slice(0, MOST - String(n).length - 1))}-${n}`;
  return key;
}

/** The longest `metadata.name` of a load balancer: the objects that the operator makes for it have names that begin with it. */
const MOST_OBJECT = 40;

/**
 * `metadata.name` for a load balancer of this name (RFC 1035 label).
 * @param suffix appended where the plain one is taken; lower-case letters and digits, at most 8
 */
export function objectNameFor(name: string, suffix?: string): string {
  const label = slug(name, MOST_OBJECT);
  const base = label === '' ? 'lb' : /^[0-9]/.test(label) ? `lb-${label}` : label;
  const end = suffix === undefined ? '' : `-${suffix}`;
  return `${trimmed(base.slice(0, MOST_OBJECT - end.length))}${end}`;
}
