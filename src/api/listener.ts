import * as z from 'zod';
import { atomicList, cel, FreeText, mapList, Name, ObjectName, Port, setList } from './meta.ts';

/** Octavia's listener protocols; those that HAProxy can't serve are refused in words. */
export const ListenerProtocol = z.enum(['HTTP', 'HTTPS', 'TERMINATED_HTTPS', 'TCP', 'PROMETHEUS', 'UDP', 'SCTP']);
export type ListenerProtocol = z.infer<typeof ListenerProtocol>;

/** Octavia's TLS versions. */
export const TlsVersion = z.enum(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);

/** OpenSSL's cipher list, without anything that HAProxy's grammar could take for more. */
export const TlsCiphers = z
  .string()
  .min(1)
  .max(2048)
  .regex(/^[A-Za-z0-9:_+!@=-]+$/);

export const AlpnProtocol = z.enum(['h2', 'http/1.1', 'http/1.0']);

/** Text for HAProxy that the renderer quotes; control characters have no place in it. */
export const HaproxyText = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}]+$/u);

/** An HTTP header's or cookie's name (RFC 9110 section 5.6.2, token). */
export const Token = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);

/** Milliseconds, Octavia's range of its time-outs. */
const Timeout = z.int().min(0).max(31_536_000_000);

/** Octavia's `insert_headers`. */
export const InsertHeaders = z.object({
  'X-Forwarded-For': z.boolean().optional(),
  'X-Forwarded-Port': z.boolean().optional(),
  'X-Forwarded-Proto': z.boolean().optional(),
  'X-SSL-Client-Verify': z.boolean().optional(),
  'X-SSL-Client-Has-Cert': z.boolean().optional(),
  'X-SSL-Client-DN': z.boolean().optional(),
  'X-SSL-Client-CN': z.boolean().optional(),
  'X-SSL-Issuer': z.boolean().optional(),
  'X-SSL-Client-SHA1': z.boolean().optional(),
  'X-SSL-Client-Not-Before': z.boolean().optional(),
  'X-SSL-Client-Not-After': z.boolean().optional(),
});
export type InsertHeaders = z.infer<typeof InsertHeaders>;

/** TLS of a TERMINATED_HTTPS listener; certificates come from Secrets of type kubernetes.io/tls in the same namespace. */
export const ListenerTls = z
  .object({
    defaultTlsContainerRef: ObjectName.meta({
      description: 'Secret (kubernetes.io/tls) with the certificate of clients that name no other.',
    }),
    sniContainerRefs: z
      .array(ObjectName)
      .max(64)
      .optional()
      .meta({ ...setList, description: 'Secrets with certificates chosen by server name (SNI).' }),
    tlsVersions: z
      .array(TlsVersion)
      .min(1)
      .max(5)
      .optional()
      .meta({ ...setList, description: 'Default TLSv1.2 and TLSv1.3.' }),
    tlsCiphers: TlsCiphers.optional(),
    alpnProtocols: z
      .array(AlpnProtocol)
      .max(3)
      .optional()
      .meta({ ...atomicList, description: 'In order of preference; default h2, http/1.1.' }),
    clientAuthentication: z.enum(['NONE', 'OPTIONAL', 'MANDATORY']).default('NONE'),
    clientCaTlsContainerRef: ObjectName.optional().meta({ description: 'Secret whose ca.crt signs client certificates.' }),
    clientCrlContainerRef: ObjectName.optional().meta({ description: 'Secret whose ca.crl lists revoked client certificates.' }),
    hstsMaxAge: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .optional()
      .meta({ description: 'Seconds; set to send Strict-Transport-Security (RFC 6797).' }),
    hstsIncludeSubdomains: z.boolean().optional(),
    hstsPreload: z.boolean().optional(),
  })
  .meta(
    cel(
      {
        rule: "self.clientAuthentication == 'NONE' || has(self.clientCaTlsContainerRef)",
        message: 'clientAuthentication needs clientCaTlsContainerRef: the Secret with the certificate authority of the clients',
      },
      {
        rule: "!has(self.tlsVersions) || !self.tlsVersions.exists(v, v == 'SSLv3')",
        message: 'SSLv3 is not supported: use TLSv1.2 or TLSv1.3',
      },
    ),
  );
