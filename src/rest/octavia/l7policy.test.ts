import { describe, expect, test } from '@jest/globals';
import { active, created, fault, listener, pool, treeOf, UID } from '../../../test/support/octavia-scene.ts';
import type { LoadBalancer } from '../../api/index.ts';
import { parseBody } from './body.ts';
import { createL7Policy, deleteL7Policy, L7PolicyCreate, L7PolicyUpdate, updateL7Policy } from './l7policy.ts';
import { createL7Rule, deleteL7Rule, L7RuleCreate, L7RuleUpdate, updateL7Rule } from './l7rule.ts';

const policy = (name: string, fields: object = {}) => ({ name, action: 'REJECT', ...fields });
const web = (...l7policies: object[]) =>
  active(
    created({
      listeners: [listener({ l7policies }), listener({ name: 'tcp', protocol: 'TCP', protocol_port: 9000 })],
      pools: [pool(), pool({ name: 'tcp', protocol: 'TCP' })],
    }),
  );
const policies = (lb: LoadBalancer) => treeOf(lb).listeners[0]!.l7policies;
const order = (lb: LoadBalancer) => policies(lb).map(({ name, position }) => `${position} ${name}`);
const create = (lb: LoadBalancer, fields: object) =>
  createL7Policy(lb, parseBody(L7PolicyCreate, policy('new', { listener_id: treeOf(lb).listeners[0]!.id, ...fields })));
const update = (lb: LoadBalancer, name: string, body: object) =>
  updateL7Policy(lb, policies(lb).find((one) => one.name === name)!.id, parseBody(L7PolicyUpdate, body));

describe('positions', () => {
  test('count from 1 without gaps, whatever is asked for: the others make room, or move up', () => {
    const lb = web(policy('a'), policy('b'), policy('c'));
    expect(order(lb)).toEqual(['1 a', '2 b', '3 c']);
    expect(order(create(lb, {}).loadBalancer)).toEqual(['1 a', '2 b', '3 c', '4 new']);
    expect(order(create(lb, { position: 2 }).loadBalancer)).toEqual(['1 a', '2 new', '3 b', '4 c']);
    expect(order(create(lb, { position: 99 }).loadBalancer)).toEqual(['1 a', '2 b', '3 c', '4 new']);
    expect(order(update(lb, 'c', { position: 1 }))).toEqual(['1 c', '2 a', '3 b']);
    expect(order(update(lb, 'a', { position: 99 }))).toEqual(['1 b', '2 c', '3 a']);
    expect(order(deleteL7Policy(lb, policies(lb)[0]!.id))).toEqual(['1 b', '2 c']);
  });

  test('that were written otherwise, as in a manifest, are shown by rank, and keep their order when one is inserted', () => {
    const lb = web(policy('b'), policy('a'), policy('c'));
    for (const [i, one] of lb.spec.listeners![0]!.l7Policies!.entries()) one.position = [2_147_483_647, 2_147_483_647, 10][i]!;
    expect(order(lb)).toEqual(['1 c', '2 a', '3 b']);
    expect(update(lb, 'c', { position: 1 })).toBe(lb);
    expect(order(create(lb, { position: 2 }).loadBalancer)).toEqual(['1 c', '2 new', '3 a', '4 b']);
  });
});

describe('what a policy does', () => {
  test('follows from where it redirects to, and the rest is forgotten', () => {
    const lb = web(policy('a', { action: 'REDIRECT_TO_URL', redirect_url: 'https://example.org/', redirect_http_code: 308 }));
    const change = (body: object) => policies(update(lb, 'a', body))[0]!;
    const app = treeOf(lb).pools[0]!.id;
    const none = { redirect_url: null, redirect_prefix: null, redirect_pool_id: null, redirect_http_code: null };
    expect(change({ redirect_pool_id: app })).toMatchObject({ ...none, action: 'REDIRECT_TO_POOL', redirect_pool_id: app });
    expect(change({ redirect_prefix: 'https://b.example' })).toMatchObject({
      ...none,
      action: 'REDIRECT_PREFIX',
      redirect_prefix: 'https://b.example',
      redirect_http_code: 308,
    });
    expect(change({ action: 'REJECT' })).toMatchObject({ ...none, action: 'REJECT' });
    expect(change({ redirect_http_code: null })).toMatchObject({ action: 'REDIRECT_TO_URL', redirect_http_code: 302 });
    expect(change({ name: 'b', description: 'x', admin_state_up: false, tags: ['t'] })).toMatchObject({
      id: policies(lb)[0]!.id,
      name: 'b',
      description: 'x',
      admin_state_up: false,
      tags: ['t'],
      redirect_url: 'https://example.org/',
    });
  });

  test.each([
    ['a URL that is missing', { action: 'REDIRECT_TO_URL' }, 400, 'Invalid L7 Policy arguments: redirect_url must not be None'],
    ['a prefix that is missing', { action: 'REDIRECT_PREFIX' }, 400, 'redirect_prefix must not be None'],
    ['a pool that is missing', { action: 'REDIRECT_TO_POOL' }, 400, 'redirect_pool_id or redirect_pool must not be None'],
    ['a pool that is not there', { action: 'REDIRECT_TO_POOL', redirect_pool_id: UID }, 404, `Pool ${UID} not found.`],
    [
      'a URL that is none',
      { action: 'REDIRECT_TO_URL', redirect_url: 'example.org' },
      400,
      "field/attribute redirect_url. Value: 'example.org'. Value must be a valid URL string",
    ],
    [
      'a code that is no redirect',
      { action: 'REDIRECT_TO_URL', redirect_url: 'http://a', redirect_http_code: 404 },
      400,
      'Value should be one of: 301, 302, 303, 307, 308.',
    ],
    ['position 0', { position: 0 }, 400, 'Value should be greater or equal to 1'],
    ['an action that is none', { action: 'DROP' }, 400, 'Value should be one of: REDIRECT_TO_POOL, REDIRECT_TO_URL'],
    ['a listener that is not there', { listener_id: UID }, 404, `Listener ${UID} not found.`],
  ])('%s is refused', (_, fields, status, words) => {
    const lb = web();
    expect(() => create(lb, fields)).toThrow(fault(status, words));
  });

  test('can’t be two things, nor send to a pool that speaks otherwise, nor belong to a listener without HTTP', () => {
    const lb = web(policy('a'));
    const [app, tcp] = treeOf(lb).pools;
    expect(() => update(lb, 'a', { redirect_pool_id: app!.id, redirect_url: 'http://a' })).toThrow(
      fault(400, 'Cannot specify redirect_pool_id and redirect_url'),
    );
    expect(() => update(lb, 'a', { redirect_pool_id: tcp!.id })).toThrow(
      fault(400, "The pool protocol 'TCP' is invalid while the listener protocol is 'HTTP'."),
    );
    expect(() => create(lb, { listener_id: treeOf(lb).listeners[1]!.id })).toThrow(fault(400, 'this one has TCP'));
  });
});

