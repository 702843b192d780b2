import { join } from 'node:path';
import type { TrafficOptions } from '../traffic/settings.ts';
import type { Traffic } from '../traffic/traffic.ts';
import type { Story } from './story.ts';

/** Fewer would not show much. */
const REQUESTS = 50_000;
const VIP_PORT = 8080;

/** Where the story takes place: what differs between processes on this machine and pods of a cluster. */
export interface Setting {
  kubeconfigPath: string;
  namespace: string;
  /** In that namespace. */
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  /** Where the load balancer's members are, as a pool of its spec says it. */
  members: { members: { address: string; protocolPort: number }[] } | { service: { name: string; port: string } };
  startTraffic(options: TrafficOptions): Promise<Traffic>;
  /** Puts the image there that the flavor `broken` lacks. */
  mendImage(): Promise<void>;
}

/** What came of it. */
export interface Outcome {
  requests: number;
  failed: number;
  /** From the change of flavorId until the flavor was in force. */
  seconds: string;
}

/** A load balancer is made, resized, has a resize cancelled, a change of topology refused and a resize fail, and is mended; all under traffic. */
export async function tell(
  story: Story,
  { kubeconfigPath, namespace, kubectl, members, startTraffic, mendImage }: Setting,
): Promise<Outcome> {
  await story.watch(kubeconfigPath, { namespace, name: 'web' });

  story.say('A load balancer of flavor small in front of three HTTP servers: kubectl apply -f web.yaml');
  await kubectl(['apply', '-f', '-'], { input: JSON.stringify(loadBalancer(members)) });
  await story.until('it is ACTIVE', (lb) => lb.status?.provisioningStatus === 'ACTIVE');
  const url = `http://${story.now?.status?.vipAddress}:${VIP_PORT}/`;

  story.say(`Traffic at ${url}: 6 clients with a new connection a request, 6 keep-alive, 2 on slow answers, 2 slow downloads`);
  const traffic = await startTraffic({
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
  const patch = (flavorId: string) => kubectl(['patch', 'lb', 'web', '--type=merge', '-p', JSON.stringify({ spec: { flavorId } })]);
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
  await kubectl(['apply', '-f', join(import.meta.dirname, '../../examples/broken-flavor.yaml')]);
  await patch('broken');
  await story.until(
    'ERROR, with flavor large still in force and serving',
    (lb) => lb.status?.provisioningStatus === 'ERROR' && lb.status.flavorId === 'large',
  );

  story.say('The image is put there, and a retry asked for: kubectl annotate lb web reflavor.dev/retry=1');
  await mendImage();
  await kubectl(['annotate', 'lb', 'web', 'reflavor.dev/retry=1']);
  await story.until(
    'flavor broken, no longer broken, is in force',
    (lb) => lb.status?.flavorId === 'broken' && lb.status.provisioningStatus === 'ACTIVE',
  );

  if (traffic.counts().requests < REQUESTS) story.say(`Traffic goes on to ${REQUESTS} requests`);
  await traffic.waitFor(REQUESTS);
  const { requests, failed, failures } = await traffic.stop();
  for (const failure of failures.slice(0, 10)) story.detail(`failed: ${JSON.stringify(failure)}`);
  return { requests, failed, seconds };
}

/** The last line. */
export const summary = ({ requests, failed, seconds }: Outcome): string =>
  `demo: ${requests} requests, ${failed} failed, resized small -> large in ${seconds} s`;

function loadBalancer(members: Setting['members']) {
  return {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { name: 'web' },
    spec: {
      flavorId: 'small',
      // Where no registry can be reached, nobody knows that there is no such image: it is tried until the deadline.
      strategy: { settleSeconds: 1, verifySeconds: 3, drainSeconds: 60, progressDeadlineSeconds: 20 },
      listeners: [
        { name: 'http', protocol: 'HTTP', protocolPort: VIP_PORT, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } },
      ],
      pools: [
        {
          name: 'web',
          protocol: 'HTTP',
          healthMonitor: { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1 },
          ...members,
        },
      ],
    },
  };
}
