import * as z from 'zod';
import { AlpnProtocol, TlsCiphers, TlsVersion, Token } from './listener.ts';
import { atomicList, cel, FreeText, mapList, Name, ObjectName, Port, setList } from './meta.ts';

/** Octavia's pool protocols; those that HAProxy can't speak are refused in words. */
export const PoolProtocol = z.enum(['HTTP', 'HTTPS', 'TCP', 'PROXY', 'PROXYV2', 'UDP', 'SCTP']);
export type PoolProtocol = z.infer<typeof PoolProtocol>;

export const LbAlgorithm = z.enum(['ROUND_ROBIN', 'LEAST_CONNECTIONS', 'SOURCE_IP', 'SOURCE_IP_PORT']);
export type LbAlgorithm = z.infer<typeof LbAlgorithm>;

const IpAddress = z
  .string()
  .max(45)
  .meta(
    cel(
      { rule: 'isIP(self)', message: 'must be an IPv4 or IPv6 address: for a host name, use a Service in place of members' },
      {
        rule: "!isIP(self) || !(ip(self).isUnspecified() || cidr('224.0.0.0/4').containsIP(self) || cidr('ff00::/8').containsIP(self) || self == '255.255.255.255')",
        message: 'must be the address of one host: unspecified, multicast and broadcast addresses are none',
      },
    ),
  );

export const Member = z.object({
  address: IpAddress,
  protocolPort: Port,
  name: FreeText.optional(),
  adminStateUp: z.boolean().default(true),
  weight: z.int().min(0).max(256).default(1).meta({ description: 'Share of the traffic; 0: no new connections.' }),
  backup: z.boolean().default(false).meta({ description: 'Used only while no other member is up.' }),
  monitorAddress: IpAddress.optional().meta({ description: 'Where the health monitor asks; default the member’s address.' }),
  monitorPort: Port.optional().meta({ description: 'Default the member’s port.' }),
});
export type Member = z.infer<typeof Member>;

export const SessionPersistence = z
  .object({
    type: z.enum(['SOURCE_IP', 'HTTP_COOKIE', 'APP_COOKIE']),
    cookieName: Token.optional().meta({ description: 'The application’s cookie; for APP_COOKIE.' }),
  })
  .meta(
    cel(
      { rule: "self.type != 'APP_COOKIE' || has(self.cookieName)", message: 'session persistence of type APP_COOKIE needs cookieName' },
      {
        rule: "self.type == 'APP_COOKIE' || !has(self.cookieName)",
        message: 'cookieName belongs to session persistence of type APP_COOKIE only',
      },
    ),
  );
export type SessionPersistence = z.infer<typeof SessionPersistence>;

export const HealthMonitor = z
  .object({
    type: z.enum(['HTTP', 'HTTPS', 'TCP', 'TLS-HELLO', 'PING', 'UDP-CONNECT', 'SCTP']),
    adminStateUp: z.boolean().default(true),
    delay: z.int().min(1).max(86_400).default(5).meta({ description: 'Seconds between checks.' }),
    timeout: z.int().min(1).max(86_400).default(3).meta({ description: 'Seconds that a check may take.' }),
    maxRetries: z.int().min(1).max(10).default(3).meta({ description: 'Successes until a member is up.' }),
    maxRetriesDown: z.int().min(1).max(10).default(3).meta({ description: 'Failures until a member is down.' }),
    httpMethod: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT']).default('GET'),
    httpVersion: z.enum(['1.0', '1.1']).default('1.0'),
    urlPath: z
      .string()
      .min(1)
      .max(255)
      .regex(/^\/[A-Za-z0-9\-._~:/?#[\]@!$&()*+,;=%]*$/)
      .default('/'),
    domainName: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/)
      .optional()
      .meta({ description: 'Host header of the check; needs httpVersion 1.1.' }),
    expectedCodes: z
      .string()
      .max(64)
      .regex(/^[1-5][0-9]{2}(-[1-5][0-9]{2}|(,[1-5][0-9]{2})*)$/)
      .default('200')
      .meta({ description: 'One code, a list (200,202) or a range (200-204).' }),
  })
  .meta(
    cel(
      {
        rule: "self.type != 'PING'",
        message: 'health monitors of type PING are not supported, since an amphora may send no ICMP without privileges: use TCP',
      },
      {
        rule: "!(self.type in ['UDP-CONNECT', 'SCTP'])",
        message: 'health monitors of type UDP-CONNECT and SCTP are not supported: use HTTP, HTTPS, TCP or TLS-HELLO',
      },
      { rule: 'self.timeout <= self.delay', message: 'a health monitor’s timeout must not be longer than its delay' },
      { rule: "!has(self.domainName) || self.httpVersion == '1.1'", message: 'domainName needs httpVersion 1.1' },
    ),
  );
export type HealthMonitor = z.infer<typeof HealthMonitor>;

/** TLS from the amphora to the members. */
export const PoolTls = z.object({
  tlsEnabled: z.boolean().default(true),
  tlsContainerRef: ObjectName.optional().meta({ description: 'Secret (kubernetes.io/tls) with the certificate shown to members.' }),
  caTlsContainerRef: ObjectName.optional().meta({
    description: 'Secret whose ca.crt signs the members’ certificates; they are not checked where unset, as in Octavia.',
  }),
  crlContainerRef: ObjectName.optional().meta({ description: 'Secret whose ca.crl lists revoked certificates of members.' }),
  tlsVersions: z.array(TlsVersion).min(1).max(5).optional().meta(setList),
  tlsCiphers: TlsCiphers.optional(),
  alpnProtocols: z.array(AlpnProtocol).max(3).optional().meta(atomicList),
});
export type PoolTls = z.infer<typeof PoolTls>;

export const Pool = z
  .object({
    name: Name,
    description: FreeText.optional(),
    adminStateUp: z.boolean().default(true),
    protocol: PoolProtocol,
    lbAlgorithm: LbAlgorithm.default('ROUND_ROBIN'),
    sessionPersistence: SessionPersistence.optional(),
    members: z.array(Member).max(512).optional().meta(mapList('address', 'protocolPort')),
    service: z
      .object({ name: Name, port: z.union([Port, Name]).meta({ description: 'Number or name of a port of the Service.' }) })
      .optional()
      .meta({ description: 'A Service of the same namespace whose endpoints are the members.' }),
    healthMonitor: HealthMonitor.optional(),
    tls: PoolTls.optional(),
  })
  .meta(
    cel(
      {
        rule: "!(self.protocol in ['UDP', 'SCTP'])",
        message: 'pool protocol UDP and SCTP are not supported, since HAProxy does not speak them: use TCP, HTTP, HTTPS, PROXY or PROXYV2',
      },
      { rule: "self.lbAlgorithm != 'SOURCE_IP_PORT'", message: 'SOURCE_IP_PORT is not supported by the amphora provider: use SOURCE_IP' },
      { rule: '!(has(self.members) && size(self.members) > 0 && has(self.service))', message: 'a pool has members or a service, not both' },
      {
        rule: "!has(self.sessionPersistence) || self.sessionPersistence.type == 'SOURCE_IP' || self.protocol == 'HTTP'",
        message: 'session persistence by cookie needs a pool of protocol HTTP',
      },
    ),
  );
export type Pool = z.infer<typeof Pool>;
