import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { L7Policy, L7Rule, Listener } from '../../../src/api/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { type CertificateAndKey, issueCertificate, makeCa } from '../../support/certificates.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { request, type TestRequest } from '../../support/request.ts';

jest.setTimeout(60_000);

type Asked = Pick<TestRequest, 'path' | 'headers' | 'method'>;
type Rule = Partial<L7Rule> & Pick<L7Rule, 'type' | 'compareType' | 'value'>;

const host = (name: string): Asked => ({ headers: { host: name } });
const path = (value: string): Asked => ({ path: value });
const cookie = (value: string): Asked => ({ headers: { cookie: value } });

/** Rules with requests that they match and requests that they don't. */
const rules: { rule: Rule; matches: Asked[]; misses: Asked[] }[] = [
  {
    rule: { type: 'HOST_NAME', compareType: 'EQUAL_TO', value: 'shop.example.com' },
    matches: [host('shop.example.com'), host('SHOP.example.com:8080')],
    misses: [host('example.com'), host('a.shop.example.com')],
  },
  { rule: { type: 'HOST_NAME', compareType: 'STARTS_WITH', value: 'shop.' }, matches: [host('shop.a')], misses: [host('a.shop.')] },
  {
    rule: { type: 'HOST_NAME', compareType: 'ENDS_WITH', value: '.example.com' },
    matches: [host('a.Example.com:80')],
    misses: [host('example.com')],
  },
  { rule: { type: 'HOST_NAME', compareType: 'CONTAINS', value: 'hop' }, matches: [host('shop.a')], misses: [host('a.b')] },
  {
    rule: { type: 'HOST_NAME', compareType: 'REGEX', value: '^(a|b)\\.example$' },
    matches: [host('b.example')],
    misses: [host('c.example')],
  },
  {
    rule: { type: 'PATH', compareType: 'EQUAL_TO', value: '/a' },
    matches: [path('/a'), path('/a?b=c')],
    misses: [path('/A'), path('/a/')],
  },
  { rule: { type: 'PATH', compareType: 'STARTS_WITH', value: '/api/' }, matches: [path('/api/x')], misses: [path('/x/api/')] },
  { rule: { type: 'PATH', compareType: 'ENDS_WITH', value: '/end' }, matches: [path('/x/end?q')], misses: [path('/end/x')] },
  { rule: { type: 'PATH', compareType: 'CONTAINS', value: "/it's" }, matches: [path("/x/it's/y")], misses: [path('/x/its')] },
  { rule: { type: 'PATH', compareType: 'REGEX', value: '^/v[0-9]+/(x y|z)$' }, matches: [path('/v12/z')], misses: [path('/v/z')] },
  {
    rule: { type: 'FILE_TYPE', compareType: 'EQUAL_TO', value: 'jpg' },
    matches: [path('/a/b.jpg'), path('/b.tar.jpg?x')],
    misses: [path('/jpg'), path('/a.jpg/b'), path('/a.jpgx')],
  },
  {
    rule: { type: 'FILE_TYPE', compareType: 'REGEX', value: '^(jpe?g|png)$' },
    matches: [path('/b.jpeg'), path('/b.png')],
    misses: [path('/b.jpx'), path('/png')],
  },
  {
    rule: { type: 'HEADER', compareType: 'EQUAL_TO', key: 'X-Team', value: 'a b' },
    matches: [{ headers: { 'x-team': 'a b' } }],
    misses: [{}, { headers: { 'x-team': 'a' } }],
  },
  {
    rule: { type: 'HEADER', compareType: 'CONTAINS', key: "x-o'dd", value: '-f /etc/passwd' },
    matches: [{ headers: { "x-o'dd": 'a -f /etc/passwd' } }],
    misses: [{}],
  },
  {
    rule: { type: 'HEADER', compareType: 'STARTS_WITH', key: 'x', value: '"$HOME' },
    matches: [{ headers: { x: '"$HOME/' } }],
    misses: [{ headers: { x: '/root' } }],
  },
  {
    rule: { type: 'HEADER', compareType: 'ENDS_WITH', key: 'x', value: '\\' },
    matches: [{ headers: { x: 'a\\' } }],
    misses: [{ headers: { x: 'a' } }],
  },
  {
    rule: { type: 'HEADER', compareType: 'REGEX', key: 'x', value: '^[a-c]{2,3}$' },
    matches: [{ headers: { x: 'abc' } }],
    misses: [{ headers: { x: 'abcd' } }],
  },
  {
    rule: { type: 'COOKIE', compareType: 'EQUAL_TO', key: 'who', value: 'me' },
    matches: [cookie('x=1; who=me')],
    misses: [cookie('who=you'), {}],
  },
  { rule: { type: 'COOKIE', compareType: 'REGEX', key: 'who', value: '^m' }, matches: [cookie('who=me')], misses: [cookie('who=you')] },
  { rule: { type: 'PATH', compareType: 'STARTS_WITH', value: '/open', invert: true }, matches: [path('/')], misses: [path('/open/x')] },
];

