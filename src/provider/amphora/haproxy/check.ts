import type { HealthMonitor } from '../../../api/index.ts';
import type { Backend } from './plan.ts';
import { type Line, literalFormat } from './text.ts';

/** The monitor that HAProxy runs for a pool, if any: PING, UDP-CONNECT and SCTP are refused at admission, and check nothing here. */
export function monitorOf({ pool }: Pick<Backend, 'pool'>): HealthMonitor | undefined {
  const monitor = pool.healthMonitor;
  return monitor?.adminStateUp && ['HTTP', 'HTTPS', 'TCP', 'TLS-HELLO'].includes(monitor.type) ? monitor : undefined;
}

/** Lines of a backend that say what a check asks and what it expects. */
export function checkLines(backend: Pick<Backend, 'pool'>): Line[] {
  const monitor = monitorOf(backend);
  if (!monitor) return [];
  const timeout: Line = ['timeout', 'check', `${monitor.timeout}s`];
  switch (monitor.type) {
    case 'HTTP':
    case 'HTTPS':
      return [timeout, ['option', 'httpchk'], requestLine(monitor), ['http-check', 'expect', 'status', codes(monitor.expectedCodes)]];
    case 'TLS-HELLO':
      return [timeout, ['option', 'ssl-hello-chk']];
    default:
      return [timeout];
  }
}

/** Words of a server that say how often it is checked. An HTTPS check looks at the answer and not at the certificate, as in Octavia. */
export function checkWords(backend: Pick<Backend, 'pool'>): string[] {
  const monitor = monitorOf(backend);
  if (!monitor) return [];
  const words = ['check', 'inter', `${monitor.delay}s`, 'fall', String(monitor.maxRetriesDown), 'rise', String(monitor.maxRetries)];
  if (monitor.type === 'HTTPS') words.push('check-ssl', ...(backend.pool.tls?.tlsEnabled ? [] : ['verify', 'none']));
  // The hello is the check: it must not be sent inside the session that tls of the pool would open first.
  if (monitor.type === 'TLS-HELLO' && backend.pool.tls?.tlsEnabled) words.push('no-check-ssl');
  return words;
}

/** The name of a server is its address and port, which with brackets for IPv6 is a Host header (RFC 9110 section 7.2). */
const hostOfServer = '%[srv_name,regsub("^(.*:.*):([0-9]+)$","[\\1]:\\2")]';

/** HTTP/1.1 wants a Host header, and HAProxy adds none to a check by itself: without `domainName`, members are called by their address. */
function requestLine({ httpMethod, urlPath, httpVersion, domainName }: HealthMonitor): Line {
  const line = ['http-check', 'send', 'meth', httpMethod, 'uri', urlPath, 'ver', `HTTP/${httpVersion}`];
  if (domainName === undefined && httpVersion === '1.0') return line;
  return [...line, 'hdr', 'Host', domainName === undefined ? hostOfServer : literalFormat(domainName)];
}

/** A range written backwards is the same range; HAProxy would refuse it. */
function codes(expected: string): string {
  const range = /^(\d{3})-(\d{3})$/.exec(expected);
  return range && range[1]! > range[2]! ? `${range[2]}-${range[1]}` : expected;
}
