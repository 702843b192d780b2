import type { Amphora, Condition, Listener, LoadBalancer, Operation, Pool } from '../../sdk/index.ts';
import { goalsOf, secondsBetween } from '../../sdk/progress.ts';
import { ago, shortDuration } from '../durations.ts';
import type { Paint, Style } from '../io.ts';
import { drawTree, type Node } from './tree.ts';

const STYLES: Record<string, Style> = {
  ACTIVE: 'green',
  ONLINE: 'green',
  ERROR: 'red',
  DEGRADED: 'yellow',
  DRAINING: 'yellow',
  PENDING_CREATE: 'yellow',
  PENDING_UPDATE: 'yellow',
  PENDING_DELETE: 'yellow',
};

interface View {
  loadBalancer: LoadBalancer;
  /** Those of the load balancer. */
  amphorae: Amphora[];
  /** Milliseconds since the epoch. */
  now: number;
  paint: Paint;
}

/** `kubectl lb status`: the balancer, its operation with the goals, listeners with pools and members, amphorae. Pure. */
export function statusTree(view: View): string[] {
  const { loadBalancer, paint } = view;
  const { metadata, spec, status } = loadBalancer;
  const word = (text: string | undefined) => paint(STYLES[text ?? ''] ?? 'dim', text ?? 'UNKNOWN');
  const flavor = status?.flavorId ?? '<none>';
  const wanted = spec.flavorId !== undefined && spec.flavorId !== flavor ? `, wanted ${spec.flavorId}` : '';
  const head = [
    paint('bold', `${metadata.namespace}/${metadata.name}`),
    word(status?.provisioningStatus),
    word(status?.operatingStatus),
    `VIP ${status?.vipAddress ?? '<none>'}`,
    `flavor ${flavor}${wanted}`,
    ...(spec.suspend ? [paint('yellow', 'suspended')] : []),
  ];
  return drawTree({
    text: head.join('  '),
    children: [...conditionNodes(view), ...operationNodes(view), ...listenerNodes(view), ...unusedPools(view), ...amphoraNodes(view)],
  });
}

function conditionNodes({ loadBalancer, paint }: View): Node[] {
  const shown = (condition: Condition, good: 'green' | 'red') =>
    `${paint(condition.status === 'True' ? good : 'yellow', `${condition.type} ${condition.status}`)}  ${condition.reason}: ${condition.message}`;
  return (loadBalancer.status?.conditions ?? [])
    .filter(({ type }) => type === 'Ready' || type === 'Available' || type === 'Stalled')
    .map((condition) => ({ text: shown(condition, condition.type === 'Stalled' ? 'red' : 'green') }));
}

