import { beforeAll, describe, expect, test } from '@jest/globals';
import { useRest } from './setting.ts';

const rest = useRest();
const { as } = rest;
const names = Array.from({ length: 7 }, (_, i) => `lb-${i}`);

beforeAll(async () => {
  for (const [i, name] of names.entries()) {
    const tags = [i % 2 === 0 ? 'even' : 'odd', ...(i < 3 ? ['low'] : [])];
    const { status } = await as('writer', 'POST', 'loadbalancers', { loadbalancer: { name, tags, admin_state_up: i !== 6 } });
    expect(status).toBe(201);
  }
}, 60_000);

const list = async (query: string) => (await as('reader', 'GET', `loadbalancers?${query}`)).body;
const named = async (query: string): Promise<string[]> => (await list(query)).loadbalancers.map(({ name }: { name: string }) => name);

describe('GET /v2.0/lbaas/loadbalancers', () => {
  test('is walked page by page along its links, forwards and back', async () => {
    const pages: string[][] = [];
    let path = '/v2.0/lbaas/loadbalancers?limit=3&sort=name:desc&fields=name&fields=id';
    let back = '';
    for (;;) {
      const { loadbalancers, loadbalancers_links: links } = (await as('reader', 'GET', path)).body as {
        loadbalancers: { name: string; id: string }[];
        loadbalancers_links: { rel: string; href: string }[];
      };
      pages.push(loadbalancers.map(({ name }) => name));
      const href = (rel: string) => links.find((link) => link.rel === rel)?.href.replace(rest.api().url, '');
      back = href('previous') ?? back;
      const next = href('next');
      if (!next) break;
      path = next;
    }
    expect(pages).toEqual([['lb-6', 'lb-5', 'lb-4'], ['lb-3', 'lb-2', 'lb-1'], ['lb-0']]);
    expect((await as('reader', 'GET', back)).body.loadbalancers.map(({ name }: { name: string }) => name)).toEqual(pages[1]);
  });

  test.each([
    ['name=lb-3', ['lb-3']],
    ['tags=even,low&sort=name', ['lb-0', 'lb-2']],
    ['tags-any=even&tags-any=low&sort=name', ['lb-0', 'lb-1', 'lb-2', 'lb-4', 'lb-6']],
    ['not-tags=even,low&sort=name', ['lb-1', 'lb-3', 'lb-4', 'lb-5', 'lb-6']],
    ['not-tags-any=even,low&sort=name', ['lb-3', 'lb-5']],
    ['admin_state_up=False', ['lb-6']],
    ['project_id=team-a&name=lb-1', ['lb-1']],
    ['name=nobody', []],
  ])('filters by %s', async (query, wanted) => {
    expect(await named(query)).toEqual(wanted);
  });

  test.each([
    ['limit=few', "Supplied pagination limit 'few' is not valid."],
    ['marker=nowhere', "Supplied pagination marker 'nowhere' is not valid."],
    ['sort=name:up', "Supplied sort direction 'up' is not valid."],
    ['sort=colour', "Supplied sort key 'colour' is not valid."],
    ['colour=red', 'One or more arguments are either duplicate or invalid'],
  ])('refuses %s in Octavia’s words', async (query, words) => {
    expect(await as('reader', 'GET', `loadbalancers?${query}`)).toMatchObject({
      status: 400,
      body: { faultcode: 'Client', faultstring: expect.stringContaining(words) },
    });
  });

  test('shows the attributes that are asked for, in a show too', async () => {
    const { loadbalancers } = await list('name=lb-0&fields=id,name');
    expect(loadbalancers).toEqual([{ id: expect.any(String), name: 'lb-0' }]);
    expect((await as('reader', 'GET', `loadbalancers/${loadbalancers[0].id}?fields=name`)).body).toEqual({
      loadbalancer: { name: 'lb-0' },
    });
  });

  test.each(['/v2.0/lbaas', '/v2/lbaas', '/load-balancer/v2.0/lbaas', '/load-balancer/v2/lbaas'])(
    'is at %s too, and its links stay there',
    async (prefix) => {
      const { body } = await as('reader', 'GET', `${prefix}/loadbalancers?limit=1`);
      expect(body.loadbalancers_links[0].href).toContain(`${rest.api().url}${prefix}/loadbalancers?limit=1&marker=`);
    },
  );
});
