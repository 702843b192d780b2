import type { InsertHeaders, Listener, ListenerTls } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { endpoint, isCidr } from './address.ts';
import type { Files } from './files.ts';
import { policyLines } from './l7.ts';
import { milliseconds } from './milliseconds.ts';
import { frontendName } from './names.ts';
import type { Frontend } from './plan.ts';
import type { Line, Section } from './text.ts';
import { bindTls } from './tls.ts';

/** Where a listener stands. */
export interface FrontendEnvironment {
  bindAddress: string;
  bindAddress6?: string;
  acceptProxy: boolean;
  filesDir: string;
}

/** A listener: its port, who may come, what is done to requests, and where they go. Without an enabled pool: 503 for HTTP, closed for TCP. */
export function frontendSection(
  { listener, mode, backends }: Frontend,
  configuration: Pick<Configuration, 'flavor' | 'secrets'>,
  environment: FrontendEnvironment,
  files: Files,
): Section {
  const tls = listener.protocol === 'TERMINATED_HTTPS' ? listener.tls : undefined;
  const bind = [...bindWords(environment, listener.protocolPort), ...(environment.acceptProxy ? ['accept-proxy'] : [])];
  const backend = backends.get(listener.defaultPool ?? '');
  return {
    opening: ['frontend', frontendName(listener)],
    lines: [
      ['mode', mode],
      [...bind, ...(tls ? bindTls(tls, configuration.secrets, files, environment.filesDir) : [])],
      ['maxconn', String(connectionLimit(listener, configuration.flavor.maxConnections))],
      ['timeout', 'client', milliseconds(listener.timeoutClientData)],
      ...(listener.timeoutTcpInspect > 0 ? [['tcp-request', 'inspect-delay', milliseconds(listener.timeoutTcpInspect)]] : []),
      ...allowedCidrs(listener.allowedCidrs ?? [], environment.acceptProxy),
      ...(mode === 'http' ? headerLines(listener) : []),
      ...(tls ? hsts(tls) : []),
      ...(mode === 'http' ? policyLines(listener.l7Policies ?? [], backends) : []),
      ...(backend === undefined ? [] : [['default_backend', backend]]),
    ],
  };
}

/** One socket for each family: with a single one for both, a client of IPv4 would be known by an address of IPv6 (`::ffff:192.0.2.1`). */
function bindWords({ bindAddress, bindAddress6 }: FrontendEnvironment, port: number): string[] {
  if (bindAddress6 === undefined) return ['bind', endpoint(bindAddress, port)];
  return ['bind', `${endpoint(bindAddress, port)},${endpoint(bindAddress6, port)}`, 'v6only'];
}

/** Connections that a listener takes at once. */
export function connectionLimit(listener: Pick<Listener, 'connectionLimit'>, maxConnections: number): number {
  return listener.connectionLimit > 0 ? Math.min(listener.connectionLimit, maxConnections) : maxConnections;
}

/**
 * Only `tcp-request session` sees the address that a PROXY header tells; `connection` rules see who sent the header (manual section 5.1,
 * "accept-proxy"). One network a line, since a line takes 64 words. A network that is none admits nobody.
 */
function allowedCidrs(cidrs: readonly string[], acceptProxy: boolean): Line[] {
  if (cidrs.length === 0) return [];
  const networks = [...cidrs].filter(isCidr).sort();
  const refuse = ['tcp-request', acceptProxy ? 'session' : 'connection', 'reject'];
  if (networks.length === 0) return [refuse];
  return [...networks.map((network) => ['acl', 'allowed_cidrs', 'src', network]), [...refuse, 'unless', 'allowed_cidrs']];
}

const headerValues: Record<keyof InsertHeaders, string | undefined> = {
  'X-Forwarded-For': undefined,
  'X-Forwarded-Port': '%[dst_port]',
  'X-Forwarded-Proto': undefined,
  'X-SSL-Client-Verify': '%[ssl_c_verify]',
  'X-SSL-Client-Has-Cert': '%[ssl_c_used]',
  'X-SSL-Client-DN': '%[ssl_c_s_dn]',
  'X-SSL-Client-CN': '%[ssl_c_s_dn(cn)]',
  'X-SSL-Issuer': '%[ssl_c_i_dn]',
  'X-SSL-Client-SHA1': '%[ssl_c_sha1,hex]',
  'X-SSL-Client-Not-Before': '%[ssl_c_notbefore]',
  'X-SSL-Client-Not-After': '%[ssl_c_notafter]',
};

/** Every header but X-Forwarded-For, which has a history, takes the place of one that the client sent. */
function headerLines({ insertHeaders, protocol }: Listener): Line[] {
  return (Object.keys(headerValues) as (keyof InsertHeaders)[])
    .filter((header) => insertHeaders?.[header])
    .map((header) => {
      if (header === 'X-Forwarded-For') return ['option', 'forwardfor'];
      const value = header === 'X-Forwarded-Proto' ? (protocol === 'TERMINATED_HTTPS' ? 'https' : 'http') : headerValues[header]!;
      return ['http-request', 'set-header', header, value];
    });
}

function hsts({ hstsMaxAge, hstsIncludeSubdomains, hstsPreload }: ListenerTls): Line[] {
  if (hstsMaxAge === undefined) return [];
  const directives = [
    `max-age=${hstsMaxAge}`,
    ...(hstsIncludeSubdomains ? ['includeSubDomains'] : []),
    ...(hstsPreload ? ['preload'] : []),
  ];
  return [['http-response', 'set-header', 'Strict-Transport-Security', directives.join('; ')]];
}