export type ListenerTls = z.infer<typeof ListenerTls>;

export const L7RuleType = z.enum([
  'HOST_NAME',
  'PATH',
  'FILE_TYPE',
  'HEADER',
  'COOKIE',
  'SSL_CONN_HAS_CERT',
  'SSL_VERIFY_RESULT',
  'SSL_DN_FIELD',
]);
export const L7CompareType = z.enum(['REGEX', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO']);

export const L7Rule = z
  .object({
    name: Name,
    type: L7RuleType,
    compareType: L7CompareType,
    key: Token.optional().meta({ description: 'Header, cookie or DN field; for HEADER, COOKIE and SSL_DN_FIELD.' }),
    value: HaproxyText,
    invert: z.boolean().default(false),
    adminStateUp: z.boolean().default(true),
  })
  .meta(
    cel(
      {
        rule: "!(self.type in ['HEADER', 'COOKIE', 'SSL_DN_FIELD']) || has(self.key)",
        message: 'rules of type HEADER, COOKIE and SSL_DN_FIELD need a key',
      },
      {
        rule: "self.type != 'FILE_TYPE' || self.compareType in ['EQUAL_TO', 'REGEX']",
        message: 'FILE_TYPE rules compare by EQUAL_TO or REGEX',
      },
      {
        rule: "!(self.type in ['SSL_CONN_HAS_CERT', 'SSL_VERIFY_RESULT']) || self.compareType == 'EQUAL_TO'",
        message: 'SSL_CONN_HAS_CERT and SSL_VERIFY_RESULT rules compare by EQUAL_TO',
      },
      {
        rule: "self.type != 'SSL_CONN_HAS_CERT' || self.value.lowerAscii() == 'true'",
        message: 'an SSL_CONN_HAS_CERT rule has the value "true"; use invert for the opposite',
      },
      {
        rule: "self.type != 'SSL_VERIFY_RESULT' || self.value.matches('^[0-9]+$')",
        message: 'an SSL_VERIFY_RESULT rule has a number of OpenSSL as its value, 0 for success',
      },
    ),
  );
export type L7Rule = z.infer<typeof L7Rule>;

/** Octavia's REDIRECT_PREFIX and REDIRECT_URL: absolute http(s), of the characters that RFC 3986 allows but quotes. */
const Url = z
  .string()
  .min(1)
  .max(255)
  .regex(/^https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&()*+,;=%]+$/);

export const L7Policy = z
  .object({
    name: Name,
    description: FreeText.optional(),
    adminStateUp: z.boolean().default(true),
    action: z.enum(['REDIRECT_TO_POOL', 'REDIRECT_TO_URL', 'REDIRECT_PREFIX', 'REJECT']),
    position: z
      .int()
      .min(1)
      .max(2_147_483_647)
      .default(2_147_483_647)
      .meta({ description: 'Order within its action’s group; equal ones by name.' }),
    redirectPool: Name.optional(),
    redirectUrl: Url.optional(),
    redirectPrefix: Url.optional(),
    redirectHttpCode: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]).optional(),
    rules: z
      .array(L7Rule)
      .max(16)
      .optional()
      .meta({ ...mapList('name'), description: 'All must match. A policy without rules matches nothing.' }),
  })
  .meta(
    cel(
      { rule: "self.action != 'REDIRECT_TO_POOL' || has(self.redirectPool)", message: 'REDIRECT_TO_POOL needs redirectPool' },
      { rule: "self.action != 'REDIRECT_TO_URL' || has(self.redirectUrl)", message: 'REDIRECT_TO_URL needs redirectUrl' },
      { rule: "self.action != 'REDIRECT_PREFIX' || has(self.redirectPrefix)", message: 'REDIRECT_PREFIX needs redirectPrefix' },
    ),
  );
export type L7Policy = z.infer<typeof L7Policy>;

