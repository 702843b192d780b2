import * as z from 'zod';
import type { Listener, LoadBalancer, Pool } from '../../api/index.ts';
import { HealthMonitorResponse, healthMonitorOf } from './healthmonitor.ts';
import { idOf, pathOf } from './ids.ts';
import { L7PolicyResponse, l7PolicyOf, orderedPolicies } from './l7policy.ts';
import { L7RuleResponse, l7RuleOf } from './l7rule.ts';
import { ListenerResponse, listenerOf } from './listener.ts';
import { LoadBalancerResponse, loadBalancerOf } from './loadbalancer.ts';
import { MemberResponse, memberOf } from './member.ts';
import { PoolResponse, poolOf } from './pool.ts';
import { poolsOf } from './statuses.ts';
import { nameOf, type View } from './view.ts';

/** The answer to the creation of a load balancer: with its children in full. */
export const LoadBalancerTreeResponse = LoadBalancerResponse.extend({
  listeners: z.array(
    ListenerResponse.omit({ loadbalancers: true }).extend({
      l7policies: z.array(L7PolicyResponse.extend({ rules: z.array(L7RuleResponse) })),
    }),
  ),
  pools: z.array(
    PoolResponse.omit({ loadbalancers: true, healthmonitor_id: true }).extend({
      members: z.array(MemberResponse),
      healthmonitor: HealthMonitorResponse.omit({ pools: true }).nullable(),
    }),
  ),
});
export type LoadBalancerTreeResponse = z.infer<typeof LoadBalancerTreeResponse>;

/** The load balancer with its children in full. */
export function loadBalancerTreeOf(view: View): LoadBalancerTreeResponse {
  const { spec } = view.loadBalancer;
  return {
    ...loadBalancerOf(view),
    listeners: (spec.listeners ?? []).map((listener) => {
      const { loadbalancers: _parents, ...shown } = listenerOf(view, listener);
      const l7policies = orderedPolicies(listener).map((policy) => ({
        ...l7PolicyOf(view, listener, policy),
        rules: (policy.rules ?? []).map((rule) => l7RuleOf(view, listener, policy, rule)),
      }));
      return { ...shown, l7policies };
    }),
    pools: (spec.pools ?? []).map((pool) => {
      const { loadbalancers: _parents, healthmonitor_id: _id, ...shown } = poolOf(view, pool);
      return {
        ...shown,
        members: (pool.members ?? []).map((member) => memberOf(view, pool, member)),
        healthmonitor: pool.healthMonitor ? withoutPools(healthMonitorOf(view, pool, pool.healthMonitor)) : null,
      };
    }),
  };
}

const withoutPools = ({ pools: _pools, ...shown }: HealthMonitorResponse) => shown;

const Brief = { id: z.string(), name: z.string(), provisioning_status: z.string(), operating_status: z.string() };

/** `GET /v2.0/lbaas/loadbalancers/{id}/status`; the key of a pool's health monitor is `health_monitor` here, as Octavia has it. */
export const StatusTreeResponse = z.object({
  statuses: z.object({
    loadbalancer: z.object({
      ...Brief,
      listeners: z.array(
        z.object({
          ...Brief,
          pools: z.array(
            z.object({
              ...Brief,
              health_monitor: z.object({ ...Brief, type: z.string() }).nullable(),
              members: z.array(z.object({ ...Brief, address: z.string(), protocol_port: z.int() })),
            }),
          ),
        }),
      ),
    }),
  }),
});
export type StatusTreeResponse = z.infer<typeof StatusTreeResponse>;

/** The statuses of a load balancer and all that its listeners send to. */
export function statusTreeOf(view: View): StatusTreeResponse {
  const { loadBalancer, statuses } = view;
  const { metadata, spec } = loadBalancer;
  const listeners = (spec.listeners ?? []).map((listener) => ({
    ...briefOf(view, pathOf.listener(listener), listener.name),
    ...statuses.listener(listener),
    pools: usedBy(loadBalancer, listener).map((pool) => poolStatusOf(view, pool)),
  }));
  const name = spec.name ?? metadata.name;
  return { statuses: { loadbalancer: { id: metadata.uid!, name, ...statuses.loadBalancer, listeners } } };
}

const briefOf = (view: View, path: string, key: string) => ({ id: idOf(view.loadBalancer, path), name: nameOf(view, path, key) });

const usedBy = ({ spec }: LoadBalancer, listener: Listener): Pool[] =>
  (spec.pools ?? []).filter(({ name }) => poolsOf(listener).includes(name));

function poolStatusOf(view: View, pool: Pool) {
  const { statuses } = view;
  const { healthMonitor } = pool;
  return {
    ...briefOf(view, pathOf.pool(pool), pool.name),
    ...statuses.pool(pool),
    health_monitor: healthMonitor
      ? { ...briefOf(view, pathOf.healthmonitor(pool), ''), type: healthMonitor.type, ...statuses.switched(healthMonitor.adminStateUp) }
      : null,
    members: (pool.members ?? []).map((member) => ({
      id: idOf(view.loadBalancer, pathOf.member(pool, member)),
      name: member.name ?? '',
      ...statuses.member(pool, member),
      address: member.address,
      protocol_port: member.protocolPort,
    })),
  };
}
