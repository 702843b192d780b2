import {
  type Amphora,
  conditionOf,
  isAwaitingOperator,
  type Listener,
  type LoadBalancer,
  type Member,
  type OperatingStatus,
  type Pool,
  type ProvisioningStatus,
} from '../../api/index.ts';
import { canonicalAddress } from '../../provider/amphora/haproxy/address.ts';

/** A child's two statuses, as Octavia has them. */
export interface StatusPair {
  provisioning_status: ProvisioningStatus;
  operating_status: OperatingStatus;
}

/** What a load balancer and its children are said to be. */
export interface Statuses {
  loadBalancer: StatusPair;
  listener(listener: Listener): StatusPair;
  pool(pool: Pool): StatusPair;
  member(pool: Pool, member: Member): StatusPair;
  /** Of what is only switched on and off: health monitors, L7 policies and rules. */
  switched(enabled: boolean): StatusPair;
}

/**
 * Provisioning status: PENDING from the moment that something was asked for, before the operator's first visit too, so that whoever waits
 * never takes the time before for the end.
 */
export function provisioningOf(loadBalancer: LoadBalancer): ProvisioningStatus {
  const { metadata, status } = loadBalancer;
  if (metadata.deletionTimestamp) return 'PENDING_DELETE';
  if (status?.provisioningStatus === undefined) return 'PENDING_CREATE';
  if (!isAwaitingOperator(loadBalancer)) return status.provisioningStatus;
  return status.flavorId === undefined ? 'PENDING_CREATE' : 'PENDING_UPDATE';
}

/** Reasons of Ready by which the amphorae do not have what the spec asks for. */
const NOT_LOADED = new Set(['InvalidSpec', 'ConfigurationRefused', 'ConfigurationTooLarge']);
/** A listener with this problem does what it is to do, if not quite as was meant. */
const WARNING = 'ClientAddressTranslated';

/** The amphora that takes new connections, and answers: what it sees of the members counts. */
export const carrierOf = ({ status }: LoadBalancer, amphorae: readonly Amphora[]): Amphora | undefined =>
  amphorae.find(({ metadata }) =>
    status?.amphorae?.some(({ name, traffic, ready }) => traffic === 'Carries' && ready && name === metadata.name),
  );

const memberKey = (pool: string, { address, protocolPort }: Pick<Member, 'address' | 'protocolPort'>) =>
  `${pool} ${canonicalAddress(address) ?? address} ${protocolPort}`;

/**
 * The statuses of a load balancer and its children.
 *
 * A child is as pending as its load balancer, since the operator takes up a spec as a whole; in ERROR where the amphorae do not have it. Members
 * are as the amphora that carries the traffic sees them; a pool is in ERROR where no member takes traffic and DEGRADED where one is down; a
 * listener is ONLINE where it accepts connections, whatever its pool is (Octavia's rules, update_db of its health manager). Pools that no
 * listener uses are OFFLINE, since nothing looks at them.
 */
export function statusesOf(loadBalancer: LoadBalancer, amphorae: readonly Amphora[]): Statuses {
  const { spec, status } = loadBalancer;
  const provisioning = provisioningOf(loadBalancer);
  const carrier = carrierOf(loadBalancer, amphorae);
  const notLoaded = NOT_LOADED.has(conditionOf(status?.conditions, 'Ready')?.reason ?? '');
  const broken = new Set(status?.listenerProblems?.filter(({ reason }) => reason !== WARNING).map(({ listener }) => listener));
  const unhealthy = new Map(carrier?.status?.unhealthyMembers?.map((member) => [memberKey(member.pool, member), member.status]));
  const unwell = new Set(carrier?.status?.unhealthyMembers?.filter((member) => member.status === 'ERROR').map(({ pool }) => pool));
  const used = new Set((spec.adminStateUp ? (spec.listeners ?? []) : []).filter(({ adminStateUp }) => adminStateUp).flatMap(poolsOf));

  const ofChild = (wrong = false): ProvisioningStatus => {
    if (provisioning !== 'ACTIVE' && provisioning !== 'ERROR') return provisioning;
    return wrong || notLoaded ? 'ERROR' : 'ACTIVE';
  };

  function ofListener({ adminStateUp, protocolPort }: Listener): OperatingStatus {
    if (!spec.adminStateUp || !adminStateUp) return 'OFFLINE';
    const open = carrier?.status?.listeners?.some((listener) => listener.protocolPort === protocolPort && listener.open);
    if (open && status?.vipPorts?.includes(protocolPort)) return 'ONLINE';
    return provisioning === 'ACTIVE' ? 'ERROR' : 'OFFLINE';
  }

  function ofMember(pool: Pool, member: Member): OperatingStatus {
    if (!member.adminStateUp || !pool.adminStateUp) return 'OFFLINE';
    const checked = pool.healthMonitor?.adminStateUp === true;
    if (!carrier || !used.has(pool.name)) return checked ? 'OFFLINE' : 'NO_MONITOR';
    return unhealthy.get(memberKey(pool.name, member)) ?? (checked ? 'ONLINE' : 'NO_MONITOR');
  }

  function ofPool(pool: Pool): OperatingStatus {
    if (!pool.adminStateUp || !carrier || !used.has(pool.name)) return 'OFFLINE';
    const members = (pool.members ?? []).map((member) => ofMember(pool, member));
    if (members.length > 0 && !members.some((member) => member === 'ONLINE' || member === 'NO_MONITOR')) return 'ERROR';
    return unwell.has(pool.name) ? 'DEGRADED' : 'ONLINE';
  }

  return {
    loadBalancer: { provisioning_status: provisioning, operating_status: status?.operatingStatus ?? 'OFFLINE' },
    listener: (listener) => ({ provisioning_status: ofChild(broken.has(listener.name)), operating_status: ofListener(listener) }),
    pool: (pool) => ({ provisioning_status: ofChild(), operating_status: ofPool(pool) }),
    member: (pool, member) => ({ provisioning_status: ofChild(), operating_status: ofMember(pool, member) }),
    switched: (enabled) => ({ provisioning_status: ofChild(), operating_status: enabled && carrier ? 'ONLINE' : 'OFFLINE' }),
  };
}

/** Names of the pools that a listener sends to. */
export const poolsOf = ({ defaultPool, l7Policies = [] }: Pick<Listener, 'defaultPool' | 'l7Policies'>): string[] => [
  ...(defaultPool === undefined ? [] : [defaultPool]),
  ...l7Policies.flatMap(({ redirectPool, adminStateUp }) => (redirectPool === undefined || !adminStateUp ? [] : redirectPool)),
];
