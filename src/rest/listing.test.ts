import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Item, paged, type Query, selected } from './listing.ts';

const url = 'http://api/v2.0/lbaas/loadbalancers';
const queryOf = (href: string): Query => {
  const query: Query = {};
  for (const [name, value] of new URL(href).searchParams) query[name] = name in query ? [query[name]!, value].flat() : value;
  return query;
};
const items = fc
  .uniqueArray(
    fc.record({ id: fc.uuid(), name: fc.string({ maxLength: 3 }), created_at: fc.constantFrom(null, '2026-01-01', '2026-01-02') }),
    {
      selector: ({ id }) => id,
      maxLength: 30,
    },
  )
  .map((all): Item[] => all);

/** The ids on all pages, from the first, along the links of one direction. */
function walked(all: Item[], query: Query, rel: 'next' | 'previous'): { pages: Item[][]; last: Query } {
  const pages: Item[][] = [];
  for (let at = query; ; ) {
    const { items: page, links } = paged(all, at, url);
    pages.push(page);
    const href = links.find((link) => link.rel === rel)?.href;
    if (!href) return { pages, last: at };
    at = queryOf(href);
  }
}

describe('paged', () => {
  test('walking along the links shows every item once and in order, forwards and back', () => {
    fc.assert(
      fc.property(
        items,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(undefined, 'name', 'name:desc', 'created_at:desc,name'),
        (all, limit, sort) => {
          const query = { limit: String(limit), ...(sort && { sort }) };
          const whole = paged(all, sort ? { sort } : {}, url).items;
          const { pages, last } = walked(all, query, 'next');
          expect(pages.flat()).toEqual(whole);
          expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
          const back = walked(all, last, 'previous').pages.slice(1).toReversed();
          expect([...back.flat(), ...pages.at(-1)!]).toEqual(whole);
        },
      ),
    );
  });

  test('sorts by time and id where nothing else is asked for, and numbers as numbers', () => {
    const all = [
      { id: 'b', created_at: '2026-01-02', port: 80 },
      { id: 'c', created_at: '2026-01-01', port: 9 },
      { id: 'a', created_at: '2026-01-02', port: 443 },
    ];
    const ids = (query: Query) => paged(all, query, url).items.map(({ id }) => id);
    expect(ids({})).toEqual(['c', 'a', 'b']);
    expect(ids({ sort: 'port' })).toEqual(['c', 'b', 'a']);
    expect(ids({ sort_key: 'port', sort_dir: 'desc' })).toEqual(['a', 'b', 'c']);
  });

  test('filters by any of repeated values, by parents, and by names that attributes had before', () => {
    const all: Item[] = [
      { id: '1', name: 'a', project_id: 'x', loadbalancers: [{ id: 'lb-1' }] },
      { id: '2', name: 'b', project_id: 'y', loadbalancers: [{ id: 'lb-2' }] },
      { id: '3', name: 'c', project_id: 'y', loadbalancers: [] },
    ];
    const ids = (query: Query) => paged(all, query, url).items.map(({ id }) => id);
    expect(ids({ name: ['a', 'c'] })).toEqual(['1', '3']);
    expect(ids({ loadbalancer_id: 'lb-2' })).toEqual(['2']);
    expect(ids({ load_balancer_id: 'lb-1' })).toEqual(['1']);
    expect(ids({ tenant_id: 'y', name: 'b' })).toEqual(['2']);
    expect(ids({ limit: 'infinite' })).toHaveLength(3);
    expect(ids({ limit: '0' })).toHaveLength(3);
  });

  test('an empty list has neither items nor links, whatever is asked', () => {
    expect(paged([], { name: 'x', sort: 'name', limit: '5' }, url)).toEqual({ items: [], links: [] });
  });
});

describe('selected', () => {
  test('shows the attributes that are named, all where none is', () => {
    const item = { id: '1', name: 'a', tags: [] };
    expect(selected(item, undefined)).toBe(item);
    expect(selected(item, 'name,tags')).toEqual({ name: 'a', tags: [] });
    expect(selected(item, ['id', 'nothing'])).toEqual({ id: '1' });
  });
});
