import { describe, expect, test } from '@jest/globals';
import { active, created, flavors, listener, pool, treeOf } from '../../../test/support/octavia-scene.ts';
import type { Amphora, LoadBalancer, LoadBalancerStatus, MemberStatus } from '../../api/index.ts';
import { amphoraStatsOf, listenerStatsOf, statsOf } from './stats.ts';
import { statusTreeOf } from './tree.ts';
import { viewOf } from './view.ts';

const member = (last: number, fields: object = {}) => ({ address: `10.0.0.${last}`, protocol_port: 80, ...fields });
const healthmonitor = { type: 'TCP', delay: 5, timeout: 3, max_retries: 3 };
const scene = (poolFields: object = {}, status: Partial<LoadBalancerStatus> = {}) =>
  active(
    created({
      listeners: [listener({ default_pool: { name: 'app' } })],
      pools: [pool({ members: [member(1), member(2)], healthmonitor, ...poolFields }), pool({ name: 'unused', members: [member(1)] })],
    }),
    status,
  );

/** The amphora that carries the traffic, and sees these members not well. */
const amphora = (seen: Record<number, MemberStatus> = {}, status: Amphora['status'] = {}, name = 'amp') =>
  ({
    metadata: { name },
    status: {
      listeners: [{ protocolPort: 80, open: true }],
      unhealthyMembers: Object.entries(seen).map(([last, state]) => ({
        pool: 'app',
        address: `10.0.0.${last}`,
        protocolPort: 80,
        status: state,
      })),
      ...status,
    },
  }) as Amphora;

const operating = (lb: LoadBalancer, amphorae: Amphora[]) => {
  const tree = treeOf(lb, amphorae);
  const [app, unused] = tree.pools;
  return {
    listener: tree.listeners[0]!.operating_status,
    pool: app!.operating_status,
    members: app!.members.map((one) => one.operating_status),
    monitor: app!.healthmonitor?.operating_status,
    unused: unused!.operating_status,
  };
};
const provisioning = (lb: LoadBalancer) => {
  const tree = treeOf(lb, [amphora()]);
  return [tree, ...tree.listeners, ...tree.pools, tree.pools[0]!.members[0]!].map((one) => one.provisioning_status);
};

