import { describe, expect, test } from '@jest/globals';
import { active, created, fault, listener, pool, treeOf, UID } from '../../../test/support/octavia-scene.ts';
import type { LoadBalancer } from '../../api/index.ts';
import { parseBody } from './body.ts';
import {
  createHealthMonitor,
  deleteHealthMonitor,
  HealthMonitorCreate,
  HealthMonitorUpdate,
  updateHealthMonitor,
} from './healthmonitor.ts';
import { createMember, deleteMember, MemberCreate, MemberUpdate, replaceMembers, updateMember } from './member.ts';
import { createPool, deletePool, PoolCreate, PoolUpdate, updatePool } from './pool.ts';

const member = (fields: object = {}) => ({ address: '10.0.0.1', protocol_port: 80, ...fields });
const app = (fields: object = {}) =>
  active(
    created({
      listeners: [listener({ default_pool: { name: 'app' } }), listener({ name: 'free', protocol_port: 81 })],
      pools: [pool({ members: [member()], ...fields })],
    }),
  );
const first = (lb: LoadBalancer) => treeOf(lb).pools[0]!;
const create = (lb: LoadBalancer, fields: object) => createPool(lb, parseBody(PoolCreate, pool({ loadbalancer_id: UID, ...fields })));
const update = (lb: LoadBalancer, body: object) => updatePool(lb, first(lb).id, parseBody(PoolUpdate, body));

describe('createPool', () => {
  test('a pool made for a listener becomes its default pool, once', () => {
    const lb = app();
    const [web, free] = treeOf(lb).listeners;
    const { loadBalancer, id } = create(lb, { name: 'new', loadbalancer_id: undefined, listener_id: free!.id });
    expect(treeOf(loadBalancer).listeners[1]!.default_pool_id).toBe(id);
    expect(treeOf(loadBalancer).pools[1]).toMatchObject({ name: 'new', listeners: [{ id: free!.id }] });
    expect(() => create(lb, { listener_id: web!.id })).toThrow(fault(409, 'This listener already has a default pool'));
    expect(() => create(lb, { listener_id: free!.id, protocol: 'TCP' })).toThrow(fault(400, "The pool protocol 'TCP' is invalid"));
  });

  test.each([
    [
      'neither load balancer nor listener',
      { loadbalancer_id: undefined },
      400,
      'Must provide at least one of: loadbalancer_id, listener_id',
    ],
    ['no algorithm', { lb_algorithm: undefined }, 400, "field/attribute lb_algorithm. Value: 'None'. Mandatory field missing."],
    ['SOURCE_IP_PORT', { lb_algorithm: 'SOURCE_IP_PORT' }, 501, 'lb_algorithm SOURCE_IP_PORT. Use SOURCE_IP.'],
    ['UDP', { protocol: 'UDP' }, 501, 'protocol UDP: HAProxy does not speak it.'],
    [
      'a cookie without HTTP',
      { protocol: 'TCP', session_persistence: { type: 'HTTP_COOKIE' } },
      400,
      'needs a pool of protocol HTTP, this one has TCP. Use SOURCE_IP.',
    ],
    [
      'the application’s cookie without its name',
      { session_persistence: { type: 'APP_COOKIE' } },
      400,
      'Field "cookie_name" must be specified',
    ],
    [
      'a cookie’s name for another type',
      { session_persistence: { type: 'SOURCE_IP', cookie_name: 'a' } },
      400,
      'Field "cookie_name" can only be specified',
    ],
    [
      'a cookie’s name that is none',
      { session_persistence: { type: 'APP_COOKIE', cookie_name: 'a b' } },
      400,
      "field/attribute cookie_name. Value: 'a b'. Value should be a token",
    ],
    [
      'what UDP alone has',
      { session_persistence: { type: 'SOURCE_IP', persistence_timeout: 1 } },
      400,
      'is only for UDP and SCTP protocol pools.',
    ],
    [
      'a revocation list without an authority',
      { crl_container_ref: 'crl' },
      400,
      'A CA certificate reference is required to specify a revocation list.',
    ],
    [
      'a member twice',
      { members: [member(), member()] },
      409,
      'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80',
    ],
    [
      'a health monitor of pings',
      { healthmonitor: { type: 'PING', delay: 5, timeout: 3, max_retries: 3 } },
      501,
      'type PING: an amphora may send no ICMP',
    ],
  ])('%s is refused', (_, fields, status, words) => {
    const lb = app();
    expect(() => create(lb, fields)).toThrow(fault(status, words));
  });

  test('there are at most 64, as the fault says in the words of a quota', () => {
    let lb = app();
    while (lb.spec.pools!.length < 64) lb = create(lb, {}).loadBalancer;
    expect(() => create(lb, {})).toThrow(fault(403, 'Quota has been met for resources: Pool. There can be at most 64 in a load balancer.'));
  });
});

