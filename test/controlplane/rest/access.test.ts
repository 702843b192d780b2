import { beforeAll, describe, expect, test } from '@jest/globals';
import { useRest, type Who } from './setting.ts';

const rest = useRest();
const { as, kubectl, create, until } = rest;
let a: string;
let b: string;

beforeAll(async () => {
  a = await create('a');
  const { body } = await as('stranger', 'POST', 'loadbalancers', { loadbalancer: { name: 'b', flavor_id: 'small', tags: ['blue'] } });
  b = body.loadbalancer.id;
  await until(a, { provisioning_status: 'ACTIVE' });
  await until(b, { provisioning_status: 'ACTIVE' });
}, 90_000);

const names = async (who: Who, query = '') =>
  (await as(who, 'GET', `loadbalancers${query}`)).body.loadbalancers?.map((lb: { name: string }) => lb.name).sort();

describe('who may do what', () => {
  test('a list shows what is in the projects of the caller, all to those who may list all', async () => {
    expect([await names('reader'), await names('stranger'), await names('root')]).toEqual([['a'], ['b'], ['a', 'b']]);
    expect(await names('root', '?project_id=team-b')).toEqual(['b']);
  });

  test('the list of another project is refused, not empty', async () => {
    expect(await as('reader', 'GET', 'loadbalancers?project_id=team-b')).toMatchObject({ status: 403 });
  });

  test.each([
    ['GET', (): string => `loadbalancers/${b}`, undefined],
    ['GET', (): string => `loadbalancers/${b}/status`, undefined],
    ['GET', (): string => `loadbalancers/${b}/stats`, undefined],
    ['PUT', (): string => `loadbalancers/${b}`, { loadbalancer: { name: 'mine' } }],
    ['DELETE', (): string => `loadbalancers/${b}?cascade=true`, undefined],
    ['PUT', (): string => `loadbalancers/${b}/failover`, {}],
    ['POST', (): string => 'listeners', (): object => ({ listener: { loadbalancer_id: b, protocol: 'HTTP', protocol_port: 80 } })],
    ['POST', (): string => 'loadbalancers', { loadbalancer: { name: 'x', project_id: 'team-b' } }],
  ] as const)('%s of another project’s is 403, and nothing is changed', async (method, path, body) => {
    const version = () => kubectl('get', 'lb', '-n', 'team-b', '-o', 'jsonpath={.items[*].metadata.generation} {.items[*].metadata.name}');
    const before = await version();
    const answer = await as('admin', method, path(), typeof body === 'function' ? body() : body);
    expect(answer).toMatchObject({
      status: 403,
      body: { faultstring: expect.stringMatching(/^Policy does not allow this request to be performed: .* in project team-b\./) },
    });
    expect(await version()).toBe(before);
  });

  test('a reader reads and changes nothing', async () => {
    expect((await as('reader', 'GET', `loadbalancers/${a}`)).status).toBe(200);
    expect((await as('reader', 'GET', 'listeners')).body.listeners).toHaveLength(1);
    const { id } = (await as('reader', 'GET', 'listeners')).body.listeners[0];
    for (const [method, path, body] of [
      ['PUT', `loadbalancers/${a}`, { loadbalancer: { name: 'mine' } }],
      ['DELETE', `loadbalancers/${a}?cascade=true`, undefined],
      ['POST', 'loadbalancers', { loadbalancer: { name: 'x' } }],
      ['PUT', `listeners/${id}`, { listener: { name: 'x' } }],
      ['DELETE', `listeners/${id}`, undefined],
    ] as const)
      expect({ path, status: (await as('reader', method, path, body)).status }).toEqual({ path, status: 403 });
  });

  test('flavors are for everybody to read, and profiles, amphorae and changes for admins', async () => {
    const statuses = async (who: Who) => ({
      flavors: (await as(who, 'GET', 'flavors')).status,
      profiles: (await as(who, 'GET', 'flavorprofiles')).status,
      amphorae: (await as(who, 'GET', '/v2.0/octavia/amphorae?project_id=team-a')).status,
      newFlavor: (await as(who, 'POST', 'flavors', { flavor: { name: `of-${who}`, flavor_profile_id: 'small' } })).status,
    });
    expect(await statuses('writer')).toEqual({ flavors: 200, profiles: 403, amphorae: 403, newFlavor: 403 });
    // Bound in a namespace, the role gives nothing of what is of the cluster.
    expect(await statuses('admin')).toEqual({ flavors: 200, profiles: 403, amphorae: 200, newFlavor: 403 });
    expect(await statuses('root')).toEqual({ flavors: 200, profiles: 200, amphorae: 200, newFlavor: 201 });
  });

  test('the role edit of Kubernetes may resize and fail over, as it may with kubectl', async () => {
    await kubectl('create', 'serviceaccount', 'editor', '-n', 'team-a');
    await kubectl('create', 'rolebinding', 'editor', '-n', 'team-a', '--clusterrole=reflavor-edit', '--serviceaccount=team-a:editor');
    const token = (await kubectl('create', 'token', 'editor', '-n', 'team-a')).trim();
    expect((await rest.api().call(token, 'PUT', `loadbalancers/${a}/resize`, { new_flavor_id: 'small' })).status).toBe(202);
    expect((await rest.api().call(token, 'PUT', `loadbalancers/${a}/failover`)).status).toBe(202);
    await until(a, { provisioning_status: 'ACTIVE' });
  }, 60_000);

  test('a token may come as Authorization: Bearer', async () => {
    const headers = { Authorization: `Bearer ${rest.token('reader')}` };
    const answer = await fetch(`${rest.api().url}/v2.0/lbaas/loadbalancers`, { headers });
    expect(answer.status).toBe(200);
  });

  test('a project is a namespace that exists', async () => {
    const { status, body } = await as('root', 'POST', 'loadbalancers', { loadbalancer: { name: 'x', project_id: 'nowhere' } });
    expect({ status, words: body.faultstring }).toEqual({
      status: 400,
      words: 'Validation failure: there is no project nowhere: a project is a namespace, and must exist.',
    });
  });
});
