/** For each CEL rule of the kinds: an object that it refuses, with its words, and one beside it that passes. */
import { type AnyObject, httpListener, httpPool, loadBalancer, member } from './objects.ts';

export interface RuleCase {
  message: string;
  refused: AnyObject;
  accepted: AnyObject;
}

const spec = (message: string, refused: object, accepted: object): RuleCase => ({
  message,
  refused: loadBalancer('rule', refused),
  accepted: loadBalancer('rule', accepted),
});
const pools = [httpPool()];
const toPool = { name: 'p', action: 'REDIRECT_TO_POOL', redirectPool: 'web' };
const listener = (message: string, refused: object, accepted: object) =>
  spec(message, { pools, listeners: [httpListener(refused)] }, { pools, listeners: [httpListener(accepted)] });
const pool = (message: string, refused: object, accepted: object) =>
  spec(message, { pools: [httpPool(refused)] }, { pools: [httpPool(accepted)] });
const policy = (message: string, refused: object, accepted: object) =>
  listener(message, { l7Policies: [{ name: 'p', ...refused }] }, { l7Policies: [{ name: 'p', ...accepted }] });
const rule = (message: string, refused: object, accepted: object) =>
  policy(
    message,
    { action: 'REJECT', rules: [{ name: 'r', value: 'x', ...refused }] },
    { action: 'REJECT', rules: [{ name: 'r', value: 'x', ...accepted }] },
  );
const tls = (message: string, refused: object, accepted: object) =>
  listener(
    message,
    { protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'cert', ...refused } },
    { protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'cert', ...accepted } },
  );
const monitor = (message: string, refused: object, accepted: object) =>
  pool(message, { healthMonitor: { type: 'HTTP', ...refused } }, { healthMonitor: { type: 'HTTP', ...accepted } });
const persistence = (message: string, refused: object, accepted: object) =>
  pool(message, { sessionPersistence: refused }, { sessionPersistence: accepted });

const service = (message: string, refused: object, accepted: object) =>
  spec(message, { vip: { service: refused } }, { vip: { service: accepted } });
const dual = { ipFamilyPolicy: 'PreferDualStack' };

const names = 'metadata.name must start with a letter and have at most 40 characters a-z, 0-9 and "-"';
const named = (refused: string, accepted: string): RuleCase => ({
  message: names,
  refused: loadBalancer(refused),
  accepted: loadBalancer(accepted),
});

