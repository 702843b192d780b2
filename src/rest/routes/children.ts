import * as z from 'zod';
import { type App, answers, answersNothing, ById, type Context, callerOf } from '../app.ts';
import {
  createHealthMonitor,
  createL7Policy,
  createL7Rule,
  createListener,
  createMember,
  createPool,
  deleteHealthMonitor,
  deleteL7Policy,
  deleteL7Rule,
  deleteListener,
  deleteMember,
  deletePool,
  findHealthMonitor,
  findL7Policy,
  findL7Rule,
  findListener,
  findMember,
  findPool,
  HealthMonitorCreate,
  HealthMonitorResponse,
  HealthMonitorUpdate,
  healthMonitorOf,
  invalid,
  L7PolicyCreate,
  L7PolicyResponse,
  L7PolicyUpdate,
  L7RuleCreate,
  L7RuleResponse,
  L7RuleUpdate,
  ListenerCreate,
  ListenerResponse,
  ListenerUpdate,
  l7PolicyOf,
  l7RuleOf,
  listenerOf,
  listenerStatsOf,
  MemberCreate,
  MemberResponse,
  MemberUpdate,
  memberOf,
  PoolCreate,
  PoolResponse,
  PoolUpdate,
  poolOf,
  replaceMembers,
  StatsResponse,
  updateHealthMonitor,
  updateL7Policy,
  updateL7Rule,
  updateListener,
  updateMember,
  updatePool,
} from '../octavia/index.ts';
import { childRoutes } from './child.ts';