describe('the operating status', () => {
  test('is ONLINE all through where all is well, and OFFLINE of a pool that no listener uses', () => {
    expect(operating(scene(), [amphora()])).toEqual({
      listener: 'ONLINE',
      pool: 'ONLINE',
      members: ['ONLINE', 'ONLINE'],
      monitor: 'ONLINE',
      unused: 'OFFLINE',
    });
  });

  test('of members that nothing checks is NO_MONITOR', () => {
    expect(operating(scene({ healthmonitor: null }), [amphora()])).toMatchObject({ pool: 'ONLINE', members: ['NO_MONITOR', 'NO_MONITOR'] });
    const off = { ...healthmonitor, admin_state_up: false };
    expect(operating(scene({ healthmonitor: off }), [amphora()])).toMatchObject({
      members: ['NO_MONITOR', 'NO_MONITOR'],
      monitor: 'OFFLINE',
    });
  });

  test.each<[string, Record<number, MemberStatus>, string, string[]]>([
    ['one member down: the pool is DEGRADED', { 2: 'ERROR' }, 'DEGRADED', ['ONLINE', 'ERROR']],
    ['all members down: the pool is in ERROR', { 1: 'ERROR', 2: 'ERROR' }, 'ERROR', ['ERROR', 'ERROR']],
    ['one draining, one well: the pool is ONLINE', { 1: 'DRAINING' }, 'ONLINE', ['DRAINING', 'ONLINE']],
    ['one draining, one down: none takes traffic', { 1: 'DRAINING', 2: 'ERROR' }, 'ERROR', ['DRAINING', 'ERROR']],
  ])('%s, and the listener goes on', (_, seen, ofPool, members) => {
    expect(operating(scene(), [amphora(seen)])).toMatchObject({ listener: 'ONLINE', pool: ofPool, members });
  });

  test('is what the amphora that carries the traffic sees, not another', () => {
    const other = amphora({ 1: 'ERROR', 2: 'ERROR' }, {}, 'old');
    expect(operating(scene(), [other, amphora()])).toMatchObject({ pool: 'ONLINE' });
  });

  test('of what is switched off is OFFLINE', () => {
    expect(operating(scene({ members: [member(1, { admin_state_up: false }), member(2)] }), [amphora()])).toMatchObject({
      members: ['OFFLINE', 'ONLINE'],
    });
    expect(operating(scene({ admin_state_up: false }), [amphora()])).toMatchObject({ pool: 'OFFLINE', members: ['OFFLINE', 'OFFLINE'] });
    const lb = scene();
    lb.spec.adminStateUp = false;
    expect(operating(lb, [amphora()])).toMatchObject({ listener: 'OFFLINE', pool: 'OFFLINE', members: ['OFFLINE', 'OFFLINE'] });
  });

  test('of a listener that should be open and is not is ERROR, at the amphora or at the VIP', () => {
    expect(operating(scene(), [amphora({}, { listeners: [{ protocolPort: 80, open: false }] })])).toMatchObject({ listener: 'ERROR' });
    expect(operating(scene({}, { vipPorts: [] }), [amphora()])).toMatchObject({ listener: 'ERROR' });
    expect(operating(scene({}, { vipPorts: [], provisioningStatus: 'PENDING_UPDATE' }), [amphora()])).toMatchObject({
      listener: 'OFFLINE',
    });
  });

  test('is OFFLINE where no amphora carries traffic', () => {
    expect(operating(scene({}, { amphorae: [] }), [])).toEqual({
      listener: 'ERROR',
      pool: 'OFFLINE',
      members: ['OFFLINE', 'OFFLINE'],
      monitor: 'OFFLINE',
      unused: 'OFFLINE',
    });
  });

  test('of members is not made up where the amphora that carries the traffic does not answer', () => {
    const silent = { name: 'amp', flavorId: 'small', role: 'STANDALONE', traffic: 'Carries', ready: false } as const;
    const lb = scene({}, { amphorae: [silent], provisioningStatus: 'PENDING_UPDATE' });
    expect(operating(lb, [amphora()])).toMatchObject({ listener: 'OFFLINE', pool: 'OFFLINE', members: ['OFFLINE', 'OFFLINE'] });
  });

  test('of members of a pool that has the endpoints of a Service shows in the pool', () => {
    const lb = scene({ members: [] });
    lb.spec.pools![0]!.service = { name: 'backend', port: 80 };
    expect(operating(lb, [amphora({ 9: 'ERROR' })])).toMatchObject({ pool: 'DEGRADED', members: [] });
  });
});

