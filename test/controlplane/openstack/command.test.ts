import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conditionOf, type LoadBalancer } from '../../../src/api/index.ts';
import { type Shell, useOpenstackClients } from '../../support/openstack.ts';
import { useRest } from '../rest/setting.ts';

const clients = useOpenstackClients();
let shell: Shell;
afterAll(() => shell?.close());
const { world, kubectl, ...rest } = useRest();
beforeAll(() => {
  shell = clients.shell({ url: rest.api().url, token: rest.token('root') });
});

/** `openstack loadbalancer …` as users type it. */
const lbaas = (...args: string[]) => shell.openstack('loadbalancer', ...args);
type Row = Record<string, unknown> & { id: string };
/** The same with what it shows as data; several rows are a list. */
const told = async <T = Row>(...args: string[]): Promise<T> => JSON.parse(await lbaas(...args, '-f', 'json')) as T;
const object = async (name: string): Promise<LoadBalancer> => JSON.parse(await kubectl('get', 'lb', name, '-n', 'team-a', '-o', 'json'));
const quick = (name: string) => {
  const spec = { strategy: { settleSeconds: 0, verifySeconds: 1, drainSeconds: 0 } };
  return kubectl('patch', 'lb', name, '-n', 'team-a', '--type=merge', '-p', JSON.stringify({ spec }));
};