describe('rules', () => {
  const rule = (fields: object = {}) => ({ type: 'PATH', compare_type: 'STARTS_WITH', value: '/a', ...fields });
  const lb = web(policy('a', { rules: [rule()] }));
  const { id: policyId, rules } = policies(lb)[0]!;
  const add = (fields: object) => createL7Rule(lb, policyId, parseBody(L7RuleCreate, rule(fields)));
  const change = (body: object) => policies(updateL7Rule(lb, policyId, rules[0]!.id, parseBody(L7RuleUpdate, body)))[0]!.rules[0]!;

  test('are added, changed and deleted by id', () => {
    const { loadBalancer, id } = add({ type: 'HEADER', key: 'X-a', compare_type: 'EQUAL_TO', value: 'b', invert: true, tags: ['t'] });
    expect(policies(loadBalancer)[0]!.rules[1]).toMatchObject({ id, type: 'HEADER', key: 'X-a', value: 'b', invert: true, tags: ['t'] });
    expect(change({ value: '/b', invert: true })).toMatchObject({
      id: rules[0]!.id,
      type: 'PATH',
      compare_type: 'STARTS_WITH',
      value: '/b',
      invert: true,
    });
    expect(change({ type: null, value: null, invert: null, admin_state_up: null })).toMatchObject({
      type: 'PATH',
      value: '/a',
      invert: false,
      admin_state_up: false,
    });
    expect(policies(deleteL7Rule(loadBalancer, policyId, rules[0]!.id))[0]!.rules.map((one) => one.id)).toEqual([id]);
    expect(() => deleteL7Rule(lb, policyId, UID)).toThrow(fault(404, `L7 Rule ${UID} not found.`));
    expect(() => deleteL7Rule(lb, UID, rules[0]!.id)).toThrow(fault(404, `L7 Policy ${UID} not found.`));
  });

  test.each([
    ['no value', { value: '' }, 'Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a value'],
    ['a header without its name', { type: 'HEADER' }, 'L7 rule type requires a key'],
    ['a header whose name is none', { type: 'HEADER', key: 'a b' }, "field/attribute key. Value: 'a b'. Value should be a token"],
    ['a file type that starts with something', { type: 'FILE_TYPE' }, 'invalid comparison type for rule type'],
    [
      'a certificate that is not true',
      { type: 'SSL_CONN_HAS_CERT', compare_type: 'EQUAL_TO', value: 'no' },
      'L7rule value no is not a boolean True string.',
    ],
    [
      'a certificate that contains true',
      { type: 'SSL_CONN_HAS_CERT', compare_type: 'CONTAINS', value: 'true' },
      'only supports the EQUAL_TO compare type.',
    ],
    [
      'a key where none is used',
      { type: 'SSL_VERIFY_RESULT', compare_type: 'EQUAL_TO', value: '0', key: 'a' },
      'does not use the "key" field.',
    ],
    ['a result that is no number', { type: 'SSL_VERIFY_RESULT', compare_type: 'EQUAL_TO', value: 'x' }, 'needs a int value, which is >= 0'],
    ['a DN without its field', { type: 'SSL_DN_FIELD' }, 'needs to specify a key and a value.'],
    ['a DN whose field is none', { type: 'SSL_DN_FIELD', key: '1' }, 'Invalid L7rule distinguished name field.'],
    ['a line break', { value: 'a\nb' }, 'Value should be text of 1 to 255 characters without control characters.'],
  ])('%s is refused', (_, fields, words) => {
    expect(() => add(fields)).toThrow(fault(400, words));
  });

  test('what a change makes of a rule is looked at as a whole', () => {
    expect(() => change({ type: 'HEADER' })).toThrow(fault(400, 'L7 rule type requires a key'));
  });

  test('there are at most 16 on a policy', () => {
    const full = web(policy('a', { rules: Array.from({ length: 16 }, () => rule()) }));
    const { id } = policies(full)[0]!;
    expect(() => createL7Rule(full, id, parseBody(L7RuleCreate, rule()))).toThrow(fault(409, `Too many rules on L7 policy ${id}`));
  });
});
