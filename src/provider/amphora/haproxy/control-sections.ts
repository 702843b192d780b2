import type { AdminEnvironment, RenderEnvironment, TlsFiles } from './environment.ts';
import { ACTIVE_PROXY, ADMIN_PROXY, HEALTH_PROXY } from './names.ts';
import type { Line, Section } from './text.ts';

/**
 * What an amphora is steered and judged by, where that comes over the network: beside the listeners, and never in their way nor they in its.
 */

/** Connections to the master that it takes at once: the operator needs a few; a stranger who is refused needs one for a moment. */
const ADMIN_CONNECTIONS = 64;

/**
 * Connections of probes that it takes at once, in all and from one address: the kubelet and a sister need two. Anybody may ask, and an amphora that
 * can't answer its kubelet is ended by it: so no address has more than a small part, nor any of it for long.
 */
const HEALTH_CONNECTIONS = 256;
const HEALTH_CONNECTIONS_BY_ADDRESS = 8;

/** Connections that these sections may have open, beside those of clients. */
export function controlConnections({ admin, healthBind }: RenderEnvironment): number {
  return (admin === undefined ? 0 : ADMIN_CONNECTIONS) + (healthBind === undefined ? 0 : HEALTH_CONNECTIONS);
}

/** The sections that an environment asks for. */
export function controlSections({ admin, healthBind, standbyOf }: RenderEnvironment): Section[] {
  const standby = healthBind === undefined ? undefined : standbyOf;
  return [
    ...(admin === undefined ? [] : [adminSection(admin)]),
    ...(healthBind === undefined ? [] : [healthSection(healthBind, standby !== undefined)]),
    ...(standby === undefined ? [] : [activeSection(standby)]),
  ];
}

/**
 * Words that have both sides show a certificate of the same authority, in TLS 1.3 alone. OpenSSL looks at what a certificate is for (RFC 5280
 * section 4.2.1.12): a server's can't be shown by a client.
 */
export function mutualTls({ certificate, authority }: TlsFiles): string[] {
  return ['ssl', 'crt', certificate, 'ca-file', authority, 'verify', 'required', 'ssl-min-ver', 'TLSv1.3'];
}

/**
 * A way to the master's socket. A session is a connection like any other: one that is left open keeps a worker from ending, and so lasts no
 * longer than a slow reload may take.
 */
function adminSection({ bind, masterSocket, ...files }: AdminEnvironment): Section {
  return {
    opening: ['listen', ADMIN_PROXY],
    lines: [
      ['mode', 'tcp'],
      ['no', 'option', 'idle-close-on-response'],
      ['bind', bind, ...mutualTls(files)],
      ['maxconn', String(ADMIN_CONNECTIONS)],
      ['timeout', 'client', '30s'],
      ['timeout', 'connect', '2s'],
      ['timeout', 'server', '30s'],
      ['server', 'master', `unix@${masterSocket}`],
    ],
  };
}

/** `/alive`: this HAProxy works. `/ready`: it may be sent traffic, which a standby may only while the active one is not alive. */
function healthSection(bind: string, isStandby: boolean): Section {
  const answer = (status: string, ...condition: string[]): Line => ['http-request', 'return', 'status', status, ...condition];
  return {
    opening: ['frontend', HEALTH_PROXY],
    lines: [
      ['mode', 'http'],
      ['bind', bind],
      ['maxconn', String(HEALTH_CONNECTIONS)],
      ['timeout', 'client', '2s'],
      ['timeout', 'http-request', '2s'],
      ['timeout', 'http-keep-alive', '1s'],
      ['stick-table', 'type', 'ipv6', 'size', '1k', 'expire', '10s', 'store', 'conn_cur'],
      ['tcp-request', 'connection', 'track-sc0', 'src'],
      ['tcp-request', 'connection', 'reject', 'if', '{', 'sc0_conn_cur', 'gt', String(HEALTH_CONNECTIONS_BY_ADDRESS), '}'],
      answer('200', 'if', '{', 'path', '/alive', '}'),
      ...(isStandby ? [answer('503', 'if', '{', 'path', '/ready', '}', '{', `nbsrv(${ACTIVE_PROXY})`, 'gt', '0', '}')] : []),
      answer('200', 'if', '{', 'path', '/ready', '}'),
      answer('404'),
    ],
  };
}

/**
 * The active one's health. It counts as alive until two checks have failed, from the start on. The server is named by its address, so that what is carried
 * over a reload (`carriedOver`) is never said of another amphora.
 */
function activeSection(address: string): Section {
  return {
    opening: ['backend', ACTIVE_PROXY],
    lines: [
      ['mode', 'http'],
      ['option', 'httpchk'],
      ['http-check', 'send', 'meth', 'GET', 'uri', '/alive', 'ver', 'HTTP/1.1', 'hdr', 'Host', 'amphora'],
      ['http-check', 'expect', 'status', '200'],
      ['timeout', 'connect', '500ms'],
      ['timeout', 'check', '500ms'],
      ['server', address.replaceAll(/[[\]]/g, ''), address, 'check', 'inter', '500ms', 'fall', '2', 'rise', '2'],
    ],
  };
}
