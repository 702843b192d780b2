import { describe, expect, test } from '@jest/globals';
import { active, created, fault, listener, pool, treeOf, UID } from '../../../test/support/octavia-scene.ts';
import type { LoadBalancer } from '../../api/index.ts';
import { parseBody } from './body.ts';
import { createListener, deleteListener, ListenerCreate, ListenerUpdate, updateListener } from './listener.ts';

const web = () =>
  active(created({ listeners: [listener({ default_pool: { name: 'app' } })], pools: [pool(), pool({ name: 'tcp', protocol: 'TCP' })] }));
const idOf = (lb: LoadBalancer, name: string) => [...treeOf(lb).listeners, ...treeOf(lb).pools].find((child) => child.name === name)!.id;
const create = (lb: LoadBalancer, fields: object) =>
  createListener(lb, parseBody(ListenerCreate, listener({ protocol_port: 8080, loadbalancer_id: UID, ...fields })));
const update = (lb: LoadBalancer, body: object) => updateListener(lb, treeOf(lb).listeners[0]!.id, parseBody(ListenerUpdate, body));
const shown = (lb: LoadBalancer, id: string) => treeOf(lb).listeners.find((one) => one.id === id)!;
const tls = { protocol: 'TERMINATED_HTTPS', default_tls_container_ref: 'cert' };

