import { beforeAll, describe, expect, test } from '@jest/globals';
import type { LoadBalancer } from '../../../src/api/index.ts';
import { useRest } from './setting.ts';

const { as, kubectl, hasten, until, gone } = useRest();
const get = async (name: string): Promise<LoadBalancer> => JSON.parse(await kubectl('get', 'lb', name, '-n', 'team-a', '-o', 'json'));

/** Calls as a writer; gives what is below the only key of the answer. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
async function ok(status: number, method: string, path: string, body?: unknown): Promise<any> {
  const answer = await as('writer', method, path, body);
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body && Object.values(answer.body)[0];
}

describe('a load balancer', () => {
  test('is created whole in one call, and the operator brings it up', async () => {
    const created = await ok(201, 'POST', 'loadbalancers', {
      loadbalancer: {
        name: 'Whole shop',
        flavor_id: 'small',
        vip_subnet_id: 'cluster',
        listeners: [
          {
            name: 'http',
            protocol: 'HTTP',
            protocol_port: 80,
            default_pool: {
              name: 'web',
              protocol: 'HTTP',
              lb_algorithm: 'ROUND_ROBIN',
              members: [{ address: '192.0.2.1', protocol_port: 8080 }],
              healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 3 },
            },
            l7policies: [{ action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'STARTS_WITH', value: '/admin' }] }],
          },
        ],
      },
    });
    expect(created).toMatchObject({ name: 'Whole shop', provisioning_status: 'PENDING_CREATE', project_id: 'team-a' });
    await hasten('whole-shop');
    const [listener] = created.listeners;
    expect(listener.l7policies[0].rules).toHaveLength(1);
    expect(created.pools[0].members[0]).toMatchObject({ address: '192.0.2.1', protocol_port: 8080 });
    await until(created.id, { provisioning_status: 'ACTIVE', operating_status: 'ONLINE', name: 'Whole shop' });
    expect((await get('whole-shop')).spec.listeners).toMatchObject([{ name: 'http', protocolPort: 80, defaultPool: 'web' }]);

    const tree = await ok(200, 'GET', `loadbalancers/${created.id}/status`);
    expect(tree.loadbalancer.listeners[0].pools[0]).toMatchObject({
      health_monitor: { type: 'HTTP' },
      members: [{ address: '192.0.2.1' }],
    });
    expect(await ok(200, 'GET', `loadbalancers/${created.id}/stats`)).toMatchObject({ active_connections: expect.any(Number) });
    expect(await ok(200, 'GET', `listeners/${listener.id}/stats`)).toMatchObject({ total_connections: expect.any(Number) });
  }, 90_000);

  test('may have a name that another has', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await ok(201, 'POST', 'loadbalancers', { loadbalancer: { name: 'twin' } })).id);
    expect(new Set(ids).size).toBe(3);
    const { body } = await as('reader', 'GET', 'loadbalancers?name=twin');
    expect(body.loadbalancers.map(({ id }: { id: string }) => id).sort()).toEqual(ids.sort());
    for (const id of ids) await ok(204, 'DELETE', `loadbalancers/${id}`);
  });

  test('is deleted with what is in it only by cascade, and is then gone', async () => {
    const listeners = [{ protocol: 'TCP', protocol_port: 443 }];
    const { id } = await ok(201, 'POST', 'loadbalancers', { loadbalancer: { name: 'brief', flavor_id: 'small', listeners } });
    await hasten('brief');
    expect(await as('writer', 'DELETE', `loadbalancers/${id}`)).toMatchObject({
      status: 400,
      body: { faultstring: expect.stringContaining('it has children') },
    });
    await ok(204, 'DELETE', `loadbalancers/${id}?cascade=true`);
    expect(await gone(id)).toBe(`Load Balancer ${id} not found.`);
  }, 90_000);

  test.each([
    [{ loadbalancer: { name: 'x', flavour: 'small' } }, 400, 'Unknown attribute for argument loadbalancer: flavour'],
    [{ name: 'x' }, 400, "Invalid input for field/attribute loadbalancer. Value: 'None'. Mandatory field missing."],
    [{ loadbalancer: { name: 'x', flavor_id: 'retired' } }, 400, 'The selected flavor is not allowed in this deployment: retired'],
    [{ loadbalancer: { name: 'x', vip_port_id: 'y' } }, 501, 'vip_port_id'],
    // Nothing of the request itself is wrong: the API server says so, field by field.
    [{ loadbalancer: { name: 'x', listeners: [{ protocol: 'TERMINATED_HTTPS', protocol_port: 443 }] } }, 400, 'container'],
  ])('%j is refused', async (body, status, words) => {
    expect(await as('writer', 'POST', 'loadbalancers', body)).toMatchObject({
      status,
      body: { faultcode: status < 500 ? 'Client' : 'Server', faultstring: expect.stringContaining(words) },
    });
  });
});

describe('the parts of a load balancer', () => {
  let lb: string;
  beforeAll(async () => {
    lb = (await ok(201, 'POST', 'loadbalancers', { loadbalancer: { name: 'parts', flavor_id: 'small' } })).id;
    await hasten('parts');
    await until(lb, { provisioning_status: 'ACTIVE' });
  }, 60_000);
  const active = () => until(lb, { provisioning_status: 'ACTIVE' });

  test('are each created, shown, listed, updated and deleted, and their ids stay', async () => {
    const listener = await ok(201, 'POST', 'listeners', {
      listener: { loadbalancer_id: lb, name: 'http', protocol: 'HTTP', protocol_port: 8080 },
    });
    const pool = await ok(201, 'POST', 'pools', {
      pool: { listener_id: listener.id, name: 'web', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' },
    });
    const member = await ok(201, 'POST', `pools/${pool.id}/members`, { member: { address: '192.0.2.7', protocol_port: 80 } });
    const monitor = await ok(201, 'POST', 'healthmonitors', {
      healthmonitor: { pool_id: pool.id, type: 'HTTP', delay: 5, timeout: 3, max_retries: 3 },
    });
    const policy = await ok(201, 'POST', 'l7policies', { l7policy: { listener_id: listener.id, action: 'REJECT', name: 'no' } });
    const rule = await ok(201, 'POST', `l7policies/${policy.id}/rules`, { rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/x' } });
    await active();

    const parts = [
      ['listeners', 'listener', listener, { connection_limit: 100 }],
      ['pools', 'pool', pool, { lb_algorithm: 'LEAST_CONNECTIONS' }],
      [`pools/${pool.id}/members`, 'member', member, { weight: 5 }],
      ['healthmonitors', 'healthmonitor', monitor, { delay: 7 }],
      ['l7policies', 'l7policy', policy, { description: 'closed' }],
      [`l7policies/${policy.id}/rules`, 'rule', rule, { value: '/y' }],
    ] as const;
    for (const [path, key, part, change] of parts) {
      expect(await ok(200, 'PUT', `${path}/${part.id}`, { [key]: change })).toMatchObject({
        id: part.id,
        ...change,
        provisioning_status: 'PENDING_UPDATE',
      });
      expect(await ok(200, 'GET', `${path}/${part.id}`)).toMatchObject({ id: part.id, ...change });
      expect((await ok(200, 'GET', path)).map(({ id }: { id: string }) => id)).toContain(part.id);
    }
    await active();
    expect(await ok(200, 'GET', `listeners/${listener.id}`)).toMatchObject({ provisioning_status: 'ACTIVE', operating_status: 'ONLINE' });
    expect((await get('parts')).spec.pools).toMatchObject([
      { name: 'web', lbAlgorithm: 'LEAST_CONNECTIONS', members: [{ address: '192.0.2.7', weight: 5 }], healthMonitor: { delay: 7 } },
    ]);

    for (const [path, , part] of parts.toReversed()) {
      await ok(204, 'DELETE', `${path}/${part.id}`);
      expect(await as('writer', 'GET', `${path}/${part.id}`)).toMatchObject({ status: 404 });
    }
    expect((await get('parts')).spec).toMatchObject({ listeners: [], pools: [] });
  }, 90_000);

  test('are found among those of all load balancers by filters', async () => {
    const one = await ok(201, 'POST', 'pools', {
      pool: { loadbalancer_id: lb, name: 'one', protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' },
    });
    expect((await ok(200, 'GET', `pools?loadbalancer_id=${lb}`)).map(({ id }: { id: string }) => id)).toEqual([one.id]);
    expect(await ok(200, 'GET', 'pools?name=nobody')).toEqual([]);
    await ok(204, 'DELETE', `pools/${one.id}`);
  });

  test('of a pool change together: those that are not named go, unless only some are to be added', async () => {
    const pool = await ok(201, 'POST', 'pools', {
      pool: { loadbalancer_id: lb, name: 'batch', protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' },
    });
    const members = (...last: number[]) => ({ members: last.map((n) => ({ address: `192.0.2.${n}`, protocol_port: 80 })) });
    const addresses = async () =>
      (await ok(200, 'GET', `pools/${pool.id}/members?sort=address`)).map(({ address }: { address: string }) => address);
    expect(await ok(202, 'PUT', `pools/${pool.id}/members`, members(1, 2))).toBeUndefined();
    await ok(202, 'PUT', `pools/${pool.id}/members?additive_only=true`, members(3));
    expect(await addresses()).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    await ok(202, 'PUT', `pools/${pool.id}/members`, members(3));
    expect(await addresses()).toEqual(['192.0.2.3']);
    await ok(204, 'DELETE', `pools/${pool.id}`);
  });

  test('that many add at the same time are all there', async () => {
    const pool = await ok(201, 'POST', 'pools', {
      pool: { loadbalancer_id: lb, name: 'busy', protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' },
    });
    const adds = Array.from({ length: 6 }, (_, i) =>
      as('writer', 'POST', `pools/${pool.id}/members`, { member: { address: `192.0.2.${i + 10}`, protocol_port: 80 } }),
    );
    expect((await Promise.all(adds)).map(({ status }) => status)).toEqual(adds.map(() => 201));
    expect(await ok(200, 'GET', `pools/${pool.id}/members`)).toHaveLength(6);
  });

  test.each([
    [
      'POST',
      (): string => 'listeners',
      (): object => ({ listener: { loadbalancer_id: lb, protocol: 'UDP', protocol_port: 1 } }),
      501,
      'protocol UDP',
    ],
    [
      'POST',
      (): string => 'listeners',
      (): object => ({ listener: { loadbalancer_id: 'x', protocol: 'TCP', protocol_port: 1 } }),
      404,
      'Load Balancer x not found.',
    ],
    [
      'POST',
      (): string => 'pools',
      (): object => ({ pool: { protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' } }),
      400,
      'Must provide at least one of: loadbalancer_id',
    ],
    [
      'POST',
      (): string => 'pools/x/members',
      (): object => ({ member: { address: '192.0.2.1', protocol_port: 80 } }),
      404,
      'Pool x not found.',
    ],
    ['GET', (): string => 'l7policies/x/rules', (): object | undefined => undefined, 404, 'L7 Policy x not found.'],
    ['PUT', (): string => 'listeners/x', (): object => ({ listener: {} }), 404, 'Listener x not found.'],
    ['DELETE', (): string => 'healthmonitors/x', (): object | undefined => undefined, 404, 'Health Monitor x not found.'],
  ] as const)('%s is refused in Octavia’s words: %#', async (method, path, body, status, words) => {
    expect(await as('writer', method, path(), body())).toMatchObject({ status, body: { faultstring: expect.stringContaining(words) } });
  });
});
