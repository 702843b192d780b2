import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll } from '@jest/globals';
import type { Amphora } from '../../src/api/index.ts';
import { Watches } from '../../src/controller/watches.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { connect } from '../../src/kube/index.ts';
import type { Resource } from '../../src/kube/types.ts';
import { KubernetesDriver } from '../../src/provider/amphora/kubernetes/driver.ts';
import { LABELS, MANAGED_BY } from '../../src/provider/amphora/kubernetes/names.ts';
import {
  endpointSlices,
  networkPolicies,
  type Pod,
  podDisruptionBudgets,
  pods,
  type Service,
  secrets,
  services,
} from '../../src/provider/amphora/kubernetes/objects.ts';
import { startMemberPods } from '../../tools/traffic/pods/members.ts';
import { type Answer, startClientPod } from '../support/client-pod.ts';
import { eventually } from '../support/eventually.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { type TestCluster, useTestCluster } from '../support/test-cluster.ts';

/** The namespace of `buildAmphora`, and one that stands for the operator's. */
const NAMESPACE = 'shop';
export const OPERATOR_NAMESPACE = 'shop-operator';
const operator = { namespace: OPERATOR_NAMESPACE, podLabels: { app: 'operator' } };
/** All that the driver makes. Pods first: nothing they need is missed while they end. */
const kinds = [pods, services, endpointSlices, networkPolicies, podDisruptionBudgets, secrets];

/** A driver on a real cluster, and the one that takes its place when the operator is started anew. */
export interface DriverSetting {
  driver: KubernetesDriver;
  restarted: KubernetesDriver;
  /** Removes all that it has made. */
  dispose(): Promise<void>;
}

/** A cluster, with members in pods. The values may be read inside hooks and tests only. */
export interface DriverPlace {
  cluster: TestCluster;
  client(): HttpKubeClient;
  /** Two, on different ports. */
  members(): { address: string; protocolPort: number }[];
  /** Of the range of Services, and nobody's. */
  vipAddress(): string;
  /** `now` is that of the first driver. */
  set(options?: { now?: () => number }): Promise<DriverSetting>;
  podOf(amphora: Amphora): Promise<Pod>;
  /** Sends a signal to the processes of the amphora's container: all of them where they are seen from outside, else all but the first. */
  signal(amphora: Amphora, signal: 'SIGKILL' | 'SIGSTOP'): Promise<void>;
  /** Has a pod send a request. */
  ask(url: string): Promise<Answer>;
}

export function useDriverPlace(): DriverPlace {
  let client: HttpKubeClient;
  let members: { address: string; protocolPort: number }[];
  let vipAddress: string;
  let ask: (url: string) => Promise<Answer>;
  /** From where the addresses of pods may not be reached. */
  let relay: Relay | undefined;
  const made: string[] = [];

  afterAll(async () => {
    relay?.close();
    if (made.length > 0) await cluster.kubectl(['delete', 'namespace', ...made]);
    await client?.close();
  }, 120_000);

  const cluster = useTestCluster();

  beforeAll(async () => {
    client = connect({ kubeconfig: cluster.kubeconfigPath });
    for (const name of [NAMESPACE, OPERATOR_NAMESPACE]) {
      const metadata = { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } };
      // Not applied: one that is there may be somebody's, and is not to be deleted.
      await cluster.kubectl(['create', '--filename=-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata }) });
      made.push(name);
    }
    const { kubeconfigPath, kubectl } = cluster;
    const place = { kubeconfigPath, kubectl, namespace: OPERATOR_NAMESPACE, image: await cluster.nodeImage() };
    const started = await Promise.all([8001, 8002].map((port) => startMemberPods(place, { name: `member-${port}`, count: 1, port })));
    members = (await Promise.all(started.map((each) => each.members()))).flat();
    ask = await startClientPod(place);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'was-here', namespace: NAMESPACE },
      spec: { ports: [{ port: 80 }] },
    };
    vipAddress = (await client.create<Service>(services, service)).spec!.clusterIP!;
    await client.delete(services, service.metadata);
    if (!cluster.local) relay = await startRelay(cluster, { namespace: operator.namespace, labels: operator.podLabels });
  }, 300_000);

  const podOf = ({ metadata: { name } }: Amphora) => client.get<Pod>(pods, { namespace: NAMESPACE, name });

  return {
    cluster,
    client: () => client,
    members: () => members.map(({ address, protocolPort }) => ({ address, protocolPort })),
    vipAddress: () => vipAddress,
    podOf,
    async set({ now } = {}) {
      const watches = new Watches({ client, namespaces: [] });
      const options = {
        client,
        watch: watches.watch,
        operator,
        image: { repository: 'docker.io/library/haproxy', tag: '3.0' },
        dial: relay?.dial,
      };
      // A driver asks for its watches before they run.
      const [driver, restarted] = [new KubernetesDriver({ ...options, now }), new KubernetesDriver(options)];
      const stop = new AbortController();
      const running = watches.reflectors.map((reflector) => reflector.run(stop.signal));
      await Promise.all(watches.reflectors.map((reflector) => reflector.synced()));
      const dispose = async () => {
        await removeAll(client);
        stop.abort();
        await Promise.all(running);
      };
      return { driver, restarted, dispose };
    },
    ask: (url) => ask(url),
    async signal(amphora, signal) {
      if (!cluster.local) {
        const { namespace, name } = amphora.metadata;
        const kill = `kill -${signal.replace('SIG', '')} -1`;
        return void (await cluster.kubectl(['exec', `--namespace=${namespace}`, name, '--', 'sh', '-c', kill]).catch(() => {}));
      }
      const id = (await podOf(amphora)).status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '');
      if (!id) throw new Error(`${amphora.metadata.name} has no container`);
      const found = [];
      for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
        if (!(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(id)) continue;
        try {
          process.kill(Number(pid), signal);
          found.push(pid);
        } catch (error) {
          // The worker ends with its master, which was told first.
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
      if (found.length === 0) throw new Error(`no process of ${amphora.metadata.name} was found`);
    },
  };
}

/** What a test left; the next one takes the same names. */
async function removeAll(client: HttpKubeClient): Promise<void> {
  const labelSelector = `${LABELS.managedBy}=${MANAGED_BY}`;
  const left = (resource: Resource) => client.listAll(resource, { namespace: NAMESPACE, labelSelector });
  for (const resource of kinds) {
    for (const { metadata } of (await left(resource)).items)
      await client.delete(resource, metadata, { gracePeriodSeconds: 0 }).catch(() => {});
  }
  await eventually(async () => {
    for (const resource of kinds) if ((await left(resource)).items.length > 0) throw new Error(`${resource.plural} are left`);
  });
}
