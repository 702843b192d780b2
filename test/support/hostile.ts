/** Texts made to break out of their place, and configurations that have them wherever a tenant may write one. */
import fc from 'fast-check';
import {
  HaproxyText,
  L7CompareType,
  L7Policy,
  type L7Rule,
  L7RuleType,
  LbAlgorithm,
  Listener,
  Name,
  ObjectName,
  Pool,
  TlsCiphers,
  Token,
} from '../../src/api/index.ts';
import type { Configuration } from '../../src/provider/amphora/configuration.ts';
import type { RenderEnvironment } from '../../src/provider/amphora/haproxy/index.ts';

/** Any text, with those that mean something to HAProxy, a shell, a path or JSON more often than by chance. */
export const nasty: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom(...`'"\\# $\{}(),%-f[]*!\u2028\u00a0;\n\r\t\0/.:`),
    maxLength: 30,
  }),
  fc.constantFrom(
    '-f /etc/passwd',
    '--',
    "'; stats socket /tmp/x level admin",
    'x\n    stats socket /tmp/x level admin',
    'x\nfrontend mine\n    bind :1',
    'x; set server pool:app/10.0.0.1:80 state maint',
    '$HOME',
    '"$' + '{HOME}"',
    '%[src]',
    '%[env(HOME)]',
    '%HM',
    '\\',
    "\\'",
    '),lua.x(',
    "'),base64,debug('",
    '{ always_true }',
    'or TRUE',
    '#',
    '-i -m str x',
    '.if 1',
    '../../../etc/passwd',
    '__proto__',
    'constructor',
    'unix@/run/x.sock',
    '<<',
  ),
);

const accepted = <T>(schema: { safeParse(value: unknown): { success: boolean } }, arbitrary: fc.Arbitrary<T>) =>
  arbitrary.filter((value) => schema.safeParse(value).success);
const monitor = Pool.shape.healthMonitor.unwrap().shape;

/** What a L7 rule may be compared with. */
export const value = accepted(HaproxyText, nasty);
/** Expressions for HAProxy's PCRE that compile: any text, each character of it as itself, alone and as a part. (It keeps no groups to refer back to.) */
export const regex = accepted(
  HaproxyText,
  fc
    .tuple(
      value.map((text) => text.replace(/[\x20-\x7e]/g, (c) => (/[a-z0-9]/i.test(c) ? c : `\\${c}`))),
      fc.constantFrom<(text: string) => string>(
        (text) => text,
        (text) => `^(?:${text})+$`,
        (text) => `${text}|[^'"# ]{2,4}`,
        (text) => `(${text})?`,
      ),
    )
    .map(([text, within]) => within(text)),
);
export const key = accepted(
  Token,
  fc.oneof(
    fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~aB1"), minLength: 1, maxLength: 12 }),
    fc.constantFrom('CN', 'x-a', "'", '$HOME'),
  ),
);
const urlCharacters = fc.constantFrom(...'ab/?#[]@!$&()*+,;=%:-._~');
const url = accepted(
  L7Policy.shape.redirectUrl,
  fc.string({ unit: urlCharacters, minLength: 1, maxLength: 20 }).map((rest) => `https://${rest}`),
);
const name = accepted(
  Name,
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab01-'), minLength: 1, maxLength: 63 }),
    fc.constantFrom('constructor', 'if', 'or', 'global'),
  ),
);

/** A text for each place where a tenant may write one. */
export interface Texts {
  value: string;
  key: string;
  url: string;
  urlPath: string;
  domainName: string;
  cookieName: string;
  expectedCodes: string;
  cidr: string;
  address: string;
  ciphers: string;
  listener: string;
  pool: string;
  policy: string;
  rule: string;
  secret: string;
  /** In place of a certificate, its key, and the authorities. */
  pem: string;
}

