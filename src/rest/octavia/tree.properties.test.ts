import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  healthMonitorBody,
  listenerBody,
  memberBody,
  policyBody,
  poolBody,
  ruleBody,
  treeBody,
} from '../../../test/support/octavia-bodies.ts';
import { type LoadBalancer, LoadBalancerSpec } from '../../api/index.ts';
import * as octavia from './index.ts';

const flavors = octavia.flavorsOf([]);
const uid = '0b9e4fd2-7a8c-4a3d-9a07-5d3f1c2b4e6a';

function create(body: unknown): LoadBalancer {
  const made = octavia.createLoadBalancer(octavia.parseBody(octavia.LoadBalancerCreate, body), 'shop', flavors);
  return { ...made, metadata: { ...made.metadata, uid, generation: 1 } };
}
const viewOf = (loadBalancer: LoadBalancer) => octavia.viewOf(loadBalancer, [], flavors);
const pathsOf = (loadBalancer: LoadBalancer) => [...octavia.childrenOf(loadBalancer)].map(({ path }) => path);
const treeOf = (loadBalancer: LoadBalancer) => octavia.loadBalancerTreeOf(viewOf(loadBalancer));
type Tree = octavia.LoadBalancerTreeResponse;

/** What a body asks for as the answer has it: references are by id there, and policies in their order. */
function expected(body: Record<string, unknown>, tree: Tree): object {
  const poolId = (pool: { name: string } | undefined) => tree.pools.find(({ name }) => name === pool?.name)?.id ?? null;
  const listeners = body.listeners as Record<string, unknown>[];
  return {
    ...body,
    listeners: listeners.map(({ default_pool, l7policies = [], ...listener }) => ({
      ...listener,
      default_pool_id: poolId(default_pool as { name: string }),
      l7policies: ordered(l7policies as Record<string, unknown>[]).map(({ redirect_pool, position: _position, ...policy }, i) => ({
        ...policy,
        position: i + 1,
        redirect_pool_id: poolId(redirect_pool as { name: string }),
      })),
    })),
  };
}

/** Octavia inserts each policy in turn where it says. */
function ordered(policies: Record<string, unknown>[]): Record<string, unknown>[] {
  const order: Record<string, unknown>[] = [];
  for (const policy of policies) order.splice(((policy.position as number) ?? Number.MAX_SAFE_INTEGER) - 1, 0, policy);
  return order;
}

/** Every object with an id in an answer, by it. */
function objectsIn(value: unknown, found = new Map<string, object>()): Map<string, object> {
  if (Array.isArray(value)) for (const one of value) objectsIn(one, found);
  else if (value && typeof value === 'object') {
    if ('id' in value && 'tags' in value) found.set(value.id as string, value);
    for (const one of Object.values(value)) objectsIn(one, found);
  }
  return found;
}

