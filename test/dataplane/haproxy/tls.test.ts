import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Listener, PoolTls } from '../../../src/api/index.ts';
import type { TlsMaterial } from '../../../src/provider/amphora/configuration.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { type CertificateAndKey, issueCertificate, makeCa } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { open, request } from '../../support/request.ts';
import { revocationList } from '../../support/revocation.ts';

jest.setTimeout(60_000);

let ca: CertificateAndKey;
let otherCa: CertificateAndKey;
let secrets: Record<string, TlsMaterial>;
let alice: CertificateAndKey;
let bob: CertificateAndKey;
let stranger: CertificateAndKey;
let members: Members;
const running: TestHaproxy[] = [];

beforeAll(async () => {
  ca = await makeCa();
  otherCa = await makeCa('Another CA');
  const certificate = async (...dnsNames: string[]) => material(await issueCertificate({ ca, cn: dnsNames[0]!, dnsNames }));
  alice = await issueCertificate({ ca, cn: 'alice', client: true });
  bob = await issueCertificate({ ca, cn: 'bob', client: true });
  stranger = await issueCertificate({ ca: otherCa, cn: 'alice', client: true });
  secrets = {
    'default.example': await certificate('default.example'),
    'a.example': await certificate('a.example'),
    'wild.example': await certificate('wild.example', '*.wild.example'),
    authority: { ca: ca.certPem },
    'other-authority': { ca: otherCa.certPem },
    revoked: { crl: await revocationList(ca, [bob]) },
    client: material(alice),
  };
  members = await startMembers({ count: 1 });
});
afterAll(async () => {
  for (const haproxy of running) await haproxy.stop();
  await members?.close();
});

const material = ({ certPem, keyPem }: CertificateAndKey): TlsMaterial => ({ certificate: certPem, key: keyPem });
const shown = ({ certPem, keyPem }: CertificateAndKey) => ({ cert: certPem, key: keyPem });

/** Starts a listener that ends TLS, in front of one plain member. */
async function terminated(tls: Partial<NonNullable<Listener['tls']>>, given: Partial<Listener> = {}) {
  const { port } = await start(tls, given);
  return (secure: object, headers = {}) => request({ port, path: '/echo', headers, tls: secure });
}

async function start(tls: Partial<NonNullable<Listener['tls']>>, given: Partial<Listener> = {}) {
  const [port] = (await freePorts(1)) as [number];
  const listeners = [
    listener({
      ...given,
      protocol: 'TERMINATED_HTTPS',
      protocolPort: port,
      tls: { defaultTlsContainerRef: 'default.example', clientAuthentication: 'NONE', ...tls },
    }),
  ];
  running.push(await startHaproxy(configuration({ listeners, pools: [pool([{ protocolPort: members.members[0]!.port }])], secrets })));
  return { port };
}