describe('updatePool', () => {
  test('session persistence is changed in part, replaced, and taken away', () => {
    const lb = app({ session_persistence: { type: 'APP_COOKIE', cookie_name: 'a' } });
    const persistence = (body: unknown) => first(update(lb, { session_persistence: body })).session_persistence;
    expect(persistence({ cookie_name: 'b' })).toMatchObject({ type: 'APP_COOKIE', cookie_name: 'b' });
    expect(persistence({ type: 'SOURCE_IP' })).toMatchObject({ type: 'SOURCE_IP', cookie_name: null });
    expect(persistence(null)).toBeNull();
    expect(() => persistence({ cookie_name: null })).toThrow(fault(400, 'Field "cookie_name" must be specified'));
  });

  test('TLS to the members is switched on and off, and its settings stay meanwhile', () => {
    const on = update(app(), { tls_enabled: true, ca_tls_container_ref: 'ca' });
    expect(first(on)).toMatchObject({ tls_enabled: true, ca_tls_container_ref: 'ca', tls_versions: ['TLSv1.2', 'TLSv1.3'] });
    const off = update(on, { tls_enabled: false });
    expect(first(off)).toMatchObject({ tls_enabled: false, ca_tls_container_ref: 'ca' });
    expect(update(off, { ca_tls_container_ref: null }).spec.pools![0]).not.toHaveProperty('tls');
  });

  test('the protocol is not changed', () => {
    const lb = app();
    expect(() => update(lb, { protocol: 'TCP' })).toThrow(fault(400, 'Unknown attribute for argument body: protocol'));
  });
});

describe('deletePool', () => {
  test('a listener whose default pool it is goes on without one', () => {
    const lb = app();
    const after = deletePool(lb, first(lb).id);
    expect(treeOf(after)).toMatchObject({ pools: [], listeners: [{ default_pool_id: null }, {}] });
  });

  test('one that an L7 policy sends to is refused', () => {
    const lb = created({ listeners: [listener({ l7policies: [{ action: 'REDIRECT_TO_POOL', redirect_pool: pool() }] })] });
    const policy = treeOf(lb).listeners[0]!.l7policies[0]!;
    expect(() => deletePool(lb, first(lb).id)).toThrow(fault(409, `Pool ${first(lb).id} is in use by L7 policy ${policy.id}`));
  });
});

