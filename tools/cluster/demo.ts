/** `make cluster-demo`: the demo's story on a real cluster of two nodes on this machine, where amphorae are pods. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Story } from '../demo/story.ts';
import { summary, tell } from '../demo/tell.ts';
import { startMemberPods } from '../traffic/pods/members.ts';
import { startTrafficPod } from '../traffic/pods/traffic.ts';
import { startCluster } from './cluster.ts';
import { CONTAINERD_SOCKET } from './config.ts';
import { HAPROXY_REPOSITORY } from './images/base.ts';
import { installChart } from './install-chart.ts';
import { run } from './run.ts';

const dir = await mkdtemp(join(tmpdir(), 'reflavor-demo-'));
const story = new Story();
let failed = true;

story.say('Starting a Kubernetes cluster of two nodes on this machine');
const cluster = await startCluster({ dir, log: (line) => story.detail(line) });
try {
  story.say('helm install reflavor charts/reflavor, kubectl apply -f examples/flavors.yaml');
  const image = await installChart(cluster);
  await cluster.kubectl(['apply', '--filename', join(import.meta.dirname, '../../examples/flavors.yaml')]);

  story.say('Three HTTP servers as a Deployment with a Service');
  const place = { kubeconfigPath: cluster.kubeconfigPath, kubectl: cluster.kubectl, namespace: 'default', image };
  const { service } = await startMemberPods(place);
  const outcome = await tell(story, {
    ...place,
    members: { service },
    startTraffic: (options) => startTrafficPod(place, options),
    mendImage: async () => void (await Promise.all(cluster.nodes.map(({ pid }) => tagImage(pid, '3.0', 'no-such-image')))),
  });
  failed = outcome.failed > 0;
  process.exitCode = failed ? 1 : 0;
  await end();
  console.log(summary(outcome));
} catch (error) {
  console.error(`demo: ${(error as Error).message}\ndemo: logs are in ${dir}`);
  process.exitCode = 1;
  await end();
}
process.exit();

/** Gives HAProxy's image another tag on a node. */
function tagImage(nodePid: number, from: string, to: string): Promise<string> {
  const ctr = ['ctr', `--address=${CONTAINERD_SOCKET}`, '--namespace=k8s.io'];
  const tag = ['images', 'tag', `${HAPROXY_REPOSITORY}:${from}`, `${HAPROXY_REPOSITORY}:${to}`];
  return run('nsenter', [`--target=${nodePid}`, '--net', '--mount', '--', ...ctr, ...tag]);
}

async function end(): Promise<void> {
  story.end();
  await cluster.stop();
  if (!failed) await rm(dir, { recursive: true, force: true });
}