describe('a load balancer created in one call', () => {
  test('shows all that was asked for, has a valid spec, and answers that match their schemas', () => {
    fc.assert(
      fc.property(treeBody, (body) => {
        const loadBalancer = create(body);
        expect(LoadBalancerSpec.parse(loadBalancer.spec)).toEqual(loadBalancer.spec);
        const tree = treeOf(loadBalancer);
        expect(tree).toMatchObject(expected(body, tree));
        expect(octavia.LoadBalancerTreeResponse.parse(tree)).toEqual(tree);
        expect(octavia.StatusTreeResponse.parse(octavia.statusTreeOf(viewOf(loadBalancer)))).toEqual(
          octavia.statusTreeOf(viewOf(loadBalancer)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('has an id for each child, and none twice', () => {
    fc.assert(
      fc.property(treeBody, (body) => {
        const loadBalancer = create(body);
        const shown = objectsIn(treeOf(loadBalancer));
        shown.delete(uid);
        const index = octavia.idsOf(loadBalancer);
        expect([...index.keys()].sort()).toEqual([...shown.keys()].sort());
        expect(index.size).toBe([...octavia.childrenOf(loadBalancer)].length);
        for (const id of index.keys()) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
      { numRuns: 30 },
    );
  });
});

/** A change of one child, and what of the answers it may change beside that child. */
type Edit = (loadBalancer: LoadBalancer, tree: Tree) => LoadBalancer;

const parse = octavia.parseBody;
const pick = fc.nat();
const at = <T>(list: T[], n: number): T | undefined => list[n % Math.max(1, list.length)];
const freePort = (tree: Tree, wanted: number) => {
  let port = wanted;
  while (tree.listeners.some(({ protocol_port }) => protocol_port === port)) port++;
  return port;
};

const edits: fc.Arbitrary<Edit> = fc.oneof(
  listenerBody([]).map(
    (body): Edit =>
      (lb, tree) =>
        octavia.createListener(
          lb,
          parse(octavia.ListenerCreate, { ...body, protocol_port: freePort(tree, body.protocol_port), loadbalancer_id: uid }),
        ).loadBalancer,
  ),
  poolBody.map(
    (body): Edit =>
      (lb) =>
        octavia.createPool(lb, parse(octavia.PoolCreate, { ...body, loadbalancer_id: uid })).loadBalancer,
  ),
  fc.tuple(pick, memberBody).map(
    ([n, body]): Edit =>
      (lb, tree) => {
        const pool = at(tree.pools, n);
        const there = pool?.members.some((m) => m.address === body.address && m.protocol_port === body.protocol_port);
        return pool && !there ? octavia.createMember(lb, pool.id, parse(octavia.MemberCreate, body)).loadBalancer : lb;
      },
  ),
  fc.tuple(pick, healthMonitorBody).map(
    ([n, body]): Edit =>
      (lb, tree) => {
        const pool = at(tree.pools, n);
        if (!pool) return lb;
        if (pool.healthmonitor) return octavia.deleteHealthMonitor(lb, pool.healthmonitor.id);
        return octavia.createHealthMonitor(lb, parse(octavia.HealthMonitorCreate, { ...body, pool_id: pool.id })).loadBalancer;
      },
  ),
  fc.tuple(pick, policyBody([])).map(
    ([n, body]): Edit =>
      (lb, tree) => {
        const listener = at(
          tree.listeners.filter(({ protocol }) => protocol !== 'TCP'),
          n,
        );
        return listener
          ? octavia.createL7Policy(lb, parse(octavia.L7PolicyCreate, { ...body, listener_id: listener.id })).loadBalancer
          : lb;
      },
  ),
  fc.tuple(pick, pick, ruleBody).map(
    ([n, m, body]): Edit =>
      (lb, tree) => {
        const policy = at(at(tree.listeners, n)?.l7policies ?? [], m);
        return policy ? octavia.createL7Rule(lb, policy.id, parse(octavia.L7RuleCreate, body)).loadBalancer : lb;
      },
  ),
  fc.tuple(pick, fc.string()).map(
    ([n, name]): Edit =>
      (lb, tree) => {
        const listener = at(tree.listeners, n);
        return listener ? octavia.updateListener(lb, listener.id, parse(octavia.ListenerUpdate, { name })) : lb;
      },
  ),
  fc.tuple(pick, fc.string()).map(
    ([n, name]): Edit =>
      (lb, tree) => {
        const pool = at(tree.pools, n);
        return pool ? octavia.updatePool(lb, pool.id, parse(octavia.PoolUpdate, { name })) : lb;
      },
  ),
  pick.map(
    (n): Edit =>
      (lb, tree) => {
        const listener = at(tree.listeners, n);
        return listener ? octavia.deleteListener(lb, listener.id) : lb;
      },
  ),
  pick.map(
    (n): Edit =>
      (lb, tree) => {
        const free = tree.pools.filter(({ id }) => !tree.listeners.some((l) => l.l7policies.some((p) => p.redirect_pool_id === id)));
        const pool = at(free, n);
        return pool ? octavia.deletePool(lb, pool.id) : lb;
      },
  ),
);

/** What of a child is not about others. */
function itself(shown: object): string {
  const { listeners, members, healthmonitor, l7policies, rules, pools, default_pool_id, position, operating_status, ...own } =
    shown as Record<string, unknown>;
  return JSON.stringify(own);
}

describe('an edit of one child', () => {
  test('leaves the ids and settings of all others as they are, gives a valid spec, and does not touch what it was given', () => {
    fc.assert(
      fc.property(treeBody, fc.array(edits, { minLength: 1, maxLength: 6 }), (body, sequence) => {
        let loadBalancer = create(body);
        for (const edit of sequence) {
          const [before, copy] = [treeOf(loadBalancer), structuredClone(loadBalancer)];
          const edited = edit(loadBalancer, before);
          expect(loadBalancer).toEqual(copy);
          expect(LoadBalancerSpec.parse(edited.spec)).toEqual(edited.spec);
          const [old, now] = [objectsIn(before), objectsIn(treeOf(edited))];
          old.delete(uid);
          const changed = [...old].filter(([id, shown]) => now.has(id) && itself(now.get(id)!) !== itself(shown));
          expect(changed.slice(1)).toEqual([]);
          const gone = pathsOf(loadBalancer).filter((path) => !pathsOf(edited).includes(path));
          const top = gone.toSorted((a, b) => a.length - b.length)[0];
          expect(gone.filter((path) => !path.startsWith(top!))).toEqual([]);
          loadBalancer = edited;
        }
      }),
      { numRuns: 40 },
    );
  });
});