describe('members', () => {
  const add = (lb: LoadBalancer, fields: object) => createMember(lb, first(lb).id, parseBody(MemberCreate, member(fields)));

  test.each([
    ['one that is there', {}, 409, 'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80'],
    [
      'a name in place of an address',
      { address: 'example.org' },
      400,
      "field/attribute address. Value: 'example.org'. Value should be IPv4 or IPv6 format.",
    ],
    ['no one’s address', { address: '0.0.0.0' }, 400, '0.0.0.0 is not a valid option for member address'],
    ['a group’s address', { address: 'ff02::1' }, 400, 'it must be the address of one host'],
    ['a group’s address to check', { address: '10.0.0.2', monitor_address: '224.0.0.1' }, 400, 'it must be the address of one host'],
    ['too much weight', { weight: 257 }, 400, 'Value should be lower or equal to 256'],
    ['a subnet', { address: '10.0.0.2', subnet_id: UID }, 501, 'subnet_id'],
    ['SR-IOV', { address: '10.0.0.2', request_sriov: true }, 400, 'does not allow SR-IOV member ports'],
  ])('%s is refused', (_, fields, status, words) => {
    const lb = app();
    expect(() => add(lb, fields)).toThrow(fault(status, words));
  });

  test('an IPv6 address is the same however it is written', () => {
    const { loadBalancer, id } = add(app(), { address: '2001:db8:0::1' });
    expect(() => add(loadBalancer, { address: '2001:DB8::1' })).toThrow(fault(409, 'Another member on this pool'));
    expect(first(loadBalancer).members[1]).toMatchObject({ id, address: '2001:db8:0::1' });
  });

  test('are changed and deleted by id, and keep it', () => {
    const lb = app();
    const { id } = first(lb).members[0]!;
    const change = (body: object) => updateMember(lb, first(lb).id, id, parseBody(MemberUpdate, body));
    const after = change({ name: 'a', weight: 0, backup: true, monitor_port: 81, tags: ['x'] });
    expect(first(after).members).toMatchObject([
      { id, name: 'a', weight: 0, backup: true, monitor_port: 81, tags: ['x'], address: '10.0.0.1' },
    ]);
    const reset = parseBody(MemberUpdate, { weight: null, backup: null, monitor_port: null, name: null });
    expect(first(updateMember(after, first(lb).id, id, reset)).members[0]).toMatchObject({
      weight: 1,
      backup: false,
      monitor_port: null,
      name: '',
    });
    expect(first(deleteMember(lb, first(lb).id, id)).members).toEqual([]);
    expect(() => change({ address: '10.0.0.2' })).toThrow(fault(400, 'Unknown attribute for argument body: address'));
    expect(() => deleteMember(lb, first(lb).id, UID)).toThrow(fault(404, `Member ${UID} not found.`));
  });

  test('are replaced all at once, or added to, and those that stay keep id, name and tags', () => {
    const lb = app({ members: [member({ name: 'a', tags: ['x'], weight: 9 }), member({ protocol_port: 81 })] });
    const [kept] = first(lb).members;
    const replace = (bodies: object[], additiveOnly = false) =>
      first(
        replaceMembers(
          lb,
          first(lb).id,
          bodies.map((body) => parseBody(MemberCreate, body)),
          { additiveOnly },
        ),
      ).members;
    const replaced = replace([member({ protocol_port: 82 }), member({ backup: true })]);
    expect(replaced.map(({ protocol_port }) => protocol_port)).toEqual([80, 82]);
    expect(replaced[0]).toEqual({ ...kept, weight: 1, backup: true });
    expect(replace([member({ protocol_port: 82 })], true).map(({ protocol_port }) => protocol_port)).toEqual([80, 81, 82]);
    expect(replace([])).toEqual([]);
    expect(() => replace([member(), member()])).toThrow(fault(400, 'Member must be updated only once in the same request.'));
    expect(() => replace([member({ protocol_port: 9 }), member({ protocol_port: 9 })])).toThrow(fault(409, 'Another member on this pool'));
  });

  test('of a pool that has the endpoints of a Service are that Service’s to change', () => {
    const lb = app({ members: [] });
    lb.spec.pools![0]!.service = { name: 'backend', port: 80 };
    expect(() => add(lb, {})).toThrow(fault(409, 'its members are the endpoints of Service backend. Change that'));
  });
});

