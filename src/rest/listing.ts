import { OctaviaFault } from './octavia/index.ts';

/** An element of a list, as the API shows it. */
export type Item = Record<string, unknown>;
/** A query as it was written: a name may come more than once. */
export type Query = Record<string, string | string[] | undefined>;

/** What of a query is about the list itself; the rest are filters. */
const AUXILIARY = new Set(['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'fields', 'page_reverse']);
/** Names that clients use for an attribute of another name. */
const ALIASES: Record<string, string> = { tenant_id: 'project_id', load_balancer_id: 'loadbalancer_id' };

/** A page of a list, and where its neighbours are. */
export interface Page {
  items: Item[];
  links: { rel: 'next' | 'previous'; href: string }[];
}

/**
 * Octavia's lists (API reference, "Filtering and column selection", "Pagination"): filters by attribute and tag, `sort`, `limit`, `marker`,
 * `page_reverse`, `fields`.
 *
 * @param url of the request, without its query: what the links start with
 * @throws OctaviaFault 400 in Octavia's words for a key, direction, limit, marker or filter that is none
 */
export function paged(all: Item[], query: Query, url: string): Page {
  const found = sorted(filtered(all, query), query);
  const { items, first, last } = cut(found, query);
  const links: Page['links'] = [];
  const link = (rel: 'next' | 'previous', marker: unknown) => links.push({ rel, href: hrefOf(url, query, String(marker), rel) });
  if (first > 0 && items[0]) link('previous', items[0].id);
  if (last < found.length && items[0]) link('next', items.at(-1)!.id);
  return { items: items.map((item) => selected(item, query.fields)), links };
}

/** The attributes that `fields` names, all when it names none; repeated, or separated by commas. */
export function selected(item: Item, fields: string | string[] | undefined): Item {
  const names = valuesOf(fields).flatMap((list) => list.split(','));
  return names.length === 0 ? item : Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}

function filtered(all: Item[], query: Query): Item[] {
  const tests = Object.entries(query)
    .filter(([name]) => !AUXILIARY.has(name))
    .map(([name, value]) => testOf(ALIASES[name] ?? name, valuesOf(value), all));
  return all.filter((item) => tests.every((test) => test(item)));
}

type Test = (item: Item) => boolean;

function testOf(name: string, values: string[], all: Item[]): Test {
  const tags = TAG_TESTS[name];
  if (tags) {
    const wanted = values.flatMap((list) => list.split(','));
    return ({ tags: has }) => tags(wanted, (Array.isArray(has) ? has : []) as string[]);
  }
  // Octavia's lists name parents by id, as in listeners[].loadbalancers: [{ id }].
  const parents = `${name.replace(/_id$/, '')}s`;
  if (all.length > 0 && !all.some((item) => name in item || parents in item)) {
    throw new OctaviaFault(400, `One or more arguments are either duplicate or invalid: there is no attribute ${name} to filter by.`);
  }
  return (item) => values.some((value) => (name in item ? equals(item[name], value) : idsOf(item[parents]).includes(value)));
}

const TAG_TESTS: Record<string, (wanted: string[], has: string[]) => boolean> = {
  tags: (wanted, has) => wanted.every((tag) => has.includes(tag)),
  'tags-any': (wanted, has) => wanted.some((tag) => has.includes(tag)),
  'not-tags': (wanted, has) => !wanted.every((tag) => has.includes(tag)),
  'not-tags-any': (wanted, has) => !wanted.some((tag) => has.includes(tag)),
};

const idsOf = (list: unknown): unknown[] => (Array.isArray(list) ? list.map((entry: { id?: unknown }) => entry.id) : []);

function equals(has: unknown, wanted: string): boolean {
  return typeof has === 'boolean' ? String(has) === wanted.toLowerCase() : String(has ?? '') === wanted;
}

function sorted(items: Item[], query: Query): Item[] {
  const keys = [...sortKeysOf(query), { key: 'created_at', sign: 1 }, { key: 'id', sign: 1 }];
  for (const { key } of keys.slice(0, -2)) {
    if (items.length > 0 && !items.some((item) => key in item)) throw new OctaviaFault(400, `Supplied sort key '${key}' is not valid.`);
  }
  return items.toSorted((a, b) => {
    for (const { key, sign } of keys) {
      const order = compare(a[key], b[key]);
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

function sortKeysOf(query: Query): { key: string; sign: number }[] {
  const [sort, sortKeys, sortDirs] = [query.sort, query.sort_key, query.sort_dir].map((value) =>
    valuesOf(value).flatMap((list) => list.split(',')),
  ) as [string[], string[], string[]];
  const written =
    sort.length > 0 ? sort.map((part) => part.split(':')) : sortKeys.map((key, i) => [key, ...(sortDirs[i] ? [sortDirs[i]] : [])]);
  return written.map(([key, direction = 'asc', ...rest]) => {
    if (!key || rest.length > 0) throw new OctaviaFault(400, `Supplied sort key '${key}' is not valid.`);
    const sign = { asc: 1, desc: -1 }[direction.toLowerCase()];
    if (sign === undefined) throw new OctaviaFault(400, `Supplied sort direction '${direction}' is not valid.`);
    return { key, sign };
  });
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The items of the page, and where in the list it begins and ends. */
function cut(found: Item[], query: Query): { items: Item[]; first: number; last: number } {
  const limit = limitOf(lastOf(query.limit));
  const marker = lastOf(query.marker);
  const at = marker === undefined ? -1 : found.findIndex(({ id }) => id === marker);
  if (marker !== undefined && at < 0) throw new OctaviaFault(400, `Supplied pagination marker '${marker}' is not valid.`);
  const back = marker !== undefined && lastOf(query.page_reverse)?.toLowerCase() === 'true';
  const first = back ? Math.max(0, at - limit) : at + 1;
  const last = back ? at : Math.min(found.length, first + limit);
  return { items: found.slice(first, last), first, last };
}

function limitOf(limit: string | undefined): number {
  if (limit === undefined || limit === 'infinite') return Number.POSITIVE_INFINITY;
  if (!/^-?\d+$/.test(limit)) throw new OctaviaFault(400, `Supplied pagination limit '${limit}' is not valid.`);
  return Number(limit) < 1 ? Number.POSITIVE_INFINITY : Number(limit);
}

function hrefOf(url: string, query: Query, marker: string, rel: 'next' | 'previous'): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (name === 'marker' || name === 'page_reverse') continue;
    for (const one of valuesOf(value)) parameters.append(name, one);
  }
  parameters.set('marker', marker);
  if (rel === 'previous') parameters.set('page_reverse', 'True');
  return `${url}?${parameters}`;
}

const valuesOf = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const lastOf = (value: string | string[] | undefined): string | undefined => valuesOf(value).at(-1);
