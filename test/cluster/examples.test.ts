/** What `kubectl apply -f examples/` gives in a cluster. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { conditionOf, type LoadBalancer } from '../../src/api/index.ts';
import { issueCertificate, makeCa } from '../support/certificates.ts';
import { type Answer, type RequestOptions, startClientPod } from '../support/client-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { Subject } from '../support/subject.ts';

jest.setTimeout(300_000);

const folder = join(import.meta.dirname, '../../examples');
const loadBalancers = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as LoadBalancer))
  .filter(({ kind }) => kind === 'LoadBalancer');

const scene = useCluster('examples');
let ask: (url: string, options?: RequestOptions) => Promise<Answer>;
let ca: Awaited<ReturnType<typeof makeCa>>;

/** Everything at once, the Secrets after it, as whoever reads the files' comments last would have it. */
beforeAll(async () => {
  const all = new Subject(scene, 'all');
  await all.kubectl(['apply', `--filename=${folder}`]);
  ca = await makeCa();
  for (const host of ['shop.example.org', 'api.example.org', 'vault.example.org']) {
    const { certPem, keyPem } = await issueCertificate({ ca, cn: host, dnsNames: [host] });
    const stringData = { 'tls.crt': certPem, 'tls.key': keyPem };
    await all.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: host }, type: 'kubernetes.io/tls', stringData });
  }
  ask = await startClientPod(scene.place());
}, 300_000);

const get = async (lb: string, scheme: string, port: number, path = '/', options: RequestOptions = {}) =>
  ask(`${scheme}://${await new Subject(scene, lb).host(port)}${path}`, options);
const secured = (servername: string): RequestOptions => ({ servername, ca: ca.certPem, headers: { host: servername } });
const saidBy = (member: string) => ({
  status: 200,
  body: expect.stringMatching(new RegExp(`^${member} ${member === 'vault' ? '' : 'members-'}`)),
});

/** By the name of its load balancer: what each of its listeners does. */
const serves: Record<string, () => Promise<void>> = {
  web: async () => expect(await get('web', 'http', 8080)).toMatchObject(saidBy('web')),
  'always-on': async () => expect(await get('always-on', 'http', 8091)).toMatchObject(saidBy('web')),
  async site() {
    const site = (path: string, headers = {}) => get('site', 'http', 8088, path, { headers });
    expect(await site('/')).toMatchObject(saidBy('web'));
    expect(await site('/', { host: 'api.example.org' })).toMatchObject(saidBy('api'));
    expect(await site('/', { cookie: 'release=next' })).toMatchObject(saidBy('next'));
    expect(await site('/.git/config')).toMatchObject({ status: 403 });
    expect(await site('/docs/')).toMatchObject({ status: 308, headers: { location: 'https://docs.example.org/' } });
  },
  async shop() {
    for (const name of ['shop.example.org', 'api.example.org']) {
      const answer = await get('shop', 'https', 8443, '/', secured(name));
      expect(answer).toMatchObject({ ...saidBy('web'), headers: { 'strict-transport-security': expect.stringContaining('31536000') } });
    }
    expect(await get('shop', 'http', 8080, '/cart')).toMatchObject({ status: 301, headers: { location: 'https://shop.example.org/cart' } });
  },
  passthrough: async () =>
    expect(await get('passthrough', 'https', 9443, '/', secured('vault.example.org'))).toMatchObject(saidBy('vault')),
  database: async () => expect(await get('database', 'http', 5432)).toMatchObject(saidBy('web')),
  // Its clients are in two networks outside; a pod is in neither.
  outside: async () => expect(await get('outside', 'http', 80)).toEqual({ error: 'ECONNRESET' }),
};

/** Nothing gives outside addresses in the tests' cluster: until the suite does, this one can't be Ready. */
const WITHOUT_ADDRESS = 'outside';
const flavorOf = ({ spec }: LoadBalancer) => ({ flavorId: spec.flavorId!, amphorae: spec.flavorId!.endsWith('-ha') ? 2 : 1 });
const cases = loadBalancers.map((example) => ({ name: example.metadata.name, ...flavorOf(example) }));

test('each load balancer of the examples is asked something here', () => {
  expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(serves).sort());
});

describe('a load balancer of the examples', () => {
  test.each(cases.filter(({ name }) => name !== WITHOUT_ADDRESS))(
    'becomes Ready and serves: $name',
    async ({ name, flavorId, amphorae }) => {
      const lb = new Subject(scene, name);
      await lb.untilAtRest(flavorId, amphorae, 240_000);
      await lb.until(({ status }) => expect(status?.operatingStatus).toBe('ONLINE'));
      await lb.until(() => serves[name]!());
    },
  );

  test('waits for an address outside the cluster, and is Ready once it has one: outside', async () => {
    const lb = new Subject(scene, WITHOUT_ADDRESS);
    await lb.until(({ status }) => expect(conditionOf(status?.conditions, 'Available')?.status).toBe('True'), 240_000);
    const ready = conditionOf((await lb.get()).status?.conditions, 'Ready');
    // Of a cluster that gives addresses, it may have one by now.
    if (ready?.status !== 'True') {
      expect(ready?.reason).toBe('VipPending');
      const status = { loadBalancer: { ingress: [{ ip: '198.51.100.80' }] } };
      await lb.kubectl(['patch', 'service', 'outside-vip', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
    }
    const { flavorId, amphorae } = cases.find(({ name }) => name === lb.name)!;
    await lb.untilAtRest(flavorId, amphorae);
    await lb.until(() => serves[lb.name]!());
  });

  test('serves on while a resize to the flavor that can not be built fails', async () => {
    const lb = new Subject(scene, 'web');
    await lb.patch({ flavorId: 'broken' });
    const failed = await lb.until(({ status }) => expect(status?.provisioningStatus).toBe('ERROR'), 180_000);
    expect(failed.status).toMatchObject({ flavorId: 'small', failedFlavorId: 'broken' });
    expect(conditionOf(failed.status?.conditions, 'Stalled')?.message).toContain('no-such-image');
    await serves.web!();
    await lb.patch({ flavorId: 'small' });
    await lb.untilAtRest('small');
  });
});

test('kubectl delete -f examples/ takes all of it away', async () => {
  const all = new Subject(scene, 'all');
  await all.kubectl(['delete', `--filename=${folder}`, '--timeout=180s']);
  expect(await all.kubectl(['get', 'loadbalancers,amphorae,deployments,services', '--output=name'])).toBe('');
  expect(await all.kubectl(['get', 'flavors', '--output=name'])).not.toContain('flavor.reflavor.dev/small');
});
