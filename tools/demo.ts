/** `make demo`: a load balancer resized live under traffic, on a real API server and real HAProxies, told step by step. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Story } from './demo/story.ts';
import { startStack } from './stack.ts';
import { startMembers } from './traffic/members.ts';
import { startTraffic } from './traffic/traffic.ts';

/** Fewer would not show much. */
const REQUESTS = 50_000;
const VIP_PORT = 8080;

const dir = await mkdtemp(join(tmpdir(), 'reflavor-demo-'));
const images = join(dir, 'amphorae', 'images');
const story = new Story();
let failed = true;

story.say('Starting etcd, kube-apiserver and the operator with the driver `process` (HAProxy processes on this machine)');
const stack = await startStack({
  dir,
  operatorFlags: ['--progress-ms=100', '--observe-seconds=1'],
  log: (line) => story.detail(line),
});
const members = await startMembers({ count: 3 });
try {
  await story.watch(stack.kubeconfigPath, 'web');

  story.say('A load balancer of flavor small in front of three HTTP servers: kubectl apply -f web.yaml');
  await stack.kubectl(['apply', '-f', '-'], { input: JSON.stringify(loadBalancer(members.members.map((m) => m.port))) });
  await story.until('it is ACTIVE', (lb) => lb.status?.provisioningStatus === 'ACTIVE');
  const url = `http://${story.now?.status?.vipAddress}:${VIP_PORT}/`;

  story.say(`Traffic at ${url}: 6 clients with a new connection a request, 6 keep-alive, 2 on slow answers, 2 slow downloads`);
  const traffic = startTraffic({
    url,
    newConnections: 6,
    keepAlive: 6,
    slow: 2,
    slowMs: 500,
    downloads: 2,
    downloadBytes: 500_000,
    downloadSeconds: 1.5,
  });
  story.traffic = () => traffic.counts();
  await traffic.waitFor(2000);

  story.say(`kubectl patch lb web --type=merge -p '{"spec":{"flavorId":"large"}}'`);
  const started = performance.now();
  const patch = (flavorId: string) => stack.kubectl(['patch', 'lb', 'web', '--type=merge', '-p', JSON.stringify({ spec: { flavorId } })]);
  await patch('large');
  await story.until('flavor large is in force', (lb) => lb.status?.flavorId === 'large');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  await story.until('the amphora of flavor small has drained and is gone', (lb) => lb.status?.amphorae?.length === 1);

  story.say('Another resize, to small, cancelled half-way: flavorId is set back to large once both are behind the VIP');
  await patch('small');
  await story.until('old and new are behind the VIP', (lb) => lb.status?.operation?.step === 'Detached');
  await patch('large');
  await story.until(
    'the resize is cancelled, large was in force all the time',
    (lb) => lb.status?.operation?.result === 'Cancelled' && lb.status.amphorae?.length === 1 && lb.status.flavorId === 'large',
  );

  story.say('A change of topology is refused at kubectl apply');
  const refusal = await patch('large-ha').then(
    () => undefined,
    (error: Error & { stderr?: string }) => error.stderr ?? error.message,
  );
  if (!refusal?.includes('topology')) throw new Error(`the change of topology was not refused: ${refusal ?? 'it went through'}`);
  story.detail(refusal.trim());

  story.say('A flavor whose amphora cannot boot: there is no image of its tag');
  await stack.kubectl(['apply', '-f', join(import.meta.dirname, '../examples/broken-flavor.yaml')]);
  await patch('broken');
  await story.until(
    'ERROR, with flavor large still in force and serving',
    (lb) => lb.status?.provisioningStatus === 'ERROR' && lb.status.flavorId === 'large',
  );

  story.say('The image is put there, and a retry asked for: kubectl annotate lb web reflavor.dev/retry=1');
  await mkdir(join(images, 'no-such-image'), { recursive: true });
  await symlink(execFileSync('sh', ['-c', 'command -v haproxy'], { encoding: 'utf8' }).trim(), join(images, 'no-such-image', 'haproxy'));
  await stack.kubectl(['annotate', 'lb', 'web', 'reflavor.dev/retry=1']);
  await story.until(
    'flavor broken, no longer broken, is in force',
    (lb) => lb.status?.flavorId === 'broken' && lb.status.provisioningStatus === 'ACTIVE',
  );

  if (traffic.counts().requests < REQUESTS) story.say(`Traffic goes on to ${REQUESTS} requests`);
  await traffic.waitFor(REQUESTS);
  const counts = await traffic.stop();
  for (const failure of counts.failures.slice(0, 10)) story.detail(`failed: ${JSON.stringify(failure)}`);
  failed = counts.failed > 0;
  process.exitCode = failed ? 1 : 0;
  await end();
  console.log(`demo: ${counts.requests} requests, ${counts.failed} failed, resized small -> large in ${seconds} s`);
} catch (error) {
  console.error(`demo: ${(error as Error).message}\ndemo: logs are in ${dir}`);
  process.exitCode = 1;
  await end();
}
process.exit();

async function end(): Promise<void> {
  story.end();
  await stack.stop();
  await members.close();
  if (!failed) await rm(dir, { recursive: true, force: true });
}

function loadBalancer(ports: number[]) {
  return {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      flavorId: 'small',
      strategy: { settleSeconds: 1, verifySeconds: 3, drainSeconds: 60 },
      listeners: [
        { name: 'http', protocol: 'HTTP', protocolPort: VIP_PORT, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } },
      ],
      pools: [
        {
          name: 'web',
          protocol: 'HTTP',
          healthMonitor: { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1 },
          members: ports.map((protocolPort) => ({ address: '127.0.0.1', protocolPort })),
        },
      ],
    },
  };
}
