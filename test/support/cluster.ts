import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { KubeClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/index.ts';
import type { Pod } from '../../src/provider/amphora/kubernetes/objects.ts';
import type { Cluster, ClusterOptions } from '../../tools/cluster/cluster.ts';
import { CHART_NAMESPACE, type ChartOptions, installChart, uninstallChart } from '../../tools/cluster/install-chart.ts';
import type { Place } from '../../tools/traffic/pods/place.ts';
import { startTrafficPod } from '../../tools/traffic/pods/traffic.ts';
import type { TrafficOptions } from '../../tools/traffic/settings.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import { processesOf } from './amphora-pod.ts';
import type { Surroundings } from './subject.ts';
import { useTestCluster } from './test-cluster.ts';

/** What a suite has of the cluster. The values may be read inside hooks and tests only. */
export interface ClusterScene extends Surroundings {
  namespace: string;
  kubeconfigPath: string;
  /** Names of the nodes that take any pod, sorted; two at least. */
  nodes: string[];
  /** The cluster on this machine, into whose nodes one can reach; undefined for one that `TEST_KUBECONFIG` names. */
  local: Cluster | undefined;
  /** Where members are put: on that node, or on any. */
  place(nodeName?: string): Place;
  /** Starts clients in a pod on that node, or on any; they are stopped at the latest after the last test. */
  traffic(options: TrafficOptions, nodeName?: string): Promise<Traffic>;
  /** Installs the chart anew with other values, and waits until the operator is ready. */
  install(options?: ChartOptions): Promise<void>;
  operator: {
    /** Resolves once exactly so many run. */
    scale(replicas: number): Promise<void>;
    /** Ends it at once, with no time to give anything up; Kubernetes starts another. */
    kill(): Promise<void>;
    /** helm uninstall. */
    uninstall(): Promise<void>;
  };
}

/** What a suite needs of its cluster. `chart`: how the chart is to be installed, where it isn't as it comes. */
interface ClusterNeeds extends Pick<ClusterOptions, 'dualStack' | 'networkPolicies'> {
  chart?(scene: Pick<ClusterScene, 'namespace' | 'nodes'>): ChartOptions;
}

/** The cluster of `useTestCluster`, with the chart installed and a namespace of this suite's own, gone after it. */
export function useCluster(suite: string, { chart, ...own }: ClusterNeeds = {}): ClusterScene {
  const namespace = `${suite}-${randomUUID().slice(0, 4)}`;
  let client: KubeClient;
  let image: string;
  let isUsed = false;
  /** The operator is as the chart has it, so that the next suite finds nothing to change. */
  let isAsItComes = true;
  const traffic: Traffic[] = [];
  const selector = '--selector=app.kubernetes.io/name=reflavor';
  const inSystem = (...args: string[]) => run([`--namespace=${CHART_NAMESPACE}`, ...args]);
  const run: Surroundings['kubectl'] = (args, more) => cluster.kubectl(args, more);
  const place = (nodeName?: string): Place => ({ kubeconfigPath: cluster.kubeconfigPath, kubectl: run, namespace, image, nodeName });
  const install = async (options?: ChartOptions) => {
    isAsItComes = false;
    const { local, kubeconfigPath, operatorImage } = cluster;
    image = await installChart(local ?? { kubeconfigPath }, { image: operatorImage, ...options });
    isAsItComes = options === undefined;
  };

  afterAll(async () => {
    try {
      await Promise.all(traffic.map((one) => one.stop()));
      if (!isUsed) return;
      if (!isAsItComes) await install();
      // Its load balancers go with all that is theirs; members and clients have no more to show.
      await run(['delete', 'loadbalancers', '--all', `--namespace=${namespace}`, '--timeout=120s']);
      expect(
        await run([
          'get',
          'pods,services,secrets',
          `--namespace=${namespace}`,
          '--selector=app.kubernetes.io/managed-by=reflavor',
          '--output=name',
        ]),
      ).toBe('');
      await run(['delete', 'namespace', namespace, '--wait=false']);
    } finally {
      await client?.close();
    }
  }, 300_000);

  const cluster = useTestCluster(own);

  beforeAll(async () => {
    client = connect({ kubeconfig: cluster.kubeconfigPath });
    const apply = (...objects: object[]) =>
      run(['apply', '--filename=-'], { input: objects.map((o) => JSON.stringify(o)).join('\n---\n') });
    await apply(restricted(namespace));
    await install(chart?.({ namespace, nodes: cluster.nodes }));
    isUsed = true;
    await apply(...flavors);
  }, 300_000);

  return {
    namespace,
    kubectl: run,
    install,
    operator: {
      async scale(replicas) {
        isAsItComes = false;
        await inSystem('scale', 'deployment', selector, `--replicas=${replicas}`);
        if (replicas === 0) await inSystem('wait', 'pod', selector, '--for=delete', '--timeout=60s');
        else await inSystem('rollout', 'status', 'deployment', selector, '--timeout=120s');
      },
      async kill() {
        // kubelet would give it two seconds, in which it would hand its lease over.
        const { items } = JSON.parse(await inSystem('get', 'pods', selector, '--output=json')) as { items: Pod[] };
        if (cluster.local) for (const pid of items.flatMap((pod) => processesOf(pod, 'node'))) process.kill(pid, 'SIGKILL');
        await inSystem('delete', 'pod', selector, '--grace-period=0', '--force');
      },
      async uninstall() {
        isAsItComes = false;
        await uninstallChart(cluster);
      },
    },
    place,
    async traffic(options, nodeName) {
      const started = await startTrafficPod(place(nodeName), options);
      traffic.push(started);
      return started;
    },
    get kubeconfigPath() {
      return cluster.kubeconfigPath;
    },
    get client() {
      return client;
    },
    get nodes() {
      return cluster.nodes;
    },
    get local() {
      return cluster.local;
    },
  };
}

/** Whatever is asked for in the namespace must be fit for the strictest Pod Security Standard. */
const restricted = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});