const withRules = (given: Rule[]): L7Rule[] => given.map((rule, i) => ({ name: `r${i}`, invert: false, adminStateUp: true, ...rule }));
const policy = (given: Partial<L7Policy> & { rules: L7Rule[] }): L7Policy => ({
  name: 'p',
  adminStateUp: true,
  position: 1,
  action: 'REJECT',
  ...given,
});

let members: Members;
let haproxy: TestHaproxy;
let ports: number[];
const at = (i: number) => ports[i]!;

beforeAll(async () => {
  members = await startMembers({ count: 2 });
  ports = await freePorts(rules.length);
  haproxy = await startHaproxy(
    configuration({
      listeners: rules.map(({ rule }, i) =>
        listener({ name: `l${i}`, protocolPort: at(i), l7Policies: [policy({ rules: withRules([rule]) })] }),
      ),
      pools: [pool([{ protocolPort: members.members[0]!.port }])],
    }),
  );
});
afterAll(async () => {
  await haproxy?.stop();
  await members?.close();
});

describe('a rule matches as Octavia has it', () => {
  test.each(rules.map((given, i) => [`${given.rule.type} ${given.rule.compareType} ${given.rule.value}`, i, given] as const))(
    '%s',
    async (_, i, { matches, misses }) => {
      for (const asked of matches) expect([asked, (await request({ port: at(i), ...asked })).status]).toEqual([asked, 403]);
      for (const asked of misses) expect([asked, (await request({ port: at(i), ...asked })).status]).toEqual([asked, 200]);
    },
  );
});

