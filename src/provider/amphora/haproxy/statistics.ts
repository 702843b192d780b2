import type { ListenerStatistics, MemberStatus } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import type { AmphoraObservation } from '../driver.ts';
import { type LoadedServer, revisionOf } from './members.ts';
import { parseBackendName, parseFrontendName, parseServerName } from './names.ts';
import { stickTablesSynced } from './peers-state.ts';
import { type Ask, parseEnv, parseInfo, parseServersState, parseStat, type Row } from './runtime.ts';

/** What a worker says of itself. */
export type Loaded = Pick<
  AmphoraObservation,
  'haproxyVersion' | 'configurationHash' | 'membersRevision' | 'listeners' | 'members' | 'uncheckedMembers' | 'stickTablesSynced'
> & {
  /** What it was told of its environment (`RenderEnvironment.digest`). */
  environmentDigest?: string;
  connections: Connections;
};

/** Connections of one worker. */
export interface Connections {
  /** Open ones of clients. */
  current: number;
  /** Since the worker started. */
  total: number;
  /** A listener, or the whole, is at its limit: clients may be waiting in the kernel's queue, which HAProxy can't see into. */
  queued: boolean;
  /** By listening port, in the order of the ports. */
  statistics: ListenerStatistics[];
}

/**
 * Asks the worker that takes new connections for all that an observation says of it. `peers`: those of the configuration that it loaded, which
 * tell whether there was anybody to learn stick tables from.
 */
export async function readLoaded(ask: Ask, peers: Configuration['peers'], signal?: AbortSignal): Promise<Loaded> {
  const [info, env, stat, servers, showPeers] = [
    parseInfo(await ask('show info', signal)),
    parseEnv(await ask('show env', signal)),
    parseStat(await ask('show stat', signal)),
    parseServersState(await ask('show servers state', signal)),
    await ask('show peers', signal),
  ];
  const kept = new Set((env.get('KEPT_BACKENDS') ?? '').split(' '));
  return {
    haproxyVersion: info.get('Version'),
    configurationHash: env.get('CONFIG_HASH'),
    environmentDigest: env.get('ENVIRONMENT_DIGEST'),
    membersRevision: revisionOf(loadedServers(servers, stat).filter((server) => server.enabled && !kept.has(server.backend))),
    listeners: listenersOf(stat),
    ...membersOf(stat),
    stickTablesSynced: stickTablesSynced(showPeers, peers),
    connections: connectionsOf(info, stat),
  };
}

/** Asks any worker, also one that a reload left behind, for its connections. */
export async function readConnections(ask: Ask, signal?: AbortSignal): Promise<Connections> {
  return connectionsOf(parseInfo(await ask('show info', signal)), parseStat(await ask('show stat', signal)));
}

/** A server with its administrative state. `checked`: its health check, if it has one, is not switched off. */
export type RunningServer = LoadedServer & { name: string; enabled: boolean; checked: boolean };

/** The administrative states that take a server out (management guide, "show servers state"); 0x04 only tells that the file says `disabled`. */
const MAINTENANCE = 0x01 | 0x02 | 0x20;

/** CHK_ST_ENABLED (same place). */
const CHECK_ENABLED = 0x04;

/** The servers of all pools as a worker has them, from `show servers state`; that one is a backup only `show stat` tells. */
export function loadedServers(serversState: readonly Row[], stat: readonly Row[]): RunningServer[] {
  const backups = new Set(
    stat.filter((row) => row('type') === '2' && row('bck') === '1').map((row) => `${row('pxname')}/${row('svname')}`),
  );
  return serversState
    .filter((row) => parseBackendName(row('be_name')))
    .map((row) => ({
      backend: row('be_name'),
      name: row('srv_name'),
      address: row('srv_addr'),
      port: Number(row('srv_port')),
      weight: Number(row('srv_uweight')),
      backup: backups.has(`${row('be_name')}/${row('srv_name')}`),
      checkAddress: row('srv_check_addr') === '-' ? undefined : row('srv_check_addr'),
      checkPort: row('srv_check_port') === '0' ? undefined : Number(row('srv_check_port')),
      enabled: (Number(row('srv_admin_state')) & MAINTENANCE) === 0,
      checked: (Number(row('srv_check_state')) & CHECK_ENABLED) !== 0,
    }));
}