describe('a TERMINATED_HTTPS listener', () => {
  test('shows the certificate of the server name, and the default one for any other', async () => {
    const ask = await terminated({ sniContainerRefs: ['wild.example', 'a.example'] });
    const nameFor = async (servername: string) =>
      (await ask({ servername, ca: ca.certPem, checkServerIdentity: () => undefined })).certificateName;
    expect(await nameFor('a.example')).toBe('a.example');
    expect(await nameFor('x.wild.example')).toBe('wild.example');
    expect(await nameFor('nobody.example')).toBe('default.example');
    expect((await ask({})).certificateName).toBe('default.example');
  });

  test('speaks TLS 1.2 and 1.3 and nothing older, unless told otherwise', async () => {
    const ask = await terminated({});
    expect((await ask({ maxVersion: 'TLSv1.2' })).tlsVersion).toBe('TLSv1.2');
    expect((await ask({})).tlsVersion).toBe('TLSv1.3');
    await expect(ask({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })).rejects.toThrow();
    const only12 = await terminated({ tlsVersions: ['TLSv1.2'], tlsCiphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    expect((await only12({})).tlsVersion).toBe('TLSv1.2');
    await expect(only12({ minVersion: 'TLSv1.3' })).rejects.toThrow();
    await expect(only12({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).rejects.toThrow();
  });

  test('asks for a client certificate as it is told to: not, perhaps, or always', async () => {
    const [none, optional, mandatory] = await Promise.all(
      (['NONE', 'OPTIONAL', 'MANDATORY'] as const).map((clientAuthentication) =>
        terminated({ clientAuthentication, clientCaTlsContainerRef: 'authority' }),
      ),
    );
    for (const ask of [none!, optional!]) expect((await ask({})).status).toBe(200);
    for (const ask of [optional!, mandatory!]) {
      expect((await ask(shown(alice))).status).toBe(200);
      await expect(ask(shown(stranger))).rejects.toThrow();
    }
    await expect(mandatory!({})).rejects.toThrow();
  });

  test('refuses a revoked client certificate', async () => {
    const ask = await terminated({
      clientAuthentication: 'MANDATORY',
      clientCaTlsContainerRef: 'authority',
      clientCrlContainerRef: 'revoked',
    });
    expect((await ask(shown(alice))).status).toBe(200);
    await expect(ask(shown(bob))).rejects.toThrow();
  });

  test('tells members of the client’s certificate, whatever the client says of itself', async () => {
    const headers = [
      'X-SSL-Client-Verify',
      'X-SSL-Client-Has-Cert',
      'X-SSL-Client-DN',
      'X-SSL-Client-CN',
      'X-SSL-Issuer',
      'X-SSL-Client-SHA1',
      'X-SSL-Client-Not-Before',
      'X-SSL-Client-Not-After',
      'X-Forwarded-Proto',
    ];
    const insertHeaders = Object.fromEntries(headers.map((header) => [header, true]));
    const ask = await terminated({ clientAuthentication: 'OPTIONAL', clientCaTlsContainerRef: 'authority' }, { insertHeaders });
    const forged = Object.fromEntries(headers.map((header) => [header, 'forged']));
    const { headers: withCertificate } = JSON.parse((await ask(shown(alice), forged)).body);
    expect(withCertificate).toMatchObject({
      'x-ssl-client-verify': '0',
      'x-ssl-client-has-cert': '1',
      'x-ssl-client-dn': '/CN=alice',
      'x-ssl-client-cn': 'alice',
      'x-ssl-issuer': '/CN=Test CA',
      'x-ssl-client-sha1': expect.stringMatching(/^[0-9A-F]{40}$/),
      'x-ssl-client-not-before': expect.stringMatching(/^\d{12}Z$/),
      'x-ssl-client-not-after': expect.stringMatching(/^\d{12}Z$/),
      'x-forwarded-proto': 'https',
    });
    const { headers: without } = JSON.parse((await ask({}, forged)).body);
    expect(without).toMatchObject({ 'x-ssl-client-has-cert': '0', 'x-ssl-client-dn': '', 'x-ssl-client-cn': '' });
    expect(JSON.stringify(without)).not.toContain('forged');
  });

  test('agrees on HTTP/2 with clients that offer it, unless told otherwise', async () => {
    const agreed = async (alpnProtocols?: ('h2' | 'http/1.1')[]) => {
      const { port } = await start({ alpnProtocols });
      const socket = (await open({ port, tls: { ALPNProtocols: ['h2', 'http/1.1'] } })) as TLSSocket;
      socket.destroy();
      return socket.alpnProtocol;
    };
    expect([await agreed(), await agreed(['http/1.1']), await agreed([])]).toEqual(['h2', 'http/1.1', 'http/1.1']);
  });

  test('sends Strict-Transport-Security as asked', async () => {
    const ask = await terminated({ hstsMaxAge: 60, hstsIncludeSubdomains: true, hstsPreload: true });
    expect((await ask({})).headers['strict-transport-security']).toBe('max-age=60; includeSubDomains; preload');
  });
});

describe('TLS to the members', () => {
  let secure: Members;
  let port: number;

  beforeAll(async () => {
    const own = await issueCertificate({ ca, cn: 'member', dnsNames: ['a.example'] });
    secure = await startMembers({ count: 1, protocol: 'https', tls: { ...own, clientCaPem: ca.certPem } });
  });
  afterAll(() => secure?.close());

  const through = async (tls: PoolTls, given: Partial<Listener> = {}) => {
    [port] = (await freePorts(1)) as [number];
    const listeners = [listener({ protocolPort: port, ...given })];
    running.push(
      await startHaproxy(configuration({ listeners, pools: [pool([{ protocolPort: secure.members[0]!.port }], { tls })], secrets })),
    );
  };
  const status = async () => (await request({ port, path: '/echo' })).status;

  test('shows the pool’s certificate, and trusts members of its CA', async () => {
    await through({ tlsEnabled: true, tlsContainerRef: 'client', caTlsContainerRef: 'authority' });
    const { body } = await request({ port, path: '/echo' });
    expect(JSON.parse(body).clientCertificate).toBe('alice');
  });

  test('does not talk to members of another CA', async () => {
    await through({ tlsEnabled: true, tlsContainerRef: 'client', caTlsContainerRef: 'other-authority' });
    expect(await status()).toBe(503);
  });

  test('takes any member where no CA is named, as Octavia does', async () => {
    await through({ tlsEnabled: true, tlsContainerRef: 'client', tlsVersions: ['TLSv1.3'] });
    expect(await status()).toBe(200);
  });

  test('passes the server name on, which a member’s certificate must then have', async () => {
    await through(
      { tlsEnabled: true, tlsContainerRef: 'client', caTlsContainerRef: 'authority' },
      { protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'default.example', clientAuthentication: 'NONE' } },
    );
    expect((await request({ port, tls: { servername: 'a.example' } })).status).toBe(200);
    expect((await request({ port, tls: { servername: 'b.example' } })).status).toBe(503);
  });
});

test('an HTTPS listener passes TLS through to the member', async () => {
  const own = await issueCertificate({ ca, cn: 'member' });
  const secure = await startMembers({ count: 1, protocol: 'https', tls: own });
  try {
    const [port] = (await freePorts(1)) as [number];
    const monitor = { type: 'TLS-HELLO' as const, delay: 1, timeout: 1, maxRetries: 1, maxRetriesDown: 1 };
    const pools = [pool([{ protocolPort: secure.members[0]!.port }], { protocol: 'HTTPS', healthMonitor: monitor as never })];
    const haproxy = await startHaproxy(configuration({ listeners: [listener({ protocol: 'HTTPS', protocolPort: port })], pools }));
    running.push(haproxy);
    const { status, certificateName } = await request({ port, tls: {} });
    expect([status, certificateName]).toEqual([200, 'member']);
    await secure.members[0]!.kill();
    await eventually(async () => expect(await haproxy.control.worker('show stat')).toMatch(/^pool:app,127.*,DOWN,/m));
  } finally {
    await secure.close();
  }
});

test('a TLS-HELLO monitor says its hello to the member, not inside the session that the pool’s TLS opens', async () => {
  const own = await issueCertificate({ ca, cn: 'member' });
  const secure = await startMembers({ count: 1, protocol: 'https', tls: own });
  try {
    const [port] = (await freePorts(1)) as [number];
    const monitor = { type: 'TLS-HELLO' as const, delay: 1, timeout: 1, maxRetries: 1, maxRetriesDown: 1 };
    const overTls = { protocol: 'HTTP', healthMonitor: monitor as never, tls: { tlsEnabled: true } } as const;
    const pools = [pool([{ protocolPort: secure.members[0]!.port }], overTls)];
    const haproxy = await startHaproxy(configuration({ listeners: [listener({ protocolPort: port })], pools }));
    running.push(haproxy);
    await eventually(async () => expect(await haproxy.control.worker('show stat')).toMatch(/^pool:app,127.*,UP,.*L6OK/m));
    expect((await request({ port })).status).toBe(200);
  } finally {
    await secure.close();
  }
});
