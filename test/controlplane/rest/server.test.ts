import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestApi } from '../../support/api.ts';
import { type CertificateAndKey, issueCertificate, makeCa } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { useRest } from './setting.ts';

const rest = useRest();
const { as, kubectl } = rest;
const kubeconfig = () => rest.controlPlane.userKubeconfig({ user: 'system:serviceaccount:reflavor:reflavor-api' });

/** Another API, with these flags, for the time of a test. */
async function withApi(flags: Record<string, string>, use: (api: TestApi) => Promise<void>): Promise<void> {
  const api = new TestApi(await kubeconfig(), flags);
  await api.start();
  try {
    await use(api);
  } finally {
    await api.stop();
  }
}

describe('the API', () => {
  test.each(['/', '/v2.0', '/v2', '/load-balancer', '/load-balancer/v2.0/'])(
    'has its version document at %s, for everybody',
    async (path) => {
      const { status, body } = await rest.api().call(undefined, 'GET', path);
      expect(status).toBe(200);
      const current = body.versions.filter((version: { status: string }) => version.status === 'CURRENT');
      const prefix = path.startsWith('/load-balancer') ? '/load-balancer' : '';
      expect(current).toEqual([expect.objectContaining({ links: [{ href: `${rest.api().url}${prefix}/v2`, rel: 'self' }] })]);
    },
  );

  test('describes itself at /docs: every route, by OpenAPI', async () => {
    const page = await fetch(`${rest.api().url}/docs/`);
    expect({ status: page.status, html: (await page.text()).includes('swagger-ui-bundle.js') }).toEqual({ status: 200, html: true });
    const script = await fetch(`${rest.api().url}/docs/static/swagger-ui-bundle.js`);
    expect({ status: script.status, long: (await script.text()).length > 100_000 }).toEqual({ status: 200, long: true });
    const { body } = await rest.api().call(undefined, 'GET', '/docs/json');
    expect(body.openapi).toMatch(/^3\./);
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['/v2.0/lbaas/loadbalancers/{id}/resize', '/v2.0/lbaas/pools/{parent}/members/{id}', '/v2.0/lbaas/flavors']),
    );
    const { requestBody, responses } = body.paths['/v2.0/lbaas/loadbalancers/{id}/resize'].put;
    expect(requestBody.content['application/json'].schema.required).toEqual(['new_flavor_id']);
    expect(responses['202'].content['application/json'].schema.properties).toHaveProperty('loadbalancer');
  });

  test('gives every answer a request id that is in the log, and no token is', async () => {
    for (const [who, method, path, status] of [
      ['reader', 'GET', 'loadbalancers', 200],
      ['reader', 'GET', 'loadbalancers/x', 404],
      ['reader', 'POST', 'nothing', 404],
      [undefined, 'GET', 'loadbalancers', 401],
    ] as const) {
      const answer = await rest.api().call(who && rest.token(who), method, path);
      const id = answer.headers.get('X-Openstack-Request-Id');
      expect({ status: answer.status, id }).toEqual({
        status,
        id: expect.stringMatching(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      });
      await eventually(() =>
        expect(rest.api().log).toContainEqual(
          expect.objectContaining({ requestId: id, method, status, ...(who && { user: `system:serviceaccount:team-a:${who}` }) }),
        ),
      );
    }
    const secret = rest.token('reader').split('.')[2]!;
    expect(JSON.stringify(rest.api().log)).not.toContain(secret);
  });

  test('answers 404 in Octavia’s body where there is nothing', async () => {
    for (const [method, path] of [
      ['GET', '/v2.0/lbaas/nothing'],
      ['PATCH', '/v2.0/lbaas/loadbalancers'],
      ['GET', '/v1/loadbalancers'],
    ] as const)
      expect(await as('reader', method, path)).toMatchObject({ status: 404, body: { faultcode: 'Client', debuginfo: null } });
  });

  test('names networks for a VIP, as openstack loadbalancer create asks for them', async () => {
    const { subnets } = (await as('reader', 'GET', '/v2.0/subnets?name=external')).body;
    expect(subnets).toEqual([expect.objectContaining({ name: 'external' })]);
    expect((await as('reader', 'GET', `/v2.0/subnets?id=${subnets[0].id}`)).body.subnets).toEqual(subnets);
    expect((await as('reader', 'GET', `/v2.0/networks/${subnets[0].network_id}`)).body.network).toMatchObject({ name: 'external' });
  });

  test('takes so many requests of an address a minute, and says when to come again', async () => {
    await withApi({ rateLimit: '3' }, async (api) => {
      for (let i = 0; i < 3; i++) expect((await api.call('nonsense', 'GET', 'loadbalancers')).status).toBe(401);
      const { status, headers, body } = await api.call(rest.token('reader'), 'GET', 'loadbalancers');
      expect({ status, words: body.faultstring }).toEqual({
        status: 429,
        words: expect.stringContaining('more than 3 requests in a minute'),
      });
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    });
  });

  test('refuses a body that is too large', async () => {
    await withApi({ bodyLimitKib: '1' }, async (api) => {
      const body = { loadbalancer: { name: 'x'.repeat(2000) } };
      expect(await api.call(rest.token('writer'), 'POST', 'loadbalancers', body)).toMatchObject({
        status: 413,
        body: { faultcode: 'Client' },
      });
    });
  });

  test('takes only tokens of its audiences', async () => {
    await withApi({ tokenAudiences: 'reflavor-api' }, async (api) => {
      expect((await api.call(rest.token('reader'), 'GET', 'loadbalancers')).status).toBe(401);
      const token = (await kubectl('create', 'token', 'reader', '-n', 'team-a', '--audience=reflavor-api')).trim();
      expect((await api.call(token, 'GET', 'loadbalancers')).status).toBe(200);
    });
  });

  test('remembers for a moment whose a token is and what they may do, and no longer', async () => {
    await withApi({ authCacheSeconds: '2' }, async (api) => {
      await kubectl('create', 'serviceaccount', 'passing', '-n', 'team-a');
      const token = (await kubectl('create', 'token', 'passing', '-n', 'team-a')).trim();
      expect((await api.call(token, 'GET', 'providers')).status).toBe(200);
      await kubectl('delete', 'serviceaccount', 'passing', '-n', 'team-a');
      await eventually(async () => expect((await api.call(token, 'GET', 'providers')).status).toBe(401), { withinMs: 20_000 });
    });
  });

  test('believes what a proxy says of the client’s address and of its own name where it is trusted', async () => {
    const href = async (api: TestApi) => {
      const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'lb.example.org' };
      const document = (await (await fetch(`${api.url}/`, { headers })).json()) as { versions: { links: { href: string }[] }[] };
      return document.versions[0]!.links[0]!.href;
    };
    expect(await href(rest.api())).toBe(`${rest.api().url}/v2`);
    await withApi({ trustedProxies: '127.0.0.0/8' }, async (api) => expect(await href(api)).toBe('https://lb.example.org/v2'));
  });

  test('looks after some namespaces alone where it is told to', async () => {
    await withApi({ watchNamespaces: 'team-b' }, async (api) => {
      const body = { loadbalancer: { name: 'theirs' } };
      const { body: created } = await api.call(rest.token('stranger'), 'POST', 'loadbalancers', body);
      expect((await api.call(rest.token('root'), 'GET', `loadbalancers/${created.loadbalancer.id}`)).status).toBe(200);
      expect(await api.call(rest.token('root'), 'POST', 'loadbalancers', body)).toMatchObject({
        status: 400,
        body: { faultstring: 'Validation failure: load balancers of project team-a are not looked after here.' },
      });
      const { loadbalancers } = (await api.call(rest.token('root'), 'GET', 'loadbalancers')).body;
      expect(new Set(loadbalancers.map((lb: { project_id: string }) => lb.project_id))).toEqual(new Set(['team-b']));
    });
  });
});