/** What is told of each listener, in the order of their ports. */
function ofListeners<T>(stat: readonly Row[], tell: (row: Row, protocolPort: number) => T): T[] {
  return stat
    .flatMap((row) => {
      const listener = row('svname') === 'FRONTEND' ? parseFrontendName(row('pxname')) : undefined;
      return listener ? [{ row, port: listener.protocolPort }] : [];
    })
    .sort((a, b) => a.port - b.port)
    .map(({ row, port }) => tell(row, port));
}

const listenersOf = (stat: readonly Row[]): Loaded['listeners'] =>
  ofListeners(stat, (row, protocolPort) => ({ protocolPort, open: ['OPEN', 'FULL'].includes(row('status')) }));

/** Management guide section 9.1: `bin`, `bout` and `ereq` as its own words have them. */
const statisticsOf = (stat: readonly Row[]): ListenerStatistics[] =>
  ofListeners(stat, (row, protocolPort) => ({
    protocolPort,
    activeConnections: Number(row('scur')),
    totalConnections: Number(row('conn_tot')),
    bytesIn: Number(row('bin')),
    bytesOut: Number(row('bout')),
    requestErrors: Number(row('ereq')),
  }));

/** A pool that several backends stand for is told once, by the worst that any of them sees of a member. */
function membersOf(stat: readonly Row[]): Pick<Loaded, 'members' | 'uncheckedMembers'> {
  const members = new Map<string, Loaded['members'][number]>();
  const unchecked = new Set<string>();
  for (const row of stat.filter((candidate) => candidate('type') === '2')) {
    const pool = parseBackendName(row('pxname'))?.pool;
    if (pool === undefined) continue;
    const status = memberStatus(row('status'), Number(row('weight')));
    const key = `${pool}/${row('svname')}`;
    const known = members.get(key);
    if (isUnchecked(row('status'), row('check_status'))) unchecked.add(key);
    if (!known || status === 'ERROR') members.set(key, { pool, ...parseServerName(row('svname')), status });
  }
  return { members: [...members.values()], uncheckedMembers: unchecked.size };
}

/**
 * Whether HAProxy calls a server up only because nothing has contradicted: its first check has not ended (management guide section 9.1, "check_status":
 * INI, with an asterisk before it while a check is under way).
 */
export function isUnchecked(status: string, checkStatus: string | undefined): boolean {
  return status.startsWith('UP') && /^(\* )?INI$/.test(checkStatus ?? '');
}

/**
 * Octavia's operating status of a member, from HAProxy's of its server and its weight (management guide section 9.1, "status" and "weight"):
 * a server that nothing checks doesn't say by itself that its weight is 0.
 */
export function memberStatus(status: string, weight: number): MemberStatus {
  if (status.startsWith('MAINT')) return 'OFFLINE';
  if (status.startsWith('DRAIN') || status.startsWith('NOLB')) return 'DRAINING';
  if (status !== 'no check' && !status.startsWith('UP')) return 'ERROR';
  if (weight === 0) return 'DRAINING';
  return status === 'no check' ? 'NO_MONITOR' : 'ONLINE';
}

function connectionsOf(info: ReadonlyMap<string, string>, stat: readonly Row[]): Connections {
  const isFull = ofListeners(stat, (row) => Number(row('slim')) > 0 && Number(row('scur')) >= Number(row('slim')));
  const full = isFull.includes(true);
  const statistics = statisticsOf(stat);
  return {
    statistics,
    current: statistics.reduce((sum, { activeConnections }) => sum + activeConnections, 0),
    total: statistics.reduce((sum, { totalConnections }) => sum + totalConnections, 0),
    queued: full || Number(info.get('CurrConns') ?? 0) >= Number(info.get('Maxconn') ?? Number.POSITIVE_INFINITY),
  };
}
