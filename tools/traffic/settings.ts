import { requireLoopback } from './loopback.ts';
import { type Kind, kinds } from './tally.ts';

/**
 * What traffic `startTraffic` makes, and where to. The clients, by kind, each making one request after the other:
 * - `newConnections`: a new connection for each request;
 * - `keepAlive`: one connection, used again as long as the server lets it;
 * - `slow`: requests that a member takes `slowMs` to answer;
 * - `downloads`: `downloadBytes` spread over `downloadSeconds`, every byte compared;
 * - `sticky`: keeps its cookies, or has a source address of its own, and notes each change of the member;
 * - `held`: requests that stay unanswered for `holdMs`: that many connections are taken up, so as to bring a connection limit to its end.
 */
export interface TrafficOptions extends Partial<Record<Kind, number>> {
  /**
   * `http://`, `https://` or `tcp://` and a loopback address (or localhost) and port. A path is asked for by the quick kinds, and is what the others' paths
   * are put under. With tcp a request is a connection to a tcp member whose echo is compared; keepAlive and downloads are refused.
   */
  url: string;
  /** More request headers, such as `host`. */
  headers?: Record<string, string>;
  /** For https: the CA to trust, the name to ask for and to check (default: the address), and the client's certificate. */
  tls?: { caPem?: string; serverName?: string; certPem?: string; keyPem?: string };
  /** Default: `cookie`. */
  stickyBy?: 'cookie' | 'sourceAddress';
  /** What sticky clients ask for, such as `/session` to get a cookie from the member. Default: the URL's path. */
  stickyPath?: string;
  /** Default: 1000. */
  slowMs?: number;
  /** Default: 10,000. */
  holdMs?: number;
  /** Default: 1,000,000 bytes over 2 seconds. */
  downloadBytes?: number;
  downloadSeconds?: number;
  /** Requests a second of newConnections, keepAlive and sticky together. Default: as many as are answered. */
  rate?: number;
  /** For each request, milliseconds, on top of the time that it is meant to take. Default: 30,000. */
  timeoutMs?: number;
  /** A request fails where the member saw another client address than its own. Default: false. */
  checkClientAddress?: boolean;
  /** Traffic ends by itself after this many requests (default 1,000,000, at most 10,000,000) … */
  maxRequests?: number;
  /** … or after this time (default 600, at most 3600 seconds). */
  maxSeconds?: number;
}

/** `TrafficOptions`, checked and complete. */
export interface TrafficSettings
  extends Required<Omit<TrafficOptions, Kind | 'url' | 'rate' | 'tls'>>,
    Pick<TrafficOptions, 'rate' | 'tls'> {
  scheme: 'http' | 'https' | 'tcp';
  host: string;
  port: number;
  path: string;
  /** The path without a slash at its end, to put other paths behind. */
  prefix: string;
  clients: Record<Kind, number>;
}

const mostClients = 2000;

/**
 * Checks options and fills in the defaults. Throws a RangeError that names the option, for instance where the address is not one that
 * `requireAddress` lets pass: a loopback one, unless said otherwise.
 */
export function trafficSettings(options: TrafficOptions, requireAddress = requireLoopback): TrafficSettings {
  const url = new URL(options.url);
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'tcp') throw new RangeError(`url: ${options.url} is not of http, https or tcp`);
  const host = requireAddress(url.hostname);
  const port = Number(url.port || { http: 80, https: 443, tcp: 0 }[scheme]);
  if (port === 0) throw new RangeError(`url: ${options.url} names no port`);
  const clients = Object.fromEntries(kinds.map((kind) => [kind, within(kind, options[kind] ?? 0, 0, mostClients)])) as Record<Kind, number>;
  const total = within(
    'clients of all kinds',
    Object.values(clients).reduce((sum, n) => sum + n),
    1,
    mostClients,
  );
  if (scheme === 'tcp' && clients.keepAlive + clients.downloads > 0) throw new RangeError('keepAlive and downloads: tcp has neither');
  const path = url.pathname + url.search;
  const maxRequests = within('maxRequests', options.maxRequests ?? 1_000_000, total, 10_000_000);
  return {
    scheme,
    host,
    port,
    path: path || '/',
    prefix: url.pathname.replace(/\/$/, ''),
    clients,
    headers: options.headers ?? {},
    tls: options.tls,
    stickyBy: options.stickyBy ?? 'cookie',
    stickyPath: options.stickyPath ?? (path || '/'),
    slowMs: within('slowMs', options.slowMs ?? 1000, 0, 600_000),
    holdMs: within('holdMs', options.holdMs ?? 10_000, 0, 600_000),
    downloadBytes: within('downloadBytes', options.downloadBytes ?? 1_000_000, 0, 1_000_000_000),
    downloadSeconds: within('downloadSeconds', options.downloadSeconds ?? 2, 0, 600),
    rate: options.rate === undefined ? undefined : within('rate', options.rate, 0.1, 1_000_000),
    timeoutMs: within('timeoutMs', options.timeoutMs ?? 30_000, 1, 600_000),
    checkClientAddress: options.checkClientAddress ?? false,
    maxRequests,
    maxSeconds: within('maxSeconds', options.maxSeconds ?? 600, 0.1, 3600),
  };
}

function within(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new RangeError(`${name}: ${value} is not within ${least} and ${most}`);
}