export const ruleCases: RuleCase[] = [
  listener('ports 61025 to 61028 are those by which', { protocolPort: 61027 }, { protocolPort: 61029 }),
  listener('ports 61025 to 61028 are those by which', { protocolPort: 61025 }, { protocolPort: 61024 }),
  named('a'.repeat(41), 'a'.repeat(40)),
  named('1web', 'web1'),
  named('my.web', 'my-web'),
  spec('vip.address must be an IPv4 or IPv6 address', { vip: { address: 'example.org' } }, { vip: { address: '2001:db8::1' } }),
  spec(
    'vip.address must be of one of the ipFamilies of vip.service',
    { vip: { address: '192.0.2.1', service: { ipFamilies: ['IPv6'] } } },
    { vip: { address: '2001:db8::1', service: { ipFamilies: ['IPv6'] } } },
  ),
  service('loadBalancerClass needs type LoadBalancer', { loadBalancerClass: 'a/b' }, { type: 'LoadBalancer', loadBalancerClass: 'a/b' }),
  service(
    'externalTrafficPolicy needs type LoadBalancer',
    { externalTrafficPolicy: 'Local' },
    { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
  ),
  service('ipFamilies names each family once', { ...dual, ipFamilies: ['IPv4', 'IPv4'] }, { ...dual, ipFamilies: ['IPv6', 'IPv4'] }),
  service('two ipFamilies need ipFamilyPolicy', { ipFamilies: ['IPv4', 'IPv6'] }, { ipFamilies: ['IPv6'] }),
  service(
    'annotations of reflavor.dev belong to the operator',
    { annotations: { 'reflavor.dev/a': 'b' } },
    { annotations: { 'example.org/a': 'b' } },
  ),
  spec(
    'a listener’s defaultPool must be the name of one of spec.pools',
    { listeners: [httpListener({ defaultPool: 'gone' })], pools },
    { listeners: [httpListener({ defaultPool: 'web' })], pools },
  ),
  spec(
    'the defaultPool of an HTTP or TERMINATED_HTTPS listener must have protocol HTTP, PROXY or PROXYV2',
    { listeners: [httpListener({ defaultPool: 'web' })], pools: [httpPool({ protocol: 'TCP' })] },
    { listeners: [httpListener({ defaultPool: 'web' })], pools: [httpPool({ protocol: 'PROXYV2' })] },
  ),
  listener(
    'the defaultPool of an HTTPS listener must have protocol HTTPS, TCP, PROXY or PROXYV2',
    { protocol: 'HTTPS', defaultPool: 'web' },
    { protocol: 'TCP', defaultPool: 'web' },
  ),
  spec(
    'an L7 policy’s redirectPool must have protocol HTTP',
    { listeners: [httpListener({ l7Policies: [toPool] })], pools: [httpPool({ protocol: 'HTTPS' })] },
    { listeners: [httpListener({ l7Policies: [toPool] })], pools: [httpPool()] },
  ),
  policy(
    'an L7 policy’s redirectPool must be the name of one of spec.pools',
    { action: 'REDIRECT_TO_POOL', redirectPool: 'gone' },
    { action: 'REDIRECT_TO_POOL', redirectPool: 'web' },
  ),
  spec(
    'each listener needs a protocolPort of its own',
    { listeners: [httpListener(), httpListener({ name: 'other' })] },
    { listeners: [httpListener(), httpListener({ name: 'other', protocolPort: 8081 })] },
  ),

  listener('protocol UDP and SCTP are not supported', { protocol: 'UDP' }, { protocol: 'TCP' }),
  listener('protocol UDP and SCTP are not supported', { protocol: 'SCTP' }, { protocol: 'HTTPS' }),
  listener('protocol PROMETHEUS is not supported', { protocol: 'PROMETHEUS' }, { protocol: 'HTTP' }),
  listener(
    'TERMINATED_HTTPS needs tls.defaultTlsContainerRef',
    { protocol: 'TERMINATED_HTTPS' },
    { protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'cert' } },
  ),
  listener('tls belongs to TERMINATED_HTTPS listeners only', { tls: { defaultTlsContainerRef: 'cert' } }, {}),
  listener(
    'L7 policies belong to HTTP and TERMINATED_HTTPS listeners only',
    { protocol: 'TCP', l7Policies: [{ name: 'p', action: 'REJECT' }] },
    { l7Policies: [{ name: 'p', action: 'REJECT' }] },
  ),
  listener(
    'insertHeaders belongs to HTTP and TERMINATED_HTTPS listeners only',
    { protocol: 'HTTPS', insertHeaders: { 'X-Forwarded-For': true } },
    { insertHeaders: { 'X-Forwarded-For': true } },
  ),
  listener('connectionLimit must be -1', { connectionLimit: 0 }, { connectionLimit: 1 }),
  listener('must be a network in CIDR notation', { allowedCidrs: ['192.0.2.1'] }, { allowedCidrs: ['192.0.2.0/24', '2001:db8::/32'] }),

  tls(
    'clientAuthentication needs clientCaTlsContainerRef',
    { clientAuthentication: 'MANDATORY' },
    { clientAuthentication: 'MANDATORY', clientCaTlsContainerRef: 'ca' },
  ),
  tls('SSLv3 is not supported', { tlsVersions: ['SSLv3', 'TLSv1.2'] }, { tlsVersions: ['TLSv1.2'] }),

  policy('REDIRECT_TO_POOL needs redirectPool', { action: 'REDIRECT_TO_POOL' }, { action: 'REDIRECT_TO_POOL', redirectPool: 'web' }),
  policy(
    'REDIRECT_TO_URL needs redirectUrl',
    { action: 'REDIRECT_TO_URL' },
    { action: 'REDIRECT_TO_URL', redirectUrl: 'https://example.org/' },
  ),
  policy(
    'REDIRECT_PREFIX needs redirectPrefix',
    { action: 'REDIRECT_PREFIX' },
    { action: 'REDIRECT_PREFIX', redirectPrefix: 'https://example.org' },
  ),
  rule(
    'rules of type HEADER, COOKIE and SSL_DN_FIELD need a key',
    { type: 'HEADER', compareType: 'EQUAL_TO' },
    { type: 'HEADER', compareType: 'EQUAL_TO', key: 'X-Tenant' },
  ),
  rule(
    'FILE_TYPE rules compare by EQUAL_TO or REGEX',
    { type: 'FILE_TYPE', compareType: 'CONTAINS' },
    { type: 'FILE_TYPE', compareType: 'REGEX' },
  ),
  rule(
    'SSL_CONN_HAS_CERT and SSL_VERIFY_RESULT rules compare by EQUAL_TO',
    { type: 'SSL_VERIFY_RESULT', compareType: 'CONTAINS', value: '0' },
    { type: 'SSL_VERIFY_RESULT', compareType: 'EQUAL_TO', value: '0' },
  ),
  rule(
    'an SSL_CONN_HAS_CERT rule has the value "true"',
    { type: 'SSL_CONN_HAS_CERT', compareType: 'EQUAL_TO', value: 'yes' },
    { type: 'SSL_CONN_HAS_CERT', compareType: 'EQUAL_TO', value: 'True' },
  ),
  rule(
    'an SSL_VERIFY_RESULT rule has a number of OpenSSL as its value',
    { type: 'SSL_VERIFY_RESULT', compareType: 'EQUAL_TO', value: 'ok' },
    { type: 'SSL_VERIFY_RESULT', compareType: 'EQUAL_TO', value: '10' },
  ),

  pool('pool protocol UDP and SCTP are not supported', { protocol: 'UDP' }, { protocol: 'PROXYV2' }),
  pool('SOURCE_IP_PORT is not supported', { lbAlgorithm: 'SOURCE_IP_PORT' }, { lbAlgorithm: 'SOURCE_IP' }),
  pool(
    'a pool has members or a service, not both',
    { members: [member()], service: { name: 'web', port: 80 } },
    { service: { name: 'web', port: 'http' } },
  ),
  pool(
    'session persistence by cookie needs a pool of protocol HTTP',
    { protocol: 'TCP', sessionPersistence: { type: 'HTTP_COOKIE' } },
    { protocol: 'TCP', sessionPersistence: { type: 'SOURCE_IP' } },
  ),
  pool(
    'must be the address of one host',
    { members: [member({ address: '0.0.0.0' })] },
    { members: [member({ address: '223.255.255.254' })] },
  ),
  pool(
    'must be the address of one host',
    { members: [member({ monitorAddress: 'ff02::1' })] },
    { members: [member({ monitorAddress: 'fe80::1' })] },
  ),
  pool(
    'must be an IPv4 or IPv6 address: for a host name, use a Service',
    { members: [member({ address: 'db.example.org' })] },
    { members: [member({ address: '2001:db8::2' })] },
  ),
  pool(
    'must be an IPv4 or IPv6 address: for a host name, use a Service',
    { members: [member({ monitorAddress: '192.0.2.256' })] },
    { members: [member({ monitorAddress: '192.0.2.255' })] },
  ),
  persistence(
    'session persistence of type APP_COOKIE needs cookieName',
    { type: 'APP_COOKIE' },
    { type: 'APP_COOKIE', cookieName: 'SESSION' },
  ),
  persistence(
    'cookieName belongs to session persistence of type APP_COOKIE only',
    { type: 'HTTP_COOKIE', cookieName: 'SESSION' },
    { type: 'HTTP_COOKIE' },
  ),

  monitor('health monitors of type PING are not supported', { type: 'PING' }, { type: 'TCP' }),
  monitor('health monitors of type UDP-CONNECT and SCTP are not supported', { type: 'UDP-CONNECT' }, { type: 'TLS-HELLO' }),
  monitor('a health monitor’s timeout must not be longer than its delay', { delay: 2, timeout: 3 }, { delay: 3, timeout: 3 }),
  monitor('domainName needs httpVersion 1.1', { domainName: 'example.org' }, { domainName: 'example.org', httpVersion: '1.1' }),
];
