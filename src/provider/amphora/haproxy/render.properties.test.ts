import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { HaproxyText, L7CompareType, L7Policy, type L7Rule, L7RuleType, LbAlgorithm, Listener, Pool, Token } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { Authority } from '../kubernetes/identity/authority.ts';
import { assemble } from './assemble.ts';
import { configurationHash, membersRevision, type RenderEnvironment, render } from './index.ts';

jest.setTimeout(300_000);

/**
 * Whatever the API lets through, and what it does not: texts made to break out of their word. The structure of the file must not depend on
 * them: the same configuration with harmless texts has the same keywords in the same lines.
 */
const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '#', ' ', '$', '{', '}', '(', ')', ',', '%', '-', 'f', '[', ']', '*', '\u2028', '\u00a0', '!'),
    maxLength: 30,
  }),
  fc.constantFrom(
    '-f /etc/passwd',
    '--',
    "'; stats socket /tmp/x level admin",
    '$HOME',
    '"$' + '{HOME}"',
    '%[src]',
    '\\',
    "\\'",
    '{ always_true }',
    'or TRUE',
    '#',
    '-i -m str x',
  ),
);
const accepted = <T>(schema: { safeParse(value: unknown): { success: boolean } }, arbitrary: fc.Arbitrary<T>) =>
  arbitrary.filter((value) => schema.safeParse(value).success);
const value = accepted(HaproxyText, nasty);
const key = accepted(
  Token,
  fc.oneof(
    fc.string({ unit: fc.constantFrom(..."!#$%&'*+-.^_`|~aB1"), minLength: 1, maxLength: 12 }),
    fc.constantFrom('CN', 'x-a', "'", '$HOME'),
  ),
);
const url = accepted(
  L7Policy.shape.redirectUrl,
  fc.string({ unit: fc.constantFrom(...'ab/?#[]@!$&()*+,;=%:-._~'), minLength: 1, maxLength: 20 }).map((rest) => `https://${rest}`),
);

interface Texts {
  value: string;
  key: string;
  url: string;
  urlPath: string;
  cookieName: string;
  cidr: string;
  address: string;
  ciphers: string;
}
const texts: fc.Arbitrary<Texts> = fc.record({
  value,
  key,
  url,
  urlPath: accepted(
    Pool.shape.healthMonitor.unwrap().shape.urlPath,
    fc.string({ unit: fc.constantFrom(...'ab/?#[]@!$&()*+,;=%:-._~'), maxLength: 20 }).map((rest) => `/${rest}`),
  ),
  cookieName: key,
  cidr: fc.oneof(
    fc.ipV4().map((ip) => `${ip}/8`),
    fc.ipV6().map((ip) => `${ip}/64`),
  ),
  address: fc.oneof(fc.ipV4(), fc.ipV6()),
  ciphers: fc.constantFrom('ALL:@SECLEVEL=0', 'ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', '!aNULL:HIGH'),
});
const harmless: Texts = {
  value: 'x',
  key: 'x',
  url: 'https://x',
  urlPath: '/x',
  cookieName: 'x',
  cidr: '10.0.0.0/8',
  address: '10.0.0.1',
  ciphers: 'HIGH',
};

interface Shape {
  ruleType: L7Rule['type'];
  compareType: (typeof L7CompareType.options)[number];
  invert: boolean;
  action: L7Policy['action'];
  algorithm: LbAlgorithm;
  persistence?: 'SOURCE_IP' | 'HTTP_COOKIE' | 'APP_COOKIE';
  monitor?: 'HTTP' | 'HTTPS' | 'TCP' | 'TLS-HELLO';
  httpVersion: '1.0' | '1.1';
  protocol: 'HTTP' | 'TCP' | 'HTTPS';
  poolProtocol: 'HTTP' | 'PROXY' | 'PROXYV2';
  tls: boolean;
  timeout: number;
  port: number;
}
const shapes: fc.Arbitrary<Shape> = fc.record({
  ruleType: fc.constantFrom(...L7RuleType.options),
  compareType: fc.constantFrom(...L7CompareType.options.filter((type) => type !== 'REGEX')),
  invert: fc.boolean(),
  action: fc.constantFrom('REDIRECT_TO_POOL' as const, 'REDIRECT_TO_URL' as const, 'REDIRECT_PREFIX' as const, 'REJECT' as const),
  algorithm: fc.constantFrom(...LbAlgorithm.options),
  persistence: fc.option(fc.constantFrom('SOURCE_IP' as const, 'HTTP_COOKIE' as const, 'APP_COOKIE' as const), { nil: undefined }),
  monitor: fc.option(fc.constantFrom('HTTP' as const, 'HTTPS' as const, 'TCP' as const, 'TLS-HELLO' as const), { nil: undefined }),
  httpVersion: fc.constantFrom('1.0' as const, '1.1' as const),
  protocol: fc.constantFrom('HTTP' as const, 'TCP' as const, 'HTTPS' as const),
  poolProtocol: fc.constantFrom('HTTP' as const, 'PROXY' as const, 'PROXYV2' as const),
  tls: fc.boolean(),
  timeout: fc.integer({ min: 0, max: 31_536_000_000 }),
  port: fc.integer({ min: 1, max: 65_535 }),
});