/** An IPv4 or IPv6 network in CIDR notation. */
export const Cidr = z
  .string()
  .max(49)
  .meta(cel({ rule: 'isCIDR(self)', message: 'must be a network in CIDR notation, as in 192.0.2.0/24' }));

export const Listener = z
  .object({
    name: Name.meta({ description: 'Names the listener; the list is keyed by it.' }),
    description: FreeText.optional().meta({ description: 'For people.' }),
    adminStateUp: z.boolean().default(true).meta({ description: 'false closes the listener.' }),
    protocol: ListenerProtocol.meta({ description: 'HTTP, HTTPS (passed through), TERMINATED_HTTPS (decrypted here) or TCP.' }),
    protocolPort: Port.meta({
      description: 'Port of the VIP; unique among the listeners.',
      ...cel({
        rule: 'self < 61025 || self > 61028',
        message: 'ports 61025 to 61028 are those by which the operator and the amphorae speak to each other: choose another protocolPort',
      }),
    }),
    connectionLimit: z
      .int()
      .min(-1)
      .max(1_000_000)
      .default(-1)
      .meta({ description: 'Connections at once; -1: as many as the flavor allows.' }),
    timeoutClientData: Timeout.default(50_000).meta({ description: 'Milliseconds of client inactivity.' }),
    timeoutMemberConnect: Timeout.default(5_000).meta({ description: 'Milliseconds to connect to a member.' }),
    timeoutMemberData: Timeout.default(50_000).meta({ description: 'Milliseconds of member inactivity.' }),
    timeoutTcpInspect: Timeout.default(0).meta({ description: 'Milliseconds to wait for more of a TCP stream’s content.' }),
    allowedCidrs: z
      .array(Cidr)
      .max(256)
      .optional()
      .meta({ ...setList, description: 'Networks that may connect; all where unset.' }),
    insertHeaders: InsertHeaders.optional().meta({ description: 'HTTP and TERMINATED_HTTPS only.' }),
    tls: ListenerTls.optional().meta({ description: 'Certificates and TLS settings; TERMINATED_HTTPS only.' }),
    l7Policies: z
      .array(L7Policy)
      .max(32)
      .optional()
      .meta({
        ...mapList('name'),
        description: 'What is done with requests that match rules: REJECT first, then redirects to URLs, then to pools.',
      }),
    defaultPool: Name.optional().meta({
      description: 'The pool of what no L7 policy takes; without one such requests get 503, TCP connections are closed.',
    }),
  })
  .meta(
    cel(
      {
        rule: "!(self.protocol in ['UDP', 'SCTP'])",
        message:
          'protocol UDP and SCTP are not supported, since HAProxy has no listeners of them: use TCP, HTTP, HTTPS or TERMINATED_HTTPS',
      },
      {
        rule: "self.protocol != 'PROMETHEUS'",
        message: 'protocol PROMETHEUS is not supported: use HTTP, HTTPS, TERMINATED_HTTPS or TCP',
      },
      {
        rule: "self.protocol != 'TERMINATED_HTTPS' || has(self.tls)",
        message: 'TERMINATED_HTTPS needs tls.defaultTlsContainerRef, the Secret with its certificate',
      },
      { rule: "self.protocol == 'TERMINATED_HTTPS' || !has(self.tls)", message: 'tls belongs to TERMINATED_HTTPS listeners only' },
      {
        rule: "self.protocol in ['HTTP', 'TERMINATED_HTTPS'] || !has(self.l7Policies) || size(self.l7Policies) == 0",
        message: 'L7 policies belong to HTTP and TERMINATED_HTTPS listeners only',
      },
      {
        rule: "self.protocol in ['HTTP', 'TERMINATED_HTTPS'] || !has(self.insertHeaders)",
        message: 'insertHeaders belongs to HTTP and TERMINATED_HTTPS listeners only',
      },
      { rule: 'self.connectionLimit != 0', message: 'connectionLimit must be -1 (as many as the flavor allows) or at least 1' },
    ),
  );
export type Listener = z.infer<typeof Listener>;
