/** `make cluster-demo`: the demo's story on a real cluster of two nodes, where amphorae are pods: on that of `make cluster`, or on one of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Story } from '../demo/story.ts';
import { summary, tell } from '../demo/tell.ts';
import { startMemberPods } from '../traffic/pods/members.ts';
import { uniqueName } from '../traffic/pods/place.ts';
import { startTrafficPod } from '../traffic/pods/traffic.ts';
import { attachCluster, type Cluster, startCluster } from './cluster.ts';
import { CONTAINERD_SOCKET } from './config.ts';
import { HAPROXY_REPOSITORY } from './images/base.ts';
import { run } from './run.ts';
import { equip, standingDir } from './standing.ts';

/** That of the flavor `broken`, which no node has until the story puts it there. */
const ABSENT_IMAGE = `${HAPROXY_REPOSITORY}:no-such-image`;

const standing = await attachCluster(standingDir);
const dir = standing ? standingDir : await mkdtemp(join(tmpdir(), 'reflavor-demo-'));
const namespace = uniqueName('demo');
const story = new Story();
let failed = true;

story.say(standing ? 'On the cluster that `make cluster` left running' : 'Starting a Kubernetes cluster of two nodes on this machine');
const cluster = standing ?? (await startCluster({ dir, log: (line) => story.detail(line) }));
// A cluster of its own ends with this process in any case.
if (standing) process.once('SIGINT', () => void end().finally(() => process.exit(130)));
try {
  story.say('helm install reflavor charts/reflavor, kubectl apply -f examples/flavors.yaml');
  const image = await equip(cluster);

  story.say(`Three HTTP servers as a Deployment with a Service, in namespace ${namespace}`);
  await cluster.kubectl(['create', 'namespace', namespace]);
  const place = { kubeconfigPath: cluster.kubeconfigPath, kubectl: cluster.kubectl, namespace, image };
  const { service } = await startMemberPods(place);
  const outcome = await tell(story, {
    ...place,
    kubectl: (args, options) => cluster.kubectl([`--namespace=${namespace}`, ...args], options),
    members: { service },
    startTraffic: (options) => startTrafficPod(place, options),
    mendImage: () => onNodes(cluster, ['tag', `${HAPROXY_REPOSITORY}:3.0`, ABSENT_IMAGE]),
  });
  failed = outcome.failed > 0;
  process.exitCode = failed ? 1 : 0;
  await end();
  console.log(summary(outcome));
} catch (error) {
  console.error(`demo: ${(error as Error).message}\ndemo: logs are in ${join(dir, 'logs')}`);
  process.exitCode = 1;
  await end();
}
process.exit();

async function onNodes({ nodes }: Cluster, args: readonly string[]): Promise<void> {
  const ctr = ['ctr', `--address=${CONTAINERD_SOCKET}`, '--namespace=k8s.io', 'images', ...args];
  await Promise.all(nodes.map(({ pid }) => run('nsenter', [`--target=${pid}`, '--net', '--mount', '--', ...ctr])));
}

async function end(): Promise<void> {
  story.end();
  if (standing) {
    await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found']);
    await onNodes(cluster, ['rm', ABSENT_IMAGE]);
    return;
  }
  await cluster.stop();
  if (!failed) await rm(dir, { recursive: true, force: true });
}
