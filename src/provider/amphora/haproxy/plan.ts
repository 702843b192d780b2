import { isDeepStrictEqual } from 'node:util';
import type { Listener } from '../../../api/index.ts';
import type { Configuration, MemberServer, PoolConfiguration } from '../configuration.ts';
import { canonicalAddress } from './address.ts';
import { backendName, serverIds, serverName } from './names.ts';
import { usesStickTable } from './persistence.ts';

/** A member as a server of HAProxy. */
export interface Server {
  name: string;
  id: number;
  address: string;
  port: number;
  /** What HAProxy is given: 0 for a draining member, which keeps its persistent clients and gets no new ones. */
  weight: number;
  backup: boolean;
  enabled: boolean;
  checkAddress?: string;
  checkPort?: number;
}

/** A backend to be: a pool for those of its listeners that agree on mode and time-outs. */
export interface Backend {
  name: string;
  pool: PoolConfiguration['pool'];
  mode: 'http' | 'tcp';
  timeoutConnect: number;
  timeoutServer: number;
  servers: Server[];
  /** The backend whose stick table this one uses: the first of the pool that has one, so that persistence holds across listeners. */
  stickTable: string;
  /** Only listeners that are kept as they were use it: it counts neither in the hash nor in the members' revision. */
  kept: boolean;
  /** Prefix of what a client must not be able to guess, for cookies. */
  seed: string;
}

/** A listener with the backends that it can send to, by name of the pool. Disabled pools are not among them. */
export interface Frontend {
  listener: Listener;
  mode: 'http' | 'tcp';
  backends: Map<string, string>;
}

/** What of a configuration HAProxy is to have. */
export interface Plan {
  frontends: Frontend[];
  backends: Backend[];
}

const modes: Partial<Record<Listener['protocol'], 'http' | 'tcp'>> = { HTTP: 'http', TERMINATED_HTTPS: 'http', HTTPS: 'tcp', TCP: 'tcp' };

/**
 * Decides the frontends and backends of a configuration. A pool is one backend for all listeners with the same mode and time-outs, so that
 * it is checked once; the first keeps the pool's plain name. Pools that no listener uses are left out, as in Octavia; so are protocols that
 * HAProxy doesn't speak. What is kept of an earlier configuration is added to the rest and changes nothing there.
 */
export function planOf(configuration: Configuration): Plan {
  const { kept } = configuration;
  const backends: BackendsByPool = new Map();
  const plan = (listeners: readonly Listener[], pools: ReadonlyMap<string, PoolConfiguration>, isKept: boolean) =>
    sortedByName(listeners).flatMap(
      (listener) => frontendOf(listener, pools, backends, { seed: configuration.loadBalancer.uid, kept: isKept }) ?? [],
    );
  const frontends = plan(configuration.listeners, enabledByName(configuration.pools), false);
  if (kept) frontends.push(...plan(kept.listeners, enabledByName([...configuration.pools, ...kept.pools]), true));
  return { frontends, backends: sortedByName([...backends.values()].flat()) };
}

/** By name of the pool, those of one in the order in which listeners ask for them. A load balancer may have a thousand pools: none is looked for in a list. */
type BackendsByPool = Map<string, Backend[]>;

/** The first of a name counts. */
function enabledByName(pools: readonly PoolConfiguration[]): Map<string, PoolConfiguration> {
  return new Map(
    pools
      .filter(({ pool }) => pool.adminStateUp)
      .map((one): [string, PoolConfiguration] => [one.pool.name, one])
      .reverse(),
  );
}

/** The listener with its backends, which are added to those that are there already. */
function frontendOf(
  listener: Listener,
  pools: ReadonlyMap<string, PoolConfiguration>,
  backends: BackendsByPool,
  origin: Pick<Backend, 'seed' | 'kept'>,
): Frontend | undefined {
  const mode = modes[listener.protocol];
  if (!mode || !listener.adminStateUp || (listener.protocol === 'TERMINATED_HTTPS' && !listener.tls)) return undefined;
  const own = new Map<string, string>();
  for (const name of poolsOf(listener)) {
    const pool = pools.get(name);
    if (!pool) continue;
    const wanted = { mode, timeoutConnect: listener.timeoutMemberConnect, timeoutServer: listener.timeoutMemberData };
    const siblings = backends.get(name) ?? [];
    const shared = siblings.find((backend) => isDeepStrictEqual(profileOf(backend), wanted));
    if (shared) {
      own.set(name, shared.name);
      continue;
    }
    const backend = siblings.length > 0 ? backendName(name, listener.name) : backendName(name);
    const stickTable = siblings.find(usesStickTable)?.stickTable ?? backend;
    own.set(name, backend);
    const added = { ...wanted, ...origin, name: backend, pool: pool.pool, servers: serversOf(pool.servers), stickTable };
    backends.set(name, [...siblings.filter((sibling) => sibling.name !== backend), added]);
  }
  return { listener, mode, backends: own };
}

function profileOf({ mode, timeoutConnect, timeoutServer }: Backend) {
  return { mode, timeoutConnect, timeoutServer };
}

function poolsOf(listener: Listener): string[] {
  const redirected = (listener.l7Policies ?? []).map((policy) => (policy.action === 'REDIRECT_TO_POOL' ? policy.redirectPool : undefined));
  return [...new Set([listener.defaultPool, ...redirected].filter((name) => name !== undefined))].sort();
}

/** Members that aren't addresses don't get here from the API server, and would be looked up as host names: they are left out. */
function serversOf(members: readonly MemberServer[]): Server[] {
  const servers = new Map<string, Omit<Server, 'id'>>();
  for (const member of members) {
    const address = canonicalAddress(member.address);
    if (address === undefined) continue;
    const name = serverName(address, member.protocolPort);
    if (servers.has(name)) continue;
    servers.set(name, {
      name,
      address,
      port: member.protocolPort,
      weight: member.draining ? 0 : member.weight,
      backup: member.backup,
      enabled: member.enabled,
      checkAddress: member.monitorAddress === undefined ? undefined : canonicalAddress(member.monitorAddress),
      checkPort: member.monitorPort,
    });
  }
  const ids = serverIds([...servers.keys()]);
  return sortedByName([...servers.values()]).map((server) => ({ ...server, id: ids.get(server.name)! }));
}

function sortedByName<T extends { name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