describe('the openstack command, unmodified', () => {
  test('lists providers, flavors and their profiles', async () => {
    const [providers, flavors, profiles] = await Promise.all(
      ['provider', 'flavor', 'flavorprofile'].map((what) => told<Row[]>(what, 'list')),
    );
    expect(providers).toEqual([{ name: 'amphora', description: expect.any(String) }]);
    expect(flavors!.map(({ name, enabled }) => `${name} ${enabled}`).sort()).toEqual([
      ...['large true', 'large-ha true', 'retired false', 'small true', 'small-ha true'],
    ]);
    expect(profiles!.map(({ name }) => name).sort()).toEqual(['large', 'large-ha', 'small', 'small-ha']);
    expect(profiles!.map(({ id }) => id)).toEqual(expect.arrayContaining(flavors!.map((flavor) => flavor.flavor_profile_id)));
  });

  test('makes a flavor of a profile of its own, disables and deletes both', async () => {
    const data = '{"loadbalancer_topology": "SINGLE"}';
    await lbaas('flavorprofile', 'create', '--name', 'medium', '--provider', 'amphora', '--flavor-data', data);
    expect(await told('flavorprofile', 'show', 'medium')).toMatchObject({ name: 'medium', provider_name: 'amphora' });
    await lbaas('flavor', 'create', '--name', 'medium', '--flavorprofile', 'medium', '--description', 'between', '--enable');
    await lbaas('flavor', 'set', '--disable', 'medium');
    expect(await told('flavor', 'show', 'medium')).toMatchObject({ name: 'medium', description: 'between', enabled: false });
    expect(await kubectl('get', 'flavor', 'medium', '-o', 'jsonpath={.spec}')).toContain('"enabled":false');
    await lbaas('flavor', 'delete', 'medium');
    await lbaas('flavorprofile', 'delete', 'medium');
    expect(await kubectl('get', 'flavors,flavorprofiles', '-o', 'name')).not.toContain('medium');
  });

  test('creates a load balancer piece by piece, each --wait until it serves', async () => {
    const lb = await told('create', '--name', 'web', '--flavor', 'small', '--vip-subnet-id', 'cluster', '--wait');
    expect(lb).toMatchObject({
      name: 'web',
      provisioning_status: 'ACTIVE',
      operating_status: 'ONLINE',
      project_id: 'team-a',
      provider: 'amphora',
    });
    await quick('web');
    const listener = await told('listener', 'create', '--name', 'http', '--protocol', 'HTTP', '--protocol-port', '80', '--wait', 'web');
    expect(listener).toMatchObject({ protocol: 'HTTP', protocol_port: 80, loadbalancers: [{ id: lb.id }], provisioning_status: 'ACTIVE' });
    const pool = await told(
      'pool',
      'create',
      '--name',
      'shop',
      '--lb-algorithm',
      'ROUND_ROBIN',
      '--listener',
      'http',
      '--protocol',
      'HTTP',
      '--wait',
    );
    expect(pool).toMatchObject({ listeners: [{ id: listener.id }], lb_algorithm: 'ROUND_ROBIN' });
    const member = await told('member', 'create', '--name', 'one', '--address', '192.0.2.1', '--protocol-port', '80', '--wait', 'shop');
    expect(member).toMatchObject({ name: 'one', address: '192.0.2.1', weight: 1 });
    const timing = ['--delay', '5', '--timeout', '2', '--max-retries', '2'];
    const monitor = await told(
      'healthmonitor',
      'create',
      '--name',
      'alive',
      ...timing,
      '--type',
      'HTTP',
      '--url-path',
      '/health',
      '--wait',
      'shop',
    );
    expect(monitor).toMatchObject({ pools: [{ id: pool.id }], type: 'HTTP', delay: 5, url_path: '/health' });
    const policy = await told(
      'l7policy',
      'create',
      '--name',
      'docs',
      '--action',
      'REDIRECT_TO_URL',
      '--redirect-url',
      'http://docs.example.org/',
      '--wait',
      'http',
    );
    expect(policy).toMatchObject({ listener_id: listener.id, action: 'REDIRECT_TO_URL', position: 1 });
    const rule = await told('l7rule', 'create', '--compare-type', 'STARTS_WITH', '--type', 'PATH', '--value', '/docs', '--wait', 'docs');
    expect(rule).toMatchObject({ compare_type: 'STARTS_WITH', value: '/docs' });

    expect((await object('web')).spec).toMatchObject({
      flavorId: 'small',
      listeners: [{ name: 'http', protocolPort: 80, defaultPool: 'shop', l7Policies: [{ name: 'docs', rules: [{ value: '/docs' }] }] }],
      pools: [{ name: 'shop', members: [{ address: '192.0.2.1', protocolPort: 80 }], healthMonitor: { urlPath: '/health' } }],
    });
  }, 180_000);

  test('lists, changes and shows each part', async () => {
    const names = async (...args: string[]) => (await told<Row[]>(...args)).map(({ name }) => name);
    const lists = [
      ['list'],
      ['listener', 'list'],
      ['pool', 'list'],
      ['member', 'list', 'shop'],
      ['healthmonitor', 'list'],
      ['l7policy', 'list'],
    ];
    expect(await Promise.all(lists.map((args) => names(...args)))).toEqual([['web'], ['http'], ['shop'], ['one'], ['alive'], ['docs']]);
    const [rule] = await told<Row[]>('l7rule', 'list', 'docs');

    /** The part, what is set, and what its show then has. */
    const changes: [string[], string[], Record<string, unknown>, string[]][] = [
      [[], ['--description', 'the shop'], { description: 'the shop' }, ['web']],
      [['listener'], ['--connection-limit', '100'], { connection_limit: 100 }, ['http']],
      [['pool'], ['--lb-algorithm', 'LEAST_CONNECTIONS'], { lb_algorithm: 'LEAST_CONNECTIONS' }, ['shop']],
      [['member'], ['--weight', '7'], { weight: 7 }, ['shop', 'one']],
      [['healthmonitor'], ['--delay', '9'], { delay: 9 }, ['alive']],
      [['l7policy'], ['--description', 'moved'], { description: 'moved' }, ['docs']],
      [['l7rule'], ['--value', '/help'], { value: '/help' }, ['docs', rule!.id]],
    ];
    for (const [kind, flags, , which] of changes) await lbaas(...kind, 'set', ...flags, '--wait', ...which);
    const shown = await Promise.all(changes.map(([kind, , , which]) => told(...kind, 'show', ...which)));
    expect(shown).toMatchObject(changes.map(([, , values]) => ({ ...values, provisioning_status: 'ACTIVE' })));
  }, 240_000);

  test('shows statuses and statistics', async () => {
    const { loadbalancer } = JSON.parse(await lbaas('status', 'show', 'web'));
    expect(loadbalancer.listeners[0].pools[0]).toMatchObject({
      name: 'shop',
      health_monitor: { name: 'alive' },
      members: [{ name: 'one' }],
    });
    const counted = { active_connections: expect.any(Number), total_connections: expect.any(Number) };
    expect(await told('stats', 'show', 'web')).toMatchObject(counted);
    const [amphora] = await told<Row[]>('amphora', 'list', '--loadbalancer', loadbalancer.id);
    expect(await told('amphora', 'stats', 'show', amphora!.id)).toMatchObject(counted);
  });

  test('fails over, and --wait ends with other amphorae', async () => {
    const { id } = await told('show', 'web');
    const amphorae = () => told<Row[]>('amphora', 'list', '--loadbalancer', id);
    const [before] = await amphorae();
    expect(before).toMatchObject({ loadbalancer_id: id, status: 'ALLOCATED', role: 'STANDALONE' });
    await lbaas('failover', '--wait', 'web');
    expect((await object('web')).status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
    // The old one may still be going.
    const [after, ...others] = (await amphorae()).filter(({ status }) => status === 'ALLOCATED');
    expect(others).toEqual([]);
    expect(after!.id).not.toBe(before!.id);
    expect(await told('amphora', 'show', after!.id)).toMatchObject({ id: after!.id, loadbalancer_id: id });
  }, 120_000);

  test('with the package of clients/openstack resizes, and --wait ends with the flavor in force', async () => {
    expect(await lbaas('resize', '--flavor', 'large', '--wait', 'web')).toBe('');
    expect((await object('web')).status).toMatchObject({ flavorId: 'large', operation: { kind: 'Resize', result: 'Succeeded' } });
    const { flavor_id } = await told('show', 'web');
    expect(await told('flavor', 'show', flavor_id as string)).toMatchObject({ name: 'large' });
  }, 120_000);

  test('takes ids of flavor and load balancer as well as names', async () => {
    const [{ id: web }, { id: small }, { id: large }] = await Promise.all([
      told('show', 'web'),
      told('flavor', 'show', 'small'),
      told('flavor', 'show', 'large'),
    ]);
    await lbaas('resize', '--flavor', small, '--wait', web);
    expect((await object('web')).status?.flavorId).toBe('small');
    await lbaas('resize', '--flavor', large, '--wait', web);
    expect((await object('web')).status?.flavorId).toBe('large');
  }, 120_000);

  test('is told in words why a resize is refused, and that one failed', async () => {
    await expect(lbaas('resize', '--flavor', 'retired', 'web')).rejects.toThrow(/retired.*disabled.*large stays in force.*\(HTTP 400\)/s);
    await expect(lbaas('resize', '--flavor', 'small-ha', 'web')).rejects.toThrow(/topology ACTIVE_STANDBY.*\(HTTP 400\)/s);
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image 9.9' }, { flavorId: 'small' });
    await expect(lbaas('resize', '--flavor', 'small', '--wait', 'web')).rejects.toThrow('The resize to flavor small failed');
    expect(conditionOf((await object('web')).status?.conditions, 'Ready')?.message).toContain('there is no image 9.9');
    world.faults.clear();
    // The same again is a retry.
    await lbaas('resize', '--flavor', 'small', '--wait', 'web');
    expect((await object('web')).status).toMatchObject({ flavorId: 'small', operation: { attempt: 2 } });
  }, 180_000);

  test('where Git owns the flavor is told who, and does it with --force', async () => {
    const git = {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'LoadBalancer',
      metadata: { name: 'web', namespace: 'team-a' },
      spec: { flavorId: 'small' },
    };
    const flags = ['--server-side', '--field-manager=kustomize-controller', '--force-conflicts'];
    await rest.controlPlane.kubectl(['apply', ...flags, '-f', '-'], { input: JSON.stringify(git) });

    await expect(lbaas('resize', '--flavor', 'large', 'web')).rejects.toThrow(/belongs to kustomize-controller.*\(HTTP 409\)/s);
    expect((await object('web')).spec.flavorId).toBe('small');
    await lbaas('resize', '--flavor', 'large', '--force', '--wait', 'web');
    expect((await object('web')).status?.flavorId).toBe('large');
  }, 120_000);

  test('deletes parts, and the load balancer with what is left', async () => {
    const [rule] = await told<Row[]>('l7rule', 'list', 'docs');
    await lbaas('l7rule', 'delete', '--wait', 'docs', rule!.id);
    await lbaas('l7policy', 'delete', '--wait', 'docs');
    await lbaas('healthmonitor', 'delete', '--wait', 'alive');
    await lbaas('member', 'delete', '--wait', 'shop', 'one');
    expect((await object('web')).spec.pools?.[0]).toEqual(expect.not.objectContaining({ healthMonitor: expect.anything() }));
    await expect(lbaas('delete', 'web')).rejects.toThrow(/\(HTTP 400\)/);
    await lbaas('delete', '--cascade', '--wait', 'web');
    expect(await told<Row[]>('list')).toEqual([]);
    expect(await kubectl('get', 'lb,amp', '-A', '-o', 'name')).toBe('');
  }, 180_000);

  test('with a token that is nobody’s is turned away', async () => {
    await expect(clients.openstack({ url: rest.api().url, token: 'nonsense' }, 'loadbalancer', 'list')).rejects.toThrow(/HTTP 401/);
  });
});