describe('TLS', () => {
  let dir: string;
  let ca: CertificateAndKey;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-tls-'));
    ca = await makeCa();
    await certificate('first');
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** Puts a certificate of this name where the mounted Secret is, by a link that is swapped, as the kubelet does. */
  async function certificate(cn: string): Promise<void> {
    const folder = await mkdtemp(join(dir, 'version-'));
    const { certPem, keyPem } = await issueCertificate({ ca, cn, ipAddresses: ['127.0.0.1'] });
    await writeFile(join(folder, 'tls.crt'), certPem);
    await writeFile(join(folder, 'tls.key'), keyPem);
    await symlink(folder, join(dir, 'next'));
    await rename(join(dir, 'next'), join(dir, 'now'));
  }
  const served = (url: string) =>
    new Promise<{ status: number | undefined; name: string }>((resolve, reject) => {
      const call = get(url, { ca: ca.certPem, agent: false }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, name: (response.socket as TLSSocket).getPeerCertificate().subject.CN as string });
      });
      call.once('error', reject);
    });

  test('is served with the mounted pair, and with the next one once it is swapped in', async () => {
    await withApi({ tlsDir: join(dir, 'now') }, async (api) => {
      expect(await served(`${api.url}/`)).toEqual({ status: 200, name: 'first' });
      await certificate('second');
      await eventually(async () => expect(await served(`${api.url}/`)).toEqual({ status: 200, name: 'second' }), { withinMs: 30_000 });
    });
  }, 60_000);

  test('that is not there ends the start with what to do', async () => {
    await expect(withApi({ tlsDir: join(dir, 'nowhere') }, async () => {})).rejects.toThrow(/nowhere must have tls.crt and tls.key/);
  });
});

describe('without the Kubernetes API server', () => {
  test('the API answers 503 and is there again with it', async () => {
    await rest.controlPlane.stopApiServer('SIGKILL');
    try {
      expect(await as('reader', 'GET', 'loadbalancers')).toMatchObject({ status: 503, body: { faultcode: 'Server' } });
    } finally {
      await rest.controlPlane.startApiServer();
    }
    await eventually(async () => expect((await as('reader', 'GET', 'loadbalancers')).status).toBe(200), { withinMs: 30_000 });
  }, 90_000);
});
