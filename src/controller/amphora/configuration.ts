import type { Amphora, Listener, LoadBalancer, Pool } from '../../api/index.ts';
import {
  allSecrets,
  type Configuration,
  type ListenerProblem,
  type PoolConfiguration,
  type TlsMaterial,
} from '../../provider/amphora/configuration.ts';
import { digestOf, type Need, readSecret } from './certificates.ts';
import { membersOf } from './members.ts';
import type { Sources } from './sources.ts';

/** What people should know of a listener that is served. `warning`: it is as specified, and yet may not do what was meant. */
export type Notice = ListenerProblem & { warning?: true };

/** A load balancer's spec with its Secrets and endpoints read: what all its amphorae share. */
export type Resolved = Pick<Configuration, 'loadBalancer' | 'listeners' | 'problems' | 'pools' | 'secrets' | 'drainSeconds'> & {
  /** Pools of listeners with a problem: who keeps such a listener as it was gives it the present members. */
  spare: PoolConfiguration[];
  /** What people should know of listeners that are served all the same; one for each at most. */
  notices: Notice[];
};

/** Which Secrets a listener's own TLS needs, and what of each. */
export function secretsOfListener({ tls }: Listener): [string, Need][] {
  if (!tls) return [];
  return [
    [tls.defaultTlsContainerRef, 'certificate'],
    ...(tls.sniContainerRefs ?? []).map((ref): [string, Need] => [ref, 'certificate']),
    ...(tls.clientCaTlsContainerRef && tls.clientAuthentication !== 'NONE' ? [[tls.clientCaTlsContainerRef, 'ca'] as [string, Need]] : []),
    ...(tls.clientCrlContainerRef && tls.clientAuthentication !== 'NONE' ? [[tls.clientCrlContainerRef, 'crl'] as [string, Need]] : []),
  ];
}

/** Which Secrets the way to a pool's members needs. */
export function secretsOfPool({ tls }: Pick<Pool, 'tls'>): [string, Need][] {
  if (!tls?.tlsEnabled) return [];
  return [
    ...(tls.tlsContainerRef ? [[tls.tlsContainerRef, 'certificate'] as [string, Need]] : []),
    ...(tls.caTlsContainerRef ? [[tls.caTlsContainerRef, 'ca'] as [string, Need]] : []),
    ...(tls.crlContainerRef ? [[tls.crlContainerRef, 'crl'] as [string, Need]] : []),
  ];
}

/** The pools that a listener can send to. */
export const poolsOfListener = (listener: Listener): string[] => [
  ...(listener.defaultPool ? [listener.defaultPool] : []),
  ...(listener.l7Policies ?? []).flatMap((p) => (p.adminStateUp && p.redirectPool ? [p.redirectPool] : [])),
];

/** Under `externalTrafficPolicy: Cluster` a node that passes on a connection from outside puts its own address in place of the client's. */
const translatesAddresses = ({ service }: LoadBalancer['spec']['vip']): boolean =>
  service?.type === 'LoadBalancer' && service.externalTrafficPolicy !== 'Local';

const TRANSLATED =
  'allowedCidrs may meet the addresses of nodes in place of those of clients from outside, since vip.service.externalTrafficPolicy is Cluster: set it to Local.';

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/**
 * Reads everything that a spec refers to. A listener whose Secret or pool is missing or broken becomes a problem of its own, the others go on.
 */
export function resolve(loadBalancer: LoadBalancer, sources: Sources): Resolved {
  const { spec, metadata } = loadBalancer;
  const secrets: Record<string, TlsMaterial> = {};
  const problems: ListenerProblem[] = [];
  const notices: Notice[] = [];
  const pools = new Map<string, PoolConfiguration>();
  const spare = new Map<string, PoolConfiguration>();
  const listeners: Listener[] = [];

  const read = (needs: [string, Need][]) => {
    for (const [name, need] of needs) {
      const found = readSecret(name, sources.secret(name), need);
      if ('reason' in found) return found;
      secrets[name] = { ...secrets[name], ...found };
    }
    return undefined;
  };

  for (const listener of spec.adminStateUp ? [...(spec.listeners ?? [])].sort(byName) : []) {
    if (!listener.adminStateUp) continue;
    const used = poolsOfListener(listener);
    const unknown = used.find((name) => !spec.pools?.some((p) => p.name === name));
    if (unknown) {
      const message = `Pool ${unknown} does not exist: add it to spec.pools, or change the listener.`;
      problems.push({ listener: listener.name, reason: 'PoolNotFound', message, digest: digestOf(unknown) });
      continue;
    }
    const own = (spec.pools ?? []).filter((p) => used.includes(p.name));
    const problem = read([...secretsOfListener(listener), ...own.flatMap(secretsOfPool)]);
    const lacking: string[] = [];
    for (const { members, service, ...pool } of own) {
      const found = membersOf({ ...pool, members, service }, sources);
      (problem ? spare : pools).set(pool.name, { pool, servers: found.servers });
      if (found.problem) lacking.push(found.problem.message);
    }
    if (problem)
      problems.push({ listener: listener.name, reason: problem.reason, message: problem.message, digest: digestOf(problem.digest) });
    else listeners.push(listener);
    if (problem) continue;
    if (lacking.length > 0) notices.push({ listener: listener.name, reason: 'ServiceNotFound', message: lacking.join(' '), digest: '' });
    else if (listener.allowedCidrs && translatesAddresses(spec.vip))
      notices.push({ listener: listener.name, reason: 'ClientAddressTranslated', message: TRANSLATED, digest: '', warning: true });
  }
  const { namespace, name, uid } = metadata;
  return {
    loadBalancer: { namespace: namespace!, name, uid: uid! },
    listeners,
    problems,
    pools: [...pools.values()].sort((a, b) => byName(a.pool, b.pool)),
    secrets: onlyNeeded(secrets, listeners, [...pools.values()]),
    spare: [...spare.values()],
    notices,
    drainSeconds: spec.strategy.drainSeconds,
  };
}