describe('the provisioning status', () => {
  test('of children is that of the load balancer while it is pending, from the moment that something was asked for', () => {
    expect(provisioning(scene())).toEqual(Array(5).fill('ACTIVE'));
    const edited = scene();
    edited.metadata.generation = 2;
    expect(provisioning(edited)).toEqual(Array(5).fill('PENDING_UPDATE'));
    const failover = scene();
    failover.metadata.annotations = { ...failover.metadata.annotations, 'reflavor.dev/failover': 'x' };
    expect(provisioning(failover)).toEqual(Array(5).fill('PENDING_UPDATE'));
    expect(provisioning({ ...scene(), status: undefined })).toEqual(Array(5).fill('PENDING_CREATE'));
    expect(provisioning(scene({}, { observedGeneration: -1, flavorId: undefined }))).toEqual(Array(5).fill('PENDING_CREATE'));
    const deleted = scene();
    deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(provisioning(deleted)).toEqual(Array(5).fill('PENDING_DELETE'));
  });

  test('of a listener with a problem is ERROR, though not for a mere warning', () => {
    const problem = (reason: string) => scene({}, { listenerProblems: [{ listener: 'web', reason, message: '' }] });
    expect(provisioning(problem('SecretNotFound'))).toEqual(['ACTIVE', 'ERROR', 'ACTIVE', 'ACTIVE', 'ACTIVE']);
    expect(provisioning(problem('ClientAddressTranslated'))).toEqual(Array(5).fill('ACTIVE'));
  });

  test('of children stays ACTIVE when a resize failed, and is ERROR when the amphorae do not have the configuration', () => {
    const failed = (reason: string) =>
      scene(
        {},
        {
          provisioningStatus: 'ERROR',
          conditions: [{ type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        },
      );
    expect(provisioning(failed('ImageNotFound'))).toEqual(['ERROR', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE']);
    expect(provisioning(failed('ConfigurationRefused'))).toEqual(Array(5).fill('ERROR'));
  });
});

describe('statusTreeOf', () => {
  test('has listeners with the pools that they send to, and health_monitor as the key', () => {
    const lb = scene();
    const tree = treeOf(lb);
    const [app] = tree.pools;
    const { statuses } = statusTreeOf(viewOf(lb, [amphora({ 2: 'ERROR' })], flavors));
    expect(statuses.loadbalancer).toMatchObject({
      id: lb.metadata.uid,
      operating_status: 'ONLINE',
      provisioning_status: 'ACTIVE',
      listeners: [
        {
          id: tree.listeners[0]!.id,
          name: 'web',
          pools: [
            {
              id: app!.id,
              name: 'app',
              operating_status: 'DEGRADED',
              health_monitor: { id: app!.healthmonitor!.id, type: 'TCP', name: '', operating_status: 'ONLINE' },
              members: [
                { id: app!.members[0]!.id, address: '10.0.0.1', protocol_port: 80, operating_status: 'ONLINE' },
                { operating_status: 'ERROR' },
              ],
            },
          ],
        },
      ],
    });
    expect(statuses.loadbalancer.listeners[0]!.pools).toHaveLength(1);
  });
});

describe('stats', () => {
  const counting = (protocolPort: number, totalConnections: number) =>
    amphora(
      {},
      {
        statistics: [
          {
            protocolPort,
            activeConnections: 2,
            totalConnections,
            bytesIn: 100 * totalConnections,
            bytesOut: 1000 * totalConnections,
            requestErrors: 1,
          },
        ],
      },
    );

  test('sum up what all amphorae have counted; before any has, they are null, and not 0', () => {
    expect(statsOf([counting(80, 10), counting(80, 5), amphora()])).toEqual({
      active_connections: 4,
      total_connections: 15,
      bytes_in: 1500,
      bytes_out: 15_000,
      request_errors: 2,
    });
    expect(statsOf([amphora()])).toEqual({
      active_connections: null,
      total_connections: null,
      bytes_in: null,
      bytes_out: null,
      request_errors: null,
    });
  });

  test('of a listener are those of its port', () => {
    const both = [counting(80, 10), counting(81, 5)];
    expect(listenerStatsOf({ protocolPort: 81 }, both)).toMatchObject({ total_connections: 5, bytes_out: 5000 });
    expect(listenerStatsOf({ protocolPort: 82 }, both)).toMatchObject({ total_connections: null });
  });

  test('of an amphora are told listener by listener, as long as there is the listener', () => {
    const lb = scene();
    const statistics = [80, 99].flatMap((port) => counting(port, 10).status!.statistics!);
    const counted = { ...amphora({}, { statistics }), metadata: { name: 'amp', uid: 'amp-uid' } } as Amphora;
    expect(amphoraStatsOf(lb, counted)).toEqual([
      {
        ...{ id: 'amp-uid', loadbalancer_id: lb.metadata.uid, listener_id: treeOf(lb).listeners[0]!.id },
        ...{ active_connections: 2, total_connections: 10, bytes_in: 1000, bytes_out: 10_000, request_errors: 1 },
      },
    ]);
    expect(amphoraStatsOf(lb, amphora())).toEqual([]);
  });
});
