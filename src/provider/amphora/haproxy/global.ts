import type { Listener } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { controlConnections } from './control-sections.ts';
import type { RenderEnvironment } from './environment.ts';
import { connectionLimit } from './frontend.ts';
import { peerName } from './peers.ts';
import type { Line, Section } from './text.ts';

/**
 * Connections above the flavor's, for what isn't clients'. `maxConnections` bounds each listener, and with this their sum; peers and the
 * sockets of the runtime API are not counted by HAProxy.
 */
const RESERVED_CONNECTIONS = 16;

/**
 * Within this time after a load the first checks of all members start, whatever the delay of their monitors; milliseconds. HAProxy would spread them
 * over a whole delay, and take a member for up until then (configuration manual section 3.2, "max-spread-checks").
 */
const FIRST_CHECKS_MS = 1000;

/** What the section tells of the rest of the file. */
export interface Summary {
  /** What the process is to report of itself (`show env`). */
  hash: string;
  /** Names of the backends that only kept listeners use. Reported even if there are none: a reload's environment has what the load before it set. */
  kept: string[];
  listeners: Listener[];
}

/** No `hard-stop-after`: it would cut the connections of workers that a reload left behind. */
export function globalSection({ flavor, peer }: Configuration, environment: RenderEnvironment, summary: Summary): Section {
  const lines: Line[] = [
    ['setenv', 'CONFIG_HASH', summary.hash],
    ['setenv', 'KEPT_BACKENDS', ['-', ...summary.kept].join(' ')],
    ...(environment.digest === undefined ? [] : [['setenv', 'ENVIRONMENT_DIGEST', environment.digest]]),
    ['localpeer', peerName(peer)],
    ['nbthread', String(flavor.threads)],
    ...connectionLines(flavor.maxConnections, environment, summary.listeners),
    ['stats', 'socket', environment.adminSocket, 'mode', '600', 'level', 'admin', 'expose-fd', 'listeners'],
    ['stats', 'maxconn', '100'],
    ['max-spread-checks', String(FIRST_CHECKS_MS)],
    ['crt-base', environment.filesDir],
    ['ca-base', environment.filesDir],
    ['ssl-load-extra-files', 'none'],
    ['tune.ssl.default-dh-param', '2048'],
  ];
  if (environment.aliveBind !== undefined) lines.push(['stats', 'socket', environment.aliveBind, 'level', 'user']);
  if (environment.serverStateFile !== undefined) lines.push(['server-state-file', environment.serverStateFile]);
  if (environment.user !== undefined) lines.push(['user', environment.user]);
  if (environment.group !== undefined) lines.push(['group', environment.group]);
  return { opening: ['global'], lines };
}

/**
 * More than this a container can't have, whose files are a million at most; and HAProxy takes 128 bytes of memory for each connection that it might have.
 */
const MOST_CONNECTIONS = 500_000;

/**
 * Control and health come in as connections of clients do (only sockets of the runtime API are exempt), so that saturated listeners must not
 * reach the limit of the whole: it is what all of them may have together. A machine that allows fewer files is no reason not to start.
 */
function connectionLines(maxConnections: number, environment: RenderEnvironment, listeners: readonly Listener[]): Line[] {
  const control = controlConnections(environment);
  if (control === 0) return [['maxconn', String(maxConnections + RESERVED_CONNECTIONS)]];
  const together = listeners.reduce((sum, listener) => sum + connectionLimit(listener, maxConnections), 0);
  const clients = Math.max(maxConnections, Math.min(together, MOST_CONNECTIONS));
  return [
    ['maxconn', String(clients + RESERVED_CONNECTIONS + control)],
    ['no', 'strict-limits'],
  ];
}

/** The backlog is the kernel's queue of a saturated listener: HAProxy's default is maxconn, too short for a small flavor's clients to wait. */
export function defaultsSection(environment: RenderEnvironment): Section {
  const lines: Line[] = [
    ['retries', '3'],
    ['option', 'redispatch'],
    ['option', 'idle-close-on-response'],
    ['backlog', '4096'],
    ['timeout', 'client', '50s'],
    ['timeout', 'connect', '5s'],
    ['timeout', 'server', '50s'],
  ];
  if (environment.serverStateFile !== undefined) lines.push(['load-server-state-from-file', 'global']);
  return { opening: ['defaults'], lines };
}