const plain: Shape = {
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

function configurationOf(shape: Shape, given: Texts): Configuration {
  const { persistence, monitor, tls } = shape;
  const rule = {
    name: 'r',
    type: shape.ruleType,
    compareType: shape.compareType,
    key: given.key,
    value: given.value,
    invert: shape.invert,
  };
  const policy = { name: 'p', action: shape.action, redirectPool: 'app', redirectUrl: given.url, redirectPrefix: given.url, rules: [rule] };
  const pool = Pool.parse({
    name: 'app',
    protocol: shape.poolProtocol,
    lbAlgorithm: shape.algorithm,
    sessionPersistence: persistence && { type: persistence, cookieName: persistence === 'APP_COOKIE' ? given.cookieName : undefined },
    healthMonitor: monitor && { type: monitor, urlPath: given.urlPath, httpVersion: shape.httpVersion, expectedCodes: '300-200' },
    tls: tls ? { tlsCiphers: given.ciphers } : undefined,
  });
  const server = { protocolPort: shape.port, weight: 1, backup: false, enabled: true, draining: false };
  return {
    loadBalancer: { namespace: 'n', name: 'lb', uid: 'u' },
    role: 'STANDALONE',
    flavor: { threads: 1, maxConnections: 10 },
    listeners: [
      Listener.parse({
        name: 'web',
        protocol: shape.protocol,
        protocolPort: shape.port,
        defaultPool: 'app',
        allowedCidrs: [given.cidr],
        timeoutClientData: shape.timeout,
        timeoutMemberData: shape.timeout,
        l7Policies: [policy],
      }),
    ],
    problems: [],
    pools: [
      {
        pool,
        servers: [
          { ...server, address: given.address },
          { ...server, address: given.address, protocolPort: 1, monitorAddress: given.address, monitorPort: 2, backup: true },
        ],
      },
    ],
    secrets: {},
    peer: 0,
    peers: [{ peer: 1, address: given.address }],
  };
}

const environment: RenderEnvironment = {
  bindAddress: '127.0.0.1',
  acceptProxy: true,
  filesDir: '/files of it',
  adminSocket: '/run/it.sock',
  peersBind: '127.0.0.1:61025',
};

/** As an amphora in a pod has it: all that an environment can ask for. */
const everything: RenderEnvironment = {
  ...environment,
  admin: { bind: '[::]:61027', masterSocket: '/run/m.sock', certificate: '/files of it/admin.pem', authority: '/files of it/admin-ca.pem' },
  peersTls: { certificate: '/files of it/peer.pem', authority: '/files of it/peer-ca.pem' },
  healthBind: '[::]:61028',
  standbyOf: '[fd00::9]:61028',
  digest: 'abc',
};
const environments = fc.constantFrom(environment, everything);

/** Takes a line apart as the manual's section 2.2 has it, written from that text alone: words between blanks, quotes and backslashes. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (c === "'") {
      const end = line.indexOf("'", i + 1);
      if (end === -1) throw new Error(`a quote without end: ${line}`);
      word = (word ?? '') + line.slice(i + 1, end);
      i = end;
    } else if (c === '"' || c === '$') throw new Error(`a place where variables are looked at: ${line}`);
    else if (c === '\\') word = (word ?? '') + line[++i]!;
    else if (c === '#') break;
    else if (c === ' ' || c === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  return word === undefined ? words : [...words, word];
}

const parsed = (config: string) => config.split('\n').map(wordsOf);

describe('whatever texts the API lets through', () => {
  test('the file has the lines, and the lines have the words, of one with harmless texts', () => {
    fc.assert(
      fc.property(shapes, texts, environments, (shape, given, where) => {
        const actual = parsed(assemble(configurationOf(shape, given), where, 'hash').config);
        const expected = parsed(assemble(configurationOf(shape, { ...harmless, ciphers: given.ciphers }), where, 'hash').config);
        expect(actual.map((words) => words.length)).toEqual(expected.map((words) => words.length));
        expect(actual.map(([keyword]) => keyword)).toEqual(expected.map(([keyword]) => keyword));
      }),
      { numRuns: 3000 },
    );
  });

  test('a text is one word, and as it was written', () => {
    fc.assert(
      fc.property(value, (text) => {
        const lines = parsed(assemble(configurationOf(plain, { ...harmless, value: text }), environment, 'hash').config);
        expect(lines.find(([acl, name]) => acl === 'acl' && name === 'p:r')?.slice(2)).toEqual(['path', '-m', 'str', '--', text]);
      }),
      { numRuns: 3000 },
    );
  });

  describe('HAProxy', () => {
    let dir: string;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'reflavor-render-'));
      const kept = await Authority.create('of a test', new Date());
      const { certificate, key } = await (await Authority.open(kept)).issue({ commonName: 'it', uses: ['server', 'client'] }, new Date());
      await writeFile(join(dir, 'identity.pem'), `${certificate}${key}`);
      await writeFile(join(dir, 'authority.pem'), kept.certificate);
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    test('takes the file', async () => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(shapes, texts, environments, async (shape, given, where) => {
          const file = join(dir, `${run++}.cfg`);
          const identity = { certificate: join(dir, 'identity.pem'), authority: join(dir, 'authority.pem') };
          const here = {
            ...where,
            filesDir: dir,
            adminSocket: join(dir, 'admin.sock'),
            ...(where.admin ? { admin: { ...where.admin, ...identity }, peersTls: identity } : {}),
          };
          await writeFile(file, render(configurationOf(shape, given), here).config);
          await promisify(execFile)('haproxy', ['-c', '-f', file]).catch((error: { stderr: string }) => {
            throw new Error(error.stderr);
          });
        }),
        { numRuns: 100 },
      );
    });
  });
});

describe('what an environment adds', () => {
  test('changes no section of the tenant’s, and is in no hash', () => {
    fc.assert(
      fc.property(shapes, texts, (shape, given) => {
        const of = (where: RenderEnvironment) =>
          assemble(configurationOf(shape, given), where, configurationHash(configurationOf(shape, given)));
        const tenants = ({ config }: { config: string }) =>
          config.split('\n\n').filter((section) => /^(frontend listener:|backend pool:|defaults)/.test(section));
        expect(tenants(of(everything))).toEqual(tenants(of(environment)));
        expect(of(everything).config).toContain(`setenv CONFIG_HASH ${configurationHash(configurationOf(shape, given))}\n`);
      }),
      { numRuns: 300 },
    );
  });

  test('leaves room for control and probes when every listener is at its limit', () => {
    const limit = fc.option(fc.integer({ min: 1, max: 2000 }), { nil: -1 });
    fc.assert(
      fc.property(fc.array(limit, { maxLength: 20 }), fc.integer({ min: 1, max: 2000 }), (limits, maxConnections) => {
        const listeners = limits.map((connectionLimit, i) =>
          Listener.parse({ name: `l${i}`, protocol: 'TCP', protocolPort: i + 1, connectionLimit }),
        );
        const configuration = { ...configurationOf(plain, harmless), flavor: { threads: 1, maxConnections }, listeners };
        const lines = parsed(assemble(configuration, everything, 'hash').config);
        const [whole, ...each] = lines.filter(([keyword]) => keyword === 'maxconn').map(([, most]) => Number(most));
        expect(whole).toBeGreaterThanOrEqual(each.reduce((sum, most) => sum + most, 0));
      }),
      { numRuns: 300 },
    );
  });

  test('asks for no more connections than a container can have files for', () => {
    const listeners = [1, 2, 3].map((port) => Listener.parse({ name: `l${port}`, protocol: 'TCP', protocolPort: port }));
    const configuration = { ...configurationOf(plain, harmless), flavor: { threads: 1, maxConnections: 400_000 }, listeners };
    expect(assemble(configuration, everything, 'hash').config).toMatch(/^ {4}maxconn 500\d{3}$/m);
  });
});

describe('the hash and the revision', () => {
  test('are the same whatever the members, and whatever else, respectively', () => {
    fc.assert(
      fc.property(shapes, texts, texts, (shape, given, other) => {
        const one = configurationOf(shape, given);
        const otherMembers = { ...one, pools: configurationOf(shape, { ...given, address: other.address }).pools, peer: 3, peers: [] };
        expect(configurationHash(otherMembers)).toBe(configurationHash(one));
        const otherTexts = configurationOf(shape, { ...other, address: given.address });
        expect(membersRevision(otherTexts)).toBe(membersRevision(one));
      }),
      { numRuns: 300 },
    );
  });
});