function operationNodes({ loadBalancer, now, paint }: View): Node[] {
  const { operation, amphorae = [] } = loadBalancer.status ?? {};
  if (!operation) return [];
  const { number, kind, from, to, attempt = 1, progress, startedAt, finishedAt, result, reason, message, warning } = operation;
  const way = from && from !== to ? `${from} → ${to}` : to;
  const what = `${paint('bold', `Operation ${number}`)}: ${kind} ${way}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
  if (finishedAt) {
    const style = result === 'Succeeded' ? 'green' : result === 'Failed' ? 'red' : 'yellow';
    const took = shortDuration(secondsBetween(startedAt, finishedAt));
    const why = result === 'Failed' ? [{ text: `${reason}: ${message}` }] : [];
    return [{ text: `${what}: ${paint(style, result!)} in ${took}, ${ago(finishedAt, now)} ago`, children: why }];
  }
  const left = amphorae.filter(({ name }) => operation.replaces?.includes(name));
  const connections = left.map(({ name, connections: open = 0 }) => `${open} on ${name}`).join(', ');
  const state = result ? paint('yellow', `going back (${result})`) : progress;
  return [
    {
      text: `${what}, ${state}, for ${ago(startedAt, now)}`,
      children: [
        ...(warning ? [{ text: `${paint('yellow', warning.reason)}: ${warning.message}` }] : []),
        ...goalNodes(operation, paint),
        ...(connections ? [{ text: `connections of those replaced: ${connections}` }] : []),
      ],
    },
  ];
}

function goalNodes(operation: Operation, paint: Paint): Node[] {
  return goalsOf(operation).map(({ name, met, afterSeconds }) => {
    if (name === operation.step) return { text: `${paint('yellow', '▸')} ${name}  ${operation.message ?? ''}`.trimEnd() };
    if (met) return { text: `${paint('green', '✔')} ${name}  after ${shortDuration(afterSeconds!)}` };
    return { text: paint('dim', `· ${name}`) };
  });
}

function listenerNodes(view: View): Node[] {
  const { spec, status } = view.loadBalancer;
  return (spec.listeners ?? []).map((listener) => {
    const problem = status?.listenerProblems?.find((candidate) => candidate.listener === listener.name);
    const closed = listener.adminStateUp === false ? '  disabled' : '';
    return {
      text: `${view.paint('bold', 'Listener')} ${listener.name}  ${listener.protocol} :${listener.protocolPort}${closed}`,
      children: [
        ...(problem ? [{ text: view.paint('red', `${problem.reason}: ${problem.message}`) }] : []),
        ...policyNodes(listener),
        ...poolsOf(view, [listener.defaultPool, ...redirectPools(listener)]),
      ],
    };
  });
}

const redirectPools = ({ l7Policies = [] }: Listener) => l7Policies.map(({ redirectPool }) => redirectPool);

function policyNodes({ l7Policies = [] }: Listener): Node[] {
  return l7Policies.map(({ name, action, redirectPool, redirectUrl, redirectPrefix }) => {
    const target = redirectPool ?? redirectUrl ?? redirectPrefix;
    return { text: `L7 policy ${name}  ${action}${target ? ` → ${target}` : ''}` };
  });
}

function poolsOf(view: View, names: (string | undefined)[]): Node[] {
  const { pools = [] } = view.loadBalancer.spec;
  return pools.filter(({ name }) => names.includes(name)).map((pool) => poolNode(view, pool));
}

function unusedPools(view: View): Node[] {
  const { listeners = [], pools = [] } = view.loadBalancer.spec;
  const used = listeners.flatMap((listener) => [listener.defaultPool, ...redirectPools(listener)]);
  return poolsOf(
    view,
    pools.map(({ name }) => name).filter((name) => !used.includes(name)),
  );
}

function poolNode(view: View, pool: Pool): Node {
  const { paint } = view;
  const head = `${paint('bold', 'Pool')} ${pool.name}  ${pool.protocol}  ${pool.lbAlgorithm ?? 'ROUND_ROBIN'}`;
  const health = healthOf(view, pool);
  const line = (address: string, port: number, more = '') => {
    const status = health(address, port);
    return { text: `${address.includes(':') ? `[${address}]` : address}:${port}  ${paint(STYLES[status] ?? 'dim', status)}${more}` };
  };
  if (!pool.service) {
    const members = pool.members ?? [];
    const children = members.map(({ address, protocolPort, weight = 1, backup, name }) =>
      line(
        address,
        protocolPort,
        [name && `  ${name}`, weight !== 1 && `  weight ${weight}`, backup && '  backup'].filter(Boolean).join(''),
      ),
    );
    return { text: head, children: children.length > 0 ? children : [{ text: paint('yellow', 'no members') }] };
  }
  // Who its members are is the Service's affair; only those that are not well are told of.
  const unwell = teller(view)?.status?.unhealthyMembers?.filter((member) => member.pool === pool.name) ?? [];
  return {
    text: `${head}  of Service ${pool.service.name}:${pool.service.port}`,
    children: unwell.map(({ address, protocolPort }) => line(address, protocolPort)),
  };
}

/** What a member is seen as by the amphora that carries the traffic. */
function healthOf(view: View, pool: Pool): (address: string, port: number) => string {
  const status = teller(view)?.status;
  if (!status) return () => 'UNKNOWN';
  const good = pool.healthMonitor && pool.healthMonitor.adminStateUp !== false ? 'ONLINE' : 'NO_MONITOR';
  return (address, port) =>
    status.unhealthyMembers?.find((m) => m.pool === pool.name && m.address === address && m.protocolPort === port)?.status ?? good;
}

function teller({ loadBalancer, amphorae }: View): Amphora | undefined {
  const carrying = (loadBalancer.status?.amphorae ?? []).filter(({ traffic }) => traffic === 'Carries');
  const first = carrying.find(({ role }) => role !== 'BACKUP') ?? carrying[0];
  return amphorae.find(({ metadata }) => metadata.name === first?.name);
}

function amphoraNodes({ loadBalancer, amphorae, paint }: View): Node[] {
  return (loadBalancer.status?.amphorae ?? []).map(({ name, flavorId, role, traffic, ready, address, connections }) => {
    const version = amphorae.find(({ metadata }) => metadata.name === name)?.status?.haproxyVersion;
    const parts = [
      `${paint('bold', 'Amphora')} ${name}`,
      flavorId,
      role,
      paint(traffic === 'Carries' || traffic === 'Standby' ? 'green' : 'yellow', traffic),
      ready ? 'ready' : paint('red', 'not ready'),
      address,
      connections === undefined ? undefined : `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      version && `HAProxy ${version}`,
    ];
    return { text: parts.filter(Boolean).join('  ') };
  });
}