/** Listeners, pools, members, health monitors, L7 policies and rules. */
export function allChildRoutes(app: App, context: Context): void {
  childRoutes(app, context, {
    ...{ path: 'listeners', key: 'listener', plural: 'listeners', what: 'Listener', parentWhat: 'Load Balancer' },
    ...{ create: ListenerCreate, update: ListenerUpdate, response: ListenerResponse },
    parentOf: (body) => body.loadbalancer_id,
    all: (view) => (view.loadBalancer.spec.listeners ?? []).map((listener) => listenerOf(view, listener)),
    show: (view, id) => listenerOf(view, findListener(view.loadBalancer, id)),
    make: createListener,
    change: updateListener,
    remove: deleteListener,
  });
  childRoutes(app, context, {
    ...{ path: 'pools', key: 'pool', plural: 'pools', what: 'Pool', parentWhat: 'Load Balancer or Listener' },
    ...{ create: PoolCreate, update: PoolUpdate, response: PoolResponse },
    parentOf: (body) => {
      const id = body.loadbalancer_id ?? body.listener_id;
      if (!id) throw invalid('Must provide at least one of: loadbalancer_id, listener_id');
      return id;
    },
    all: (view) => (view.loadBalancer.spec.pools ?? []).map((pool) => poolOf(view, pool)),
    show: (view, id) => poolOf(view, findPool(view.loadBalancer, id)),
    make: createPool,
    change: updatePool,
    remove: deletePool,
  });
  childRoutes(app, context, {
    ...{ path: 'pools/:parent/members', key: 'member', plural: 'members', what: 'Member', parentWhat: 'Pool' },
    ...{ create: MemberCreate, update: MemberUpdate, response: MemberResponse },
    parentOf: (_body, pool) => pool,
    all: (view, poolId) => {
      const pool = findPool(view.loadBalancer, poolId);
      return (pool.members ?? []).map((member) => memberOf(view, pool, member));
    },
    show: (view, id, poolId) => {
      const { pool, member } = findMember(view.loadBalancer, poolId, id);
      return memberOf(view, pool, member);
    },
    make: (loadBalancer, body, pool) => createMember(loadBalancer, pool, body),
    change: (loadBalancer, id, body, pool) => updateMember(loadBalancer, pool, id, body),
    remove: (loadBalancer, id, pool) => deleteMember(loadBalancer, pool, id),
  });
  childRoutes(app, context, {
    ...{ path: 'healthmonitors', key: 'healthmonitor', plural: 'healthmonitors', what: 'Health Monitor', parentWhat: 'Pool' },
    ...{ create: HealthMonitorCreate, update: HealthMonitorUpdate, response: HealthMonitorResponse },
    parentOf: (body) => body.pool_id,
    all: (view) =>
      (view.loadBalancer.spec.pools ?? []).flatMap((pool) => (pool.healthMonitor ? healthMonitorOf(view, pool, pool.healthMonitor) : [])),
    show: (view, id) => {
      const { pool, healthMonitor } = findHealthMonitor(view.loadBalancer, id);
      return healthMonitorOf(view, pool, healthMonitor);
    },
    make: createHealthMonitor,
    change: updateHealthMonitor,
    remove: deleteHealthMonitor,
  });
  childRoutes(app, context, {
    ...{ path: 'l7policies', key: 'l7policy', plural: 'l7policies', what: 'L7 Policy', parentWhat: 'Listener' },
    ...{ create: L7PolicyCreate, update: L7PolicyUpdate, response: L7PolicyResponse },
    parentOf: (body) => body.listener_id,
    all: (view) =>
      (view.loadBalancer.spec.listeners ?? []).flatMap((listener) =>
        (listener.l7Policies ?? []).map((policy) => l7PolicyOf(view, listener, policy)),
      ),
    show: (view, id) => {
      const { listener, policy } = findL7Policy(view.loadBalancer, id);
      return l7PolicyOf(view, listener, policy);
    },
    make: createL7Policy,
    change: updateL7Policy,
    remove: deleteL7Policy,
  });
  childRoutes(app, context, {
    ...{ path: 'l7policies/:parent/rules', key: 'rule', plural: 'rules', what: 'L7 Rule', parentWhat: 'L7 Policy' },
    ...{ create: L7RuleCreate, update: L7RuleUpdate, response: L7RuleResponse },
    parentOf: (_body, policy) => policy,
    all: (view, policyId) => {
      const { listener, policy } = findL7Policy(view.loadBalancer, policyId);
      return (policy.rules ?? []).map((rule) => l7RuleOf(view, listener, policy, rule));
    },
    show: (view, id, policyId) => {
      const { listener, policy, rule } = findL7Rule(view.loadBalancer, policyId, id);
      return l7RuleOf(view, listener, policy, rule);
    },
    make: (loadBalancer, body, policy) => createL7Rule(loadBalancer, policy, body),
    change: (loadBalancer, id, body, policy) => updateL7Rule(loadBalancer, policy, id, body),
    remove: (loadBalancer, id, policy) => deleteL7Rule(loadBalancer, policy, id),
  });
  batchRoute(app, context);
  listenerStatsRoute(app, context);
}

function batchRoute(app: App, { repository, access }: Context): void {
  app.put(
    '/v2.0/lbaas/pools/:id/members',
    {
      schema: {
        tags: ['pools'],
        summary: 'Update the members of a pool at once',
        params: ById,
        querystring: z.object({
          additive_only: z.string().optional().meta({ description: 'true: members that are not named stay; otherwise they go.' }),
        }),
        body: z.strictObject({ members: z.array(MemberCreate) }),
        response: answersNothing(202),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const before = await access.loadBalancer(callerOf(request), id, { verb: 'update' }, 'Pool');
      const additiveOnly = /^true$/i.test(request.query.additive_only ?? '');
      await repository.change(before, (now) => replaceMembers(now, id, request.body.members, { additiveOnly }));
      return reply.code(202).send();
    },
  );
}

function listenerStatsRoute(app: App, { repository, access }: Context): void {
  app.get(
    '/v2.0/lbaas/listeners/:id/stats',
    {
      schema: {
        tags: ['listeners'],
        summary: 'Show the statistics of a listener',
        params: ById,
        response: answers(200, { stats: StatsResponse }),
      },
    },
    async (request) => {
      const { id } = request.params;
      const loadBalancer = await access.loadBalancer(callerOf(request), id, { verb: 'get' }, 'Listener');
      return { stats: listenerStatsOf(findListener(loadBalancer, id), await repository.amphoraeOf(loadBalancer)) };
    },
  );
}