describe('health monitors', () => {
  const http = { type: 'HTTP', delay: '5', timeout: '3', max_retries: 2 };
  const add = (lb: LoadBalancer, fields: object) =>
    createHealthMonitor(lb, parseBody(HealthMonitorCreate, { ...http, pool_id: first(lb).id, ...fields }));

  test('have Octavia’s defaults, and take numbers as the openstack command writes them', () => {
    const { loadBalancer, id } = add(app(), { expected_codes: '200, 202' });
    expect(first(loadBalancer).healthmonitor).toMatchObject({
      id,
      name: '',
      type: 'HTTP',
      delay: 5,
      timeout: 3,
      max_retries: 2,
      max_retries_down: 3,
      http_method: 'GET',
      url_path: '/',
      expected_codes: '200,202',
      http_version: 1,
      domain_name: null,
    });
  });

  test('of TCP show nothing of HTTP', () => {
    expect(first(add(app(), { type: 'TCP' }).loadBalancer).healthmonitor).toMatchObject({
      type: 'TCP',
      http_method: null,
      url_path: null,
      expected_codes: null,
      http_version: null,
    });
  });

  test.each([
    ['a second one', { pool: { healthmonitor: http } }, 409, 'This pool already has a health monitor'],
    ['UDP-CONNECT', { type: 'UDP-CONNECT' }, 501, 'Use a health monitor of type HTTP, HTTPS, TCP or TLS-HELLO.'],
    ['a path for TCP', { type: 'TCP', url_path: '/' }, 400, 'url_path is not a valid option for health monitors of type TCP'],
    ['a time-out longer than the delay', { timeout: 6 }, 400, 'timeout 6 must not be longer than delay 5: lower timeout, or raise delay.'],
    ['no delay at all', { delay: 0 }, 400, "field/attribute delay. Value: '0'. Value should be greater or equal to 1."],
    ['a delay that is no number', { delay: 'soon' }, 400, "field/attribute delay. Value: 'soon'. Value should be an integer."],
    ['a domain without a version', { domain_name: 'a.example' }, 400, "'http_version' must be specified when 'domain_name' is provided."],
    [
      'a domain with HTTP 1.0',
      { domain_name: 'a.example', http_version: 1.0 },
      400,
      'http_version 1.0 is not a valid option for health monitors HTTP 1.1',
    ],
    ['a version that is none', { http_version: 2 }, 400, 'Value should be one of: 1.0, 1.1.'],
    ['a path that is none', { url_path: 'healthz' }, 400, 'Value must be a valid URL Path string'],
    ['codes that are none', { expected_codes: '2xx' }, 400, 'Value should be one code from 100 to 599, a list'],
  ])('%s is refused', (_, { pool: fields, ...body }: { pool?: object } & object, status, words) => {
    const lb = app(fields);
    expect(() => add(lb, body)).toThrow(fault(status, words));
  });

  test('are changed and deleted by id', () => {
    const lb = app({ healthmonitor: { ...http, http_version: 1.1, domain_name: 'a.example' } });
    const { id } = first(lb).healthmonitor!;
    const change = (body: object) => updateHealthMonitor(lb, id, parseBody(HealthMonitorUpdate, body));
    expect(first(change({ name: 'check', delay: 60, http_method: null, expected_codes: '204', tags: ['a'] })).healthmonitor).toMatchObject({
      id,
      name: 'check',
      delay: 60,
      http_method: 'GET',
      expected_codes: '204',
      domain_name: 'a.example',
      tags: ['a'],
    });
    expect(() => change({ delay: null })).toThrow(fault(400, 'None is not a valid option for delay'));
    expect(() => change({ http_version: null })).toThrow(fault(400, 'http_version 1.0 is not a valid option'));
    expect(() => change({ type: 'TCP' })).toThrow(fault(400, 'Unknown attribute for argument body: type'));
    expect(first(deleteHealthMonitor(lb, id)).healthmonitor).toBeNull();
    expect(() => deleteHealthMonitor(lb, UID)).toThrow(fault(404, `Health Monitor ${UID} not found.`));
  });
});