/** Flavors small enough that several amphorae of each have room on two small nodes. */
const flavors = [
  ...flavor('test-small', { threads: 1, maxConnections: 1000, compute: { cpu: '300m', memory: '64Mi' } }),
  ...flavor('test-large', { threads: 2, maxConnections: 4000, compute: { cpu: '500m', memory: '128Mi' } }),
  ...flavor('test-small-ha', {
    loadbalancerTopology: 'ACTIVE_STANDBY',
    threads: 1,
    maxConnections: 1000,
    compute: { cpu: '200m', memory: '64Mi' },
  }),
  ...flavor('test-large-ha', {
    loadbalancerTopology: 'ACTIVE_STANDBY',
    threads: 2,
    maxConnections: 4000,
    compute: { cpu: '300m', memory: '128Mi' },
  }),
  ...flavor('test-absent', { ampImageTag: 'no-such-image', compute: { cpu: '100m', memory: '64Mi' } }),
  ...flavor('test-absent-ha', {
    loadbalancerTopology: 'ACTIVE_STANDBY',
    ampImageTag: 'no-such-image',
    compute: { cpu: '100m', memory: '64Mi' },
  }),
  // HAProxy makes room for all its connections when it starts.
  ...flavor('test-hungry', { maxConnections: 400_000, compute: { cpu: '100m', memory: '16Mi' } }),
  ...flavor('test-huge', { compute: { cpu: '500', memory: '64Mi' } }),
  ...flavor('test-huge-ha', { loadbalancerTopology: 'ACTIVE_STANDBY', compute: { cpu: '500', memory: '64Mi' } }),
];

function flavor(name: string, flavorData: object): object[] {
  const of = (kind: string, spec: object) => ({ apiVersion: 'reflavor.dev/v1alpha1', kind, metadata: { name }, spec });
  return [of('FlavorProfile', { flavorData }), of('Flavor', { flavorProfile: name })];
}

/** Traffic from several nodes at once, since each has its own way to the VIP. */
export interface WideTraffic {
  counts(): TrafficCounts[];
  requests(): number;
  /** Resolves once so many requests have ended, all clients of all nodes together. */
  waitFor(requests: number): Promise<void>;
  stop(): Promise<TrafficCounts[]>;
}

/** The same clients in a pod of each of these nodes. */
export async function startTrafficOn(scene: ClusterScene, nodes: readonly string[], options: TrafficOptions): Promise<WideTraffic> {
  const all: Traffic[] = await Promise.all(nodes.map((node) => scene.traffic(options, node)));
  const requests = () => all.reduce((sum, traffic) => sum + traffic.counts().requests, 0);
  return {
    counts: () => all.map((traffic) => traffic.counts()),
    requests,
    waitFor: async (goal) => void (await Promise.race(all.map((traffic) => traffic.waitFor(() => requests() >= goal)))),
    stop: () => Promise.all(all.map((traffic) => traffic.stop())),
  };
}
