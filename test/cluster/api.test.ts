/** The REST API and the notifications as the chart runs them: in pods, over TLS, reached and heard by other pods. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import { inside, programConfigMap, programPod } from '../../tools/traffic/pods/place.ts';
import { issueCertificate, makeCa } from '../support/certificates.ts';
import { type Answer, startClientPod } from '../support/client-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { httpSpec, Subject } from '../support/subject.ts';

jest.setTimeout(300_000);

const [PORT, SINK_PORT] = [8080, 8000];
const HOST = 'reflavor-api.example.org';
const TLS_SECRET = 'api-of-the-tests';

// Hooks run in the order they stand in, and the scene's may end the cluster.
afterAll(async () => void (await inSystem(['delete', 'secret', TLS_SECRET, '--ignore-not-found'])));
const scene = useCluster('api');
const inSystem = (args: string[], options?: { input?: string }) => scene.kubectl([`--namespace=${CHART_NAMESPACE}`, ...args], options);
const inNamespace = (args: string[], options?: { input?: string }) => inside(scene.place(), args, options);

let members: MemberPods;
/** Asks the API as a user of this namespace, or with that token. */
let ask: (method: string, path: string, body?: object, token?: string) => Promise<Answer & { json?: Record<string, unknown> }>;

beforeAll(async () => {
  members = await startMemberPods(scene.place());
  await startSink();
  const sinkAddress = await inNamespace(['get', 'service', 'sink', '--output=jsonpath={.spec.clusterIP}']);
  const ca = await makeCa();
  const { certPem, keyPem } = await issueCertificate({ ca, cn: HOST, dnsNames: [HOST] });
  const secret = { stringData: { 'tls.crt': certPem, 'tls.key': keyPem }, type: 'kubernetes.io/tls', metadata: { name: TLS_SECRET } };
  await inSystem(['apply', '--filename=-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', ...secret }) });
  await scene.install({
    values: {
      api: { enabled: true, tls: { secretName: TLS_SECRET } },
      notifications: { sink: `http://${sinkAddress}:${SINK_PORT}/events` },
    },
  });
  await inNamespace(['create', 'serviceaccount', 'user']);
  await inNamespace([
    ...['create', 'rolebinding', 'user', '--clusterrole=reflavor-load-balancer-write'],
    `--serviceaccount=${scene.namespace}:user`,
  ]);
  const usersToken = await inNamespace(['create', 'token', 'user']);
  const apiAddress = await inSystem(['get', 'service', 'reflavor-api', '--output=jsonpath={.spec.clusterIP}']);
  const request = await startClientPod(scene.place());
  ask = async (method, path, body, token = usersToken) => {
    const headers = { host: HOST, 'x-auth-token': token.trim(), 'content-type': 'application/json' };
    const sent = { ca: ca.certPem, servername: HOST, headers, method, ...(body && { body: JSON.stringify(body) }) };
    const answer = await request(`https://${apiAddress}:9876${path}`, sent);
    return 'body' in answer ? { ...answer, json: JSON.parse(answer.body) as Record<string, unknown> } : answer;
  };
}, 300_000);

/** Whatever is posted to it is a line of its log. */
async function startSink(): Promise<void> {
  const program = `require('node:http').createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => {
      console.log(body);
      response.writeHead(202).end();
    });
  }).listen(${SINK_PORT})`;
  const labels = { app: 'sink' };
  const spec = programPod(scene.place(), 'sink', { command: ['node', '--eval', program] });
  const objects = [
    await programConfigMap('sink'),
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'sink', labels }, spec: { ...spec, terminationGracePeriodSeconds: 1 } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'sink' }, spec: { selector: labels, ports: [{ port: SINK_PORT }] } },
  ];
  await inNamespace(['apply', '--filename=-'], { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') });
  await inNamespace(['wait', 'pod/sink', '--for=condition=Ready', '--timeout=120s']);
}

const heard = async (): Promise<string[]> => {
  const events = (await inNamespace(['logs', 'sink'])).trim().split('\n').filter(Boolean);
  const ofIt = events.map((line) => JSON.parse(line) as { type: string; subject: string });
  return ofIt.filter(({ subject }) => subject === `${scene.namespace}/web`).map(({ type }) => type.replace('octavia.loadbalancer.', ''));
};

test('a load balancer is resized by the API, and the sink hears of it', async () => {
  const lb = new Subject(scene, 'web');
  await lb.create(httpSpec(members, PORT, { flavorId: 'test-small' }));
  const { metadata } = await lb.untilAtRest('test-small');
  const path = `/v2.0/lbaas/loadbalancers/${metadata.uid}`;
  expect(await ask('PUT', `${path}/resize`, { new_flavor_id: 'test-large' })).toMatchObject({
    status: 202,
    json: { loadbalancer: { id: metadata.uid, provisioning_status: 'PENDING_UPDATE' } },
  });
  await eventually(
    async () => {
      const { json } = await ask('GET', path);
      expect(json).toMatchObject({ loadbalancer: { provisioning_status: 'ACTIVE', operating_status: 'ONLINE' } });
    },
    { withinMs: 120_000, everyMs: 500 },
  );
  await lb.untilAtRest('test-large');
  await eventually(async () => expect(await heard()).toEqual(['create.start', 'create.end', 'resize.start', 'resize.end']));
});

test('the API lets nobody do what the user may not: 401 without a token that counts, 403 in another namespace', async () => {
  const { metadata } = await new Subject(scene, 'web').get();
  const resize = `/v2.0/lbaas/loadbalancers/${metadata.uid}/resize`;
  expect(await ask('PUT', resize, { new_flavor_id: 'test-small' }, 'no-such-token')).toMatchObject({ status: 401 });
  expect(await ask('GET', `/v2.0/lbaas/loadbalancers?project_id=${CHART_NAMESPACE}`)).toMatchObject({ status: 403 });
  expect((await new Subject(scene, 'web').get()).spec.flavorId).toBe('test-large');
});