describe('policies', () => {
  const prefix = (value: string) => withRules([{ type: 'PATH', compareType: 'STARTS_WITH', value }]);
  let second: TestHaproxy;
  let port: number;
  const ask = (asked: Asked) => request({ port, ...asked });

  beforeAll(async () => {
    [port] = (await freePorts(1)) as [number];
    const l7Policies: L7Policy[] = [
      policy({ name: 'to-pool', action: 'REDIRECT_TO_POOL', redirectPool: 'other', rules: prefix('/'), position: 1 }),
      policy({
        name: 'to-url',
        action: 'REDIRECT_TO_URL',
        redirectUrl: 'https://example.com/%20x?a=b',
        rules: prefix('/url'),
        position: 9,
      }),
      policy({
        name: 'to-prefix',
        action: 'REDIRECT_PREFIX',
        redirectPrefix: 'https://example.com',
        redirectHttpCode: 308,
        rules: prefix('/prefix'),
        position: 8,
      }),
      policy({
        name: 'both',
        rules: [...prefix('/both'), { ...prefix('x')[0]!, name: 'h', type: 'HEADER', compareType: 'EQUAL_TO', key: 'x', value: '1' }],
      }),
      policy({ name: 'reject', rules: prefix('/url/no'), position: 100 }),
      policy({ name: 'disabled', adminStateUp: false, rules: prefix('/') }),
      policy({ name: 'empty', rules: [] }),
      policy({ name: 'to-disabled-pool', action: 'REDIRECT_TO_POOL', redirectPool: 'off', rules: prefix('/') }),
    ];
    second = await startHaproxy(
      configuration({
        listeners: [listener({ protocolPort: port, l7Policies })],
        pools: [
          pool([{ protocolPort: members.members[0]!.port }]),
          pool([{ protocolPort: members.members[1]!.port }], { name: 'other' }),
          pool([{ protocolPort: members.members[0]!.port }], { name: 'off', adminStateUp: false }),
        ],
      }),
    );
  });
  afterAll(() => second?.stop());

  test('a refusal comes before a redirect that stands first', async () => expect((await ask({ path: '/url/no' })).status).toBe(403));
  test('a redirect to a URL comes before one to a pool, and says the URL as it was written', async () => {
    const { status, headers } = await ask({ path: '/url' });
    expect([status, headers.location]).toEqual([302, 'https://example.com/%20x?a=b']);
  });
  test('a redirect by prefix keeps the path, with the code that was asked for', async () => {
    const { status, headers } = await ask({ path: '/prefix/a?b=c' });
    expect([status, headers.location]).toEqual([308, 'https://example.com/prefix/a?b=c']);
  });
  test('all rules of a policy must match', async () => {
    expect((await ask({ path: '/both' })).status).toBe(200);
    expect((await ask({ path: '/both', headers: { x: '1' } })).status).toBe(403);
  });
  test('what no other policy takes goes to the pool of its policy; disabled policies, pools and empty policies do nothing', async () => {
    expect((await ask({ path: '/' })).headers['x-member']).toBe('member-2');
  });
});

describe('rules on client certificates', () => {
  let ca: CertificateAndKey;
  let client: CertificateAndKey;
  let haproxyTls: TestHaproxy;
  let tlsPorts: number[];
  const cases: Rule[] = [
    { type: 'SSL_CONN_HAS_CERT', compareType: 'EQUAL_TO', value: 'true' },
    { type: 'SSL_VERIFY_RESULT', compareType: 'EQUAL_TO', value: '0', invert: true },
    { type: 'SSL_DN_FIELD', compareType: 'EQUAL_TO', key: 'CN', value: 'alice' },
  ];

  beforeAll(async () => {
    ca = await makeCa();
    client = await issueCertificate({ ca, cn: 'alice', client: true });
    const own = await issueCertificate({ ca, cn: 'lb', dnsNames: ['lb'] });
    tlsPorts = await freePorts(cases.length);
    const tls: Listener['tls'] = { defaultTlsContainerRef: 'own', clientAuthentication: 'OPTIONAL', clientCaTlsContainerRef: 'ca' };
    haproxyTls = await startHaproxy(
      configuration({
        listeners: cases.map((rule, i) =>
          listener({
            name: `l${i}`,
            protocol: 'TERMINATED_HTTPS',
            protocolPort: tlsPorts[i]!,
            tls,
            l7Policies: [policy({ rules: withRules([rule]) })],
          }),
        ),
        pools: [pool([{ protocolPort: members.members[0]!.port }])],
        secrets: { own: { certificate: own.certPem, key: own.keyPem }, ca: { ca: ca.certPem } },
      }),
    );
  });
  afterAll(() => haproxyTls?.stop());

  const statuses = async (i: number) => {
    const shown = { cert: client.certPem, key: client.keyPem };
    return [(await request({ port: tlsPorts[i]!, tls: shown })).status, (await request({ port: tlsPorts[i]!, tls: {} })).status];
  };
  test('SSL_CONN_HAS_CERT tells who shows one', async () => expect(await statuses(0)).toEqual([403, 200]));
  test('SSL_VERIFY_RESULT is 0 for all who get this far', async () => expect(await statuses(1)).toEqual([200, 200]));
  test('SSL_DN_FIELD reads the name in it', async () => expect(await statuses(2)).toEqual([403, 200]));
});