/** A Secret that was read for a listener which then had a problem is not carried along. */
function onlyNeeded(secrets: Record<string, TlsMaterial>, listeners: Listener[], pools: PoolConfiguration[]): Record<string, TlsMaterial> {
  const needed = new Set([...listeners.flatMap(secretsOfListener), ...pools.flatMap((p) => secretsOfPool(p.pool))].map(([name]) => name));
  return Object.fromEntries(
    Object.entries(secrets)
      .filter(([name]) => needed.has(name))
      .sort(),
  );
}

/** Whether `a` is to connect to `b` for its stick tables: the younger to the older, the BACKUP to its MASTER. */
const connectsTo = (a: Amphora, b: Amphora): boolean =>
  b.spec.operation < a.spec.operation || (b.spec.operation === a.spec.operation && b.spec.slot < a.spec.slot);

/** What one amphora is to have loaded. */
export function configurationFor(
  { notices: _notices, spare: _spare, ...resolved }: Resolved,
  amphora: Amphora,
  sisters: Amphora[],
): Configuration {
  const { role, flavorData, peer } = amphora.spec;
  return {
    ...resolved,
    role,
    flavor: { threads: flavorData.threads, maxConnections: flavorData.maxConnections },
    peer,
    peers: sisters
      .filter((s) => s.metadata.uid !== amphora.metadata.uid)
      .map((s) => ({ peer: s.spec.peer, ...(connectsTo(amphora, s) && s.status?.address ? { address: s.status.address } : {}) }))
      .sort((a, b) => a.peer - b.peer),
  };
}

const NO_PORTS: ReadonlySet<number> = new Set();

/**
 * A configuration in which listeners stay as they were loaded last, but for their members: those that have a problem, and those that the spec no
 * longer has but whose port the VIP still serves.
 *
 * @param spare the present members of the pools of listeners with a problem
 * @param served the ports of the VIP
 */
export function keeping(
  next: Configuration,
  last: Configuration | undefined,
  spare: PoolConfiguration[] = [],
  served: ReadonlySet<number> = NO_PORTS,
): Configuration {
  if (!last) return next;
  const known = { listeners: [...last.listeners, ...(last.kept?.listeners ?? [])], pools: [...last.pools, ...(last.kept?.pools ?? [])] };
  const broken = new Set(next.problems.map((p) => p.listener));
  const stays = (l: Listener) => broken.has(l.name) || served.has(l.protocolPort);
  const listeners = known.listeners.filter((l) => stays(l) && !next.listeners.some((o) => o.protocolPort === l.protocolPort));
  if (listeners.length === 0) return next;
  const used = new Set(listeners.flatMap(poolsOfListener));
  const present = (name: string) => spare.find((p) => p.pool.name === name)?.servers;
  const pools = known.pools
    .filter((p) => used.has(p.pool.name) && !next.pools.some((o) => o.pool.name === p.pool.name))
    .map((p) => ({ ...p, servers: present(p.pool.name) ?? p.servers }));
  const needed = [...listeners.flatMap(secretsOfListener), ...pools.flatMap((p) => secretsOfPool(p.pool))].map(([name]) => name);
  const old = allSecrets(last);
  const lacks = (name: string) => Object.keys(old[name] ?? {}).some((part) => !(part in (next.secrets[name] ?? {})));
  const secrets = Object.fromEntries(needed.filter(lacks).map((name) => [name, old[name]!]));
  return { ...next, kept: { listeners, pools, secrets } };
}

/** Bytes of a configuration as a Secret would hold it; a Secret holds 1 MiB at most (Kubernetes, "Secrets", size limit). */
export const configurationSize = (configuration: Configuration): number => Buffer.byteLength(JSON.stringify(configuration));
