import type { Configuration } from '../configuration.ts';
import type { RenderEnvironment } from './environment.ts';
import { peerName } from './peers.ts';
import type { Line, Section } from './text.ts';

/**
 * Connections above the flavor's, for what isn't clients'. `maxConnections` bounds each listener, and with this their sum; peers and the
 * sockets of the runtime API are not counted by HAProxy.
 */
const RESERVED_CONNECTIONS = 16;

/** What the process is to report of itself (`show env`). */
export interface Report {
  hash: string;
  /** Names of the backends that only kept listeners use. Reported even if there are none: a reload's environment has what the load before it set. */
  kept: string[];
}

/** No `hard-stop-after`: it would cut the connections of workers that a reload left behind. */
export function globalSection({ flavor, peer }: Configuration, environment: RenderEnvironment, report: Report): Section {
  const lines: Line[] = [
    ['setenv', 'CONFIG_HASH', report.hash],
    ['setenv', 'KEPT_BACKENDS', ['-', ...report.kept].join(' ')],
    ['localpeer', peerName(peer)],
    ['nbthread', String(flavor.threads)],
    ['maxconn', String(flavor.maxConnections + RESERVED_CONNECTIONS)],
    ['stats', 'socket', environment.adminSocket, 'mode', '600', 'level', 'admin', 'expose-fd', 'listeners'],
    ['stats', 'maxconn', '100'],
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