describe('createListener', () => {
  test('a name that another listener has, or none, makes no conflict: both are shown as given, and keyed apart', () => {
    const first = create(web(), { name: 'web' });
    const second = create(first.loadBalancer, { name: undefined, protocol_port: 8081 });
    const third = create(second.loadBalancer, { name: 'Wëb shop!', protocol_port: 8082 });
    expect(third.loadBalancer.spec.listeners!.map(({ name }) => name)).toEqual(['web', 'web-2', 'listener-8081', 'web-shop']);
    expect(treeOf(third.loadBalancer).listeners.map(({ name }) => name)).toEqual(['web', 'web', '', 'Wëb shop!']);
    expect(new Set(treeOf(third.loadBalancer).listeners.map(({ id }) => id)).size).toBe(4);
  });

  test('makes its default pool and its policies in the same call', () => {
    const { loadBalancer, id } = create(web(), {
      default_pool: pool({ name: 'new', members: [{ address: '10.0.0.1', protocol_port: 80 }] }),
      l7policies: [{ action: 'REJECT', rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/x' }] }],
    });
    expect(shown(loadBalancer, id)).toMatchObject({
      default_pool_id: idOf(loadBalancer, 'new'),
      l7policies: [{ rules: [{ value: '/x' }] }],
    });
  });

  test.each([
    [
      'a port that is taken',
      { protocol_port: 80 },
      409,
      'Another Listener on this Load Balancer is already using protocol HTTP and protocol_port 80',
    ],
    ['a port of the operator’s', { protocol_port: 61_026 }, 400, 'Ports 61025 to 61028'],
    [
      'a port that is none',
      { protocol_port: 70_000 },
      400,
      "field/attribute protocol_port. Value: '70000'. Value should be lower or equal to 65535.",
    ],
    ['no protocol', { protocol: undefined }, 400, "field/attribute protocol. Value: 'None'. Mandatory field missing."],
    ['a protocol that is none', { protocol: 'FTP' }, 400, 'Value should be one of: HTTP, HTTPS, TERMINATED_HTTPS, TCP'],
    ['UDP', { protocol: 'UDP' }, 501, "Provider 'amphora' does not support a requested option: protocol UDP"],
    ['SCTP', { protocol: 'SCTP' }, 501, 'Use TCP, HTTP, HTTPS or TERMINATED_HTTPS'],
    ['PROMETHEUS', { protocol: 'PROMETHEUS' }, 501, 'protocol PROMETHEUS'],
    ['a limit of no connection', { connection_limit: 0 }, 400, 'Value should be -1 (as many as the flavor allows) or at least 1.'],
    ['a network that is none', { allowed_cidrs: ['10.0.0.0/40'] }, 400, "field/attribute allowed_cidrs. Value: '10.0.0.0/40'"],
    [
      'a header that is unknown',
      { insert_headers: { 'X-Real-IP': 'true' } },
      400,
      'X-Real-IP is not a valid option for insert_headers. Use X-Forwarded-For,',
    ],
    ['a header with another value', { insert_headers: { 'X-Forwarded-For': 'maybe' } }, 400, 'Value should be one of: true, false.'],
    [
      'headers of TLS without it',
      { insert_headers: { 'X-SSL-Issuer': 'true' } },
      400,
      'X-SSL-Issuer is not a valid option for HTTP protocol listener.',
    ],
    [
      'headers without HTTP',
      { protocol: 'TCP', insert_headers: { 'X-Forwarded-For': 'true' } },
      400,
      'insert-headers is not a valid option for a TCP protocol listener.',
    ],
    [
      'a certificate without TLS',
      { default_tls_container_ref: 'cert' },
      400,
      'Certificate container references are not allowed on HTTP protocol listeners.',
    ],
    ['HSTS without TLS', { hsts_max_age: 1 }, 400, 'The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.'],
    [
      'ciphers without TLS',
      { tls_ciphers: 'HIGH' },
      400,
      'tls_ciphers belongs to listeners of protocol TERMINATED_HTTPS, this one has HTTP: leave it out.',
    ],
    ['TLS without a certificate', { protocol: 'TERMINATED_HTTPS' }, 400, 'set default_tls_container_ref to the name of a Secret'],
    [
      'TLS with SNI alone',
      { protocol: 'TERMINATED_HTTPS', sni_container_refs: ['a'] },
      400,
      'default_tls_container_ref must be given beside sni_container_refs',
    ],
    [
      'a reference to Barbican',
      { ...tls, default_tls_container_ref: 'https://barbican/v1/containers/1' },
      400,
      'Value should be the name of a Secret of the same namespace.',
    ],
    [
      'client authentication without an authority',
      { ...tls, client_authentication: 'MANDATORY' },
      400,
      'Client authentication setting MANDATORY requires a client CA',
    ],
    [
      'a revocation list without an authority',
      { ...tls, client_crl_container_ref: 'crl' },
      400,
      'A client authentication CA reference is required',
    ],
    ['SSLv3', { ...tls, tls_versions: ['SSLv3'] }, 501, 'Use TLSv1.2 or TLSv1.3.'],
    ['no version of TLS', { ...tls, tls_versions: [] }, 400, 'Empty TLS version list.'],
    ['ciphers that are none', { ...tls, tls_ciphers: 'a b' }, 400, 'Value should be a list of ciphers as OpenSSL has it'],
    ['HSTS of subdomains alone', { ...tls, hsts_preload: true }, 400, 'only make sense if hsts_max_age is set as well.'],
    ['a pool that is not there', { default_pool_id: UID }, 404, `Pool ${UID} not found.`],
    ['a pool that is only named', { default_pool: { name: 'app' } }, 400, "Pool 'app' was referenced but no full definition was found."],
    [
      'policies without HTTP',
      { protocol: 'TCP', l7policies: [{ action: 'REJECT' }] },
      400,
      'L7 policies belong to listeners of protocol HTTP and TERMINATED_HTTPS, this one has TCP.',
    ],
    ['an attribute that is unknown', { colour: 'red' }, 400, 'Unknown attribute for argument body: colour'],
  ])('%s is refused', (_, fields, status, words) => {
    const loadBalancer = web();
    expect(() => create(loadBalancer, fields)).toThrow(fault(status, words));
  });

  test('a pool whose protocol it can’t send to is refused, and the fault says which it could', () => {
    const loadBalancer = web();
    expect(() => create(loadBalancer, { default_pool_id: idOf(loadBalancer, 'tcp') })).toThrow(
      fault(400, "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'. Use a pool of protocol HTTP, PROXY, PROXYV2."),
    );
    expect(
      create(loadBalancer, { protocol: 'HTTPS', default_pool_id: idOf(loadBalancer, 'tcp') }).loadBalancer.spec.listeners,
    ).toHaveLength(2);
  });

  test('an address alone is a network of one, and headers are on or off in any case', () => {
    const { loadBalancer, id } = create(web(), {
      allowed_cidrs: ['192.0.2.1', '2001:db8::1'],
      insert_headers: { 'X-Forwarded-For': 'TRUE', 'X-Forwarded-Port': 'False' },
    });
    expect(shown(loadBalancer, id)).toMatchObject({
      allowed_cidrs: ['192.0.2.1/32', '2001:db8::1/128'],
      insert_headers: { 'X-Forwarded-For': 'true', 'X-Forwarded-Port': 'false' },
    });
  });
});

describe('updateListener', () => {
  test('leaves what the body does not name, and the id when the name changes', () => {
    const before = web();
    const after = update(before, { name: 'Shop', timeout_client_data: '1000', tags: ['a'] });
    expect(treeOf(after).listeners[0]).toEqual({ ...treeOf(before).listeners[0]!, name: 'Shop', timeout_client_data: 1000, tags: ['a'] });
    expect(after.spec.listeners![0]!.name).toBe('web');
    expect(treeOf(update(after, { name: 'web' })).listeners[0]).toMatchObject({ name: 'web', tags: ['a'] });
  });

  test('null resets to the default, and takes the default pool away', () => {
    const changed = update(web(), {
      description: 'x',
      connection_limit: 7,
      timeout_member_data: 1,
      allowed_cidrs: ['10.0.0.0/8'],
      insert_headers: { 'X-Forwarded-For': 'true' },
    });
    const reset = {
      description: null,
      connection_limit: null,
      timeout_member_data: null,
      allowed_cidrs: null,
      insert_headers: null,
      default_pool_id: null,
      name: null,
      admin_state_up: null,
    };
    expect(treeOf(update(changed, reset)).listeners[0]).toMatchObject({
      name: '',
      description: '',
      connection_limit: -1,
      timeout_member_data: 50_000,
      allowed_cidrs: null,
      insert_headers: {},
      default_pool_id: null,
      admin_state_up: false,
    });
  });

  test('TLS is changed field by field, and its certificate can’t be taken away', () => {
    const { loadBalancer, id } = create(web(), {
      ...tls,
      client_ca_tls_container_ref: 'ca',
      client_authentication: 'OPTIONAL',
      tls_versions: ['TLSv1.3'],
      sni_container_refs: ['b'],
    });
    const change = (body: object) => shown(updateListener(loadBalancer, id, parseBody(ListenerUpdate, body)), id);
    expect(change({ default_tls_container_ref: 'new', tls_versions: null, sni_container_refs: [], hsts_max_age: 60 })).toMatchObject({
      default_tls_container_ref: 'new',
      sni_container_refs: [],
      tls_versions: ['TLSv1.2', 'TLSv1.3'],
      alpn_protocols: ['h2', 'http/1.1'],
      client_authentication: 'OPTIONAL',
      hsts_max_age: 60,
    });
    expect(() => change({ default_tls_container_ref: null, sni_container_refs: null })).toThrow(
      fault(400, 'An SNI or default certificate container reference must be provided'),
    );
    expect(() => change({ client_ca_tls_container_ref: null })).toThrow(fault(400, 'requires a client CA container reference'));
  });

  test('protocol and port are not changed, and a body that changes nothing gives the very same object', () => {
    const loadBalancer = web();
    expect(() => update(loadBalancer, { protocol_port: 81 })).toThrow(fault(400, 'Unknown attribute for argument body: protocol_port'));
    expect(update(loadBalancer, { name: 'web', connection_limit: -1 })).toBe(loadBalancer);
    expect(update(loadBalancer, {})).toBe(loadBalancer);
  });

  test('nothing is changed of a load balancer that is being deleted, nor where there is no such listener', () => {
    const loadBalancer = web();
    expect(() => updateListener(loadBalancer, UID, {})).toThrow(fault(404, `Listener ${UID} not found.`));
    loadBalancer.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(() => update(loadBalancer, {})).toThrow(fault(409, `Load Balancer ${UID} is immutable and cannot be updated.`));
  });
});

describe('deleteListener', () => {
  test('takes its policies along and leaves the pools; what was noted of it is forgotten', () => {
    const { loadBalancer, id } = create(web(), { name: 'Other', tags: ['a'], l7policies: [{ name: 'P!', action: 'REJECT' }] });
    expect(loadBalancer.metadata.annotations).toMatchObject({ 'reflavor.dev/octavia': expect.stringContaining('P!') });
    const after = deleteListener(loadBalancer, id);
    expect(treeOf(after).listeners.map(({ name }) => name)).toEqual(['web']);
    expect(after.spec.pools).toEqual(loadBalancer.spec.pools);
    expect(after.metadata.annotations).toEqual({});
  });
});