/** Those that the API lets through. */
export const texts: fc.Arbitrary<Texts> = fc.record({
  value,
  key,
  url,
  urlPath: accepted(
    monitor.urlPath,
    fc.string({ unit: urlCharacters, maxLength: 20 }).map((rest) => `/${rest}`),
  ),
  domainName: accepted(monitor.domainName, fc.string({ unit: fc.constantFrom(...'aB1-.'), minLength: 1, maxLength: 20 })),
  cookieName: key,
  expectedCodes: accepted(monitor.expectedCodes, fc.stringMatching(/^[1-5][0-9]{2}(-[1-5][0-9]{2}|(,[1-5][0-9]{2}){0,5})$/)),
  cidr: fc.oneof(
    fc.ipV4().map((ip) => `${ip}/8`),
    fc.ipV6().map((ip) => `${ip}/64`),
  ),
  address: fc.oneof(fc.ipV4(), fc.ipV6()),
  ciphers: fc.constantFrom('ALL:@SECLEVEL=0', 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', '!aNULL:HIGH'),
  listener: name,
  pool: name,
  policy: name,
  rule: name,
  secret: accepted(ObjectName, fc.string({ unit: fc.constantFrom(...'ab1-.'), minLength: 1, maxLength: 40 })),
  pem: nasty,
});

/** Those that only somebody could write who got past the API server: any text in any place, though some hold what belongs there. */
export const smuggled: fc.Arbitrary<Texts> = texts.chain((proper) =>
  fc.record(
    // Without a Secret's name there is no certificate: another configuration, not another text.
    Object.fromEntries(
      Object.entries(proper).map(([place, text]) => [
        place,
        fc.oneof(
          nasty.map((other) => other || text),
          fc.constant(text),
        ),
      ]),
    ) as {
      [Place in keyof Texts]: fc.Arbitrary<string>;
    },
  ),
);

/** Ciphers that need no quoting, for HAProxy to read. */
export const ciphers = accepted(TlsCiphers, fc.string({ unit: fc.constantFrom(...'AB1:_+!@=-'), minLength: 1, maxLength: 20 }));

/** Texts that mean nothing to anybody. */
export const harmless: Texts = {
  value: 'x',
  key: 'x',
  url: 'https://x',
  urlPath: '/x',
  domainName: 'x',
  cookieName: 'x',
  expectedCodes: '200',
  cidr: '10.0.0.0/8',
  address: '10.0.0.1',
  ciphers: 'HIGH',
  listener: 'web',
  pool: 'app',
  policy: 'p',
  rule: 'r',
  secret: 'x',
  pem: 'x',
};

/** What a configuration has beside its texts. */
export interface Shape {
  ruleType: L7Rule['type'];
  compareType: (typeof L7CompareType.options)[number];
  invert: boolean;
  action: L7Policy['action'];
  algorithm: LbAlgorithm;
  persistence?: 'SOURCE_IP' | 'HTTP_COOKIE' | 'APP_COOKIE';
  monitor?: 'HTTP' | 'HTTPS' | 'TCP' | 'TLS-HELLO';
  httpVersion: '1.0' | '1.1';
  /** Whether a check of HTTP/1.1 names a host. */
  named?: boolean;
  protocol: 'HTTP' | 'TCP' | 'HTTPS' | 'TERMINATED_HTTPS';
  poolProtocol: 'HTTP' | 'PROXY' | 'PROXYV2';
  tls: boolean;
  timeout: number;
  port: number;
}

export const shapes: fc.Arbitrary<Shape> = fc.record({
  ruleType: fc.constantFrom(...L7RuleType.options),
  compareType: fc.constantFrom(...L7CompareType.options),
  invert: fc.boolean(),
  action: fc.constantFrom('REDIRECT_TO_POOL' as const, 'REDIRECT_TO_URL' as const, 'REDIRECT_PREFIX' as const, 'REJECT' as const),
  algorithm: fc.constantFrom(...LbAlgorithm.options),
  persistence: fc.option(fc.constantFrom('SOURCE_IP' as const, 'HTTP_COOKIE' as const, 'APP_COOKIE' as const), { nil: undefined }),
  monitor: fc.option(fc.constantFrom('HTTP' as const, 'HTTPS' as const, 'TCP' as const, 'TLS-HELLO' as const), { nil: undefined }),
  httpVersion: fc.constantFrom('1.0' as const, '1.1' as const),
  named: fc.boolean(),
  protocol: fc.constantFrom('HTTP' as const, 'TCP' as const, 'HTTPS' as const, 'TERMINATED_HTTPS' as const),
  poolProtocol: fc.constantFrom('HTTP' as const, 'PROXY' as const, 'PROXYV2' as const),
  tls: fc.boolean(),
  timeout: fc.integer({ min: 0, max: 31_536_000_000 }),
  port: fc.integer({ min: 1, max: 65_535 }),
});

/** The simplest that has a rule. */
export const plain: Shape = {
  ruleType: 'PATH',
  compareType: 'EQUAL_TO',
  invert: false,
  action: 'REJECT',
  algorithm: 'ROUND_ROBIN',
  httpVersion: '1.0',
  protocol: 'HTTP',
  poolProtocol: 'HTTP',
  tls: false,
  timeout: 1,
  port: 80,
};

/** Fills the places of a shape in, past the schemas: what they let through is up to whoever makes the texts. */
export function configurationOf(shape: Shape, given: Texts): Configuration {
  const { persistence, monitor, tls, httpVersion } = shape;
  const terminated = shape.protocol === 'TERMINATED_HTTPS';
  const rule = {
    name: given.rule,
    type: shape.ruleType,
    compareType: shape.compareType,
    key: given.key,
    value: given.value,
    invert: shape.invert,
    adminStateUp: true,
  };
  const policy: L7Policy = {
    name: given.policy,
    adminStateUp: true,
    action: shape.action,
    position: 1,
    redirectPool: given.pool,
    redirectUrl: given.url,
    redirectPrefix: given.url,
    rules: [rule],
  };
  const listener = Listener.parse({
    name: 'web',
    protocol: shape.protocol,
    protocolPort: shape.port,
    timeoutClientData: shape.timeout,
    timeoutMemberData: shape.timeout,
  });
  const pool = Pool.parse({
    name: 'app',
    protocol: shape.poolProtocol,
    lbAlgorithm: shape.algorithm,
    sessionPersistence: persistence && { type: persistence },
    healthMonitor: monitor && { type: monitor, httpVersion },
  });
  if (persistence === 'APP_COOKIE') pool.sessionPersistence!.cookieName = given.cookieName;
  if (pool.healthMonitor) {
    pool.healthMonitor.urlPath = given.urlPath;
    pool.healthMonitor.expectedCodes = given.expectedCodes;
    if (shape.named && httpVersion === '1.1') pool.healthMonitor.domainName = given.domainName;
  }
  const server = { protocolPort: shape.port, weight: 1, backup: false, enabled: true, draining: false };
  return {
    loadBalancer: { namespace: 'n', name: 'lb', uid: 'u' },
    role: 'STANDALONE',
    flavor: { threads: 1, maxConnections: 10 },
    listeners: [
      {
        ...listener,
        name: given.listener,
        defaultPool: given.pool,
        allowedCidrs: [given.cidr],
        l7Policies: [policy],
        ...(terminated && {
          tls: {
            defaultTlsContainerRef: given.secret,
            sniContainerRefs: [given.secret],
            clientAuthentication: 'MANDATORY' as const,
            clientCaTlsContainerRef: given.secret,
            tlsCiphers: given.ciphers,
          },
        }),
      },
    ],
    problems: [],
    pools: [
      {
        pool: { ...pool, name: given.pool, ...(tls && { tls: { tlsEnabled: true, tlsCiphers: given.ciphers } }) },
        servers: [
          { ...server, address: given.address },
          { ...server, address: given.address, protocolPort: 1, monitorAddress: given.address, monitorPort: 2, backup: true },
        ],
      },
    ],
    secrets: terminated
      ? Object.fromEntries([[given.secret, { certificate: given.pem, key: given.pem, ca: given.pem, crl: given.pem }]])
      : {},
    peer: 0,
    peers: [{ peer: 1, address: given.address }],
  };
}

/** As an amphora that is a process of its own has it. */
export const environment: RenderEnvironment = {
  bindAddress: '127.0.0.1',
  acceptProxy: true,
  filesDir: '/files of it',
  adminSocket: '/run/it.sock',
  peersBind: '127.0.0.1:61025',
};

/** As an amphora in a pod has it: all that an environment can ask for. */
export const everything: RenderEnvironment = {
  ...environment,
  admin: { bind: '[::]:61027', masterSocket: '/run/m.sock', certificate: '/files of it/admin.pem', authority: '/files of it/admin-ca.pem' },
  peersTls: { certificate: '/files of it/peer.pem', authority: '/files of it/peer-ca.pem' },
  healthBind: '[::]:61028',
  standbyOf: '[fd00::9]:61028',
  digest: 'abc',
};

export const environments = fc.constantFrom(environment, everything);
