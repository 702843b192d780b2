import { createHash } from 'node:crypto';
import type { HealthMonitor, L7Policy, L7Rule, Listener, LoadBalancer, Member, Pool } from '../../api/index.ts';
import { canonicalAddress } from '../../provider/amphora/haproxy/address.ts';
import { notFound } from './fault.ts';

/** Namespace of the ids here (RFC 9562 section 5.5); never to change, since clients keep ids. */
const NAMESPACE = Buffer.from('7f1c0f6ad7a84a3c9d0be54fe1f8a2c6', 'hex');

/** Version 5 UUID of a name (RFC 9562 section 5.5). */
export function uuid(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The children of a load balancer, named as in Octavia's paths. */
export type ChildKind = 'listener' | 'pool' | 'member' | 'healthmonitor' | 'l7policy' | 'rule';

type Keyed = { name: string };

/** Where a child stands in its load balancer: made of the keys of lists, so that it stays while the child lives, whatever becomes of others. */
export const pathOf = {
  listener: (listener: Keyed) => `listeners/${listener.name}`,
  pool: (pool: Keyed) => `pools/${pool.name}`,
  member: (pool: Keyed, member: Pick<Member, 'address' | 'protocolPort'>) =>
    `pools/${pool.name}/members/${canonicalAddress(member.address) ?? member.address}/${member.protocolPort}`,
  healthmonitor: (pool: Keyed) => `pools/${pool.name}/healthmonitor`,
  l7policy: (listener: Keyed, policy: Keyed) => `listeners/${listener.name}/l7policies/${policy.name}`,
  rule: (listener: Keyed, policy: Keyed, rule: Keyed) => `listeners/${listener.name}/l7policies/${policy.name}/rules/${rule.name}`,
};

/** The Octavia id of a child; of the load balancer itself it is the uid. */
export const idOf = ({ metadata }: LoadBalancer, path: string): string => uuid(`${metadata.uid}/${path}`);

/** The paths of all children of a load balancer. */
export function* childrenOf({ spec }: Pick<LoadBalancer, 'spec'>): Generator<{ kind: ChildKind; path: string }> {
  for (const listener of spec.listeners ?? []) {
    yield { kind: 'listener', path: pathOf.listener(listener) };
    for (const policy of listener.l7Policies ?? []) {
      yield { kind: 'l7policy', path: pathOf.l7policy(listener, policy) };
      for (const rule of policy.rules ?? []) yield { kind: 'rule', path: pathOf.rule(listener, policy, rule) };
    }
  }
  for (const pool of spec.pools ?? []) {
    yield { kind: 'pool', path: pathOf.pool(pool) };
    if (pool.healthMonitor) yield { kind: 'healthmonitor', path: pathOf.healthmonitor(pool) };
    for (const member of pool.members ?? []) yield { kind: 'member', path: pathOf.member(pool, member) };
  }
}

/** The ids of all children of a load balancer with what each is, for an index over many load balancers. */
export const idsOf = (loadBalancer: LoadBalancer): Map<string, ChildKind> =>
  new Map([...childrenOf(loadBalancer)].map(({ kind, path }) => [idOf(loadBalancer, path), kind]));

/** @throws OctaviaFault 404 */
export function findListener(loadBalancer: LoadBalancer, id: string): Listener {
  const found = loadBalancer.spec.listeners?.find((listener) => idOf(loadBalancer, pathOf.listener(listener)) === id);
  if (!found) throw notFound('Listener', id);
  return found;
}

/** @throws OctaviaFault 404 */
export function findPool(loadBalancer: LoadBalancer, id: string): Pool {
  const found = loadBalancer.spec.pools?.find((pool) => idOf(loadBalancer, pathOf.pool(pool)) === id);
  if (!found) throw notFound('Pool', id);
  return found;
}

/** @throws OctaviaFault 404, also where the member is in another pool */
export function findMember(loadBalancer: LoadBalancer, poolId: string, id: string): { pool: Pool; member: Member } {
  const pool = findPool(loadBalancer, poolId);
  const member = pool.members?.find((candidate) => idOf(loadBalancer, pathOf.member(pool, candidate)) === id);
  if (!member) throw notFound('Member', id);
  return { pool, member };
}

/** @throws OctaviaFault 404 */
export function findHealthMonitor(loadBalancer: LoadBalancer, id: string): { pool: Pool; healthMonitor: HealthMonitor } {
  const pool = loadBalancer.spec.pools?.find(
    (candidate) => candidate.healthMonitor && idOf(loadBalancer, pathOf.healthmonitor(candidate)) === id,
  );
  if (!pool?.healthMonitor) throw notFound('Health Monitor', id);
  return { pool, healthMonitor: pool.healthMonitor };
}

/** @throws OctaviaFault 404 */
export function findL7Policy(loadBalancer: LoadBalancer, id: string): { listener: Listener; policy: L7Policy } {
  for (const listener of loadBalancer.spec.listeners ?? []) {
    const policy = listener.l7Policies?.find((candidate) => idOf(loadBalancer, pathOf.l7policy(listener, candidate)) === id);
    if (policy) return { listener, policy };
  }
  throw notFound('L7 Policy', id);
}

/** @throws OctaviaFault 404, also where the rule is of another policy */
export function findL7Rule(
  loadBalancer: LoadBalancer,
  policyId: string,
  id: string,
): { listener: Listener; policy: L7Policy; rule: L7Rule } {
  const { listener, policy } = findL7Policy(loadBalancer, policyId);
  const rule = policy.rules?.find((candidate) => idOf(loadBalancer, pathOf.rule(listener, policy, candidate)) === id);
  if (!rule) throw notFound('L7 Rule', id);
  return { listener, policy, rule };
}
