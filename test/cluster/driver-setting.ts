import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  secrets,
  services,
} from '../../src/provider/amphora/kubernetes/objects.ts';
import type { Cluster } from '../../tools/cluster/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { useLocalCluster } from '../support/local-cluster.ts';

/** The namespace of `buildAmphora`, and one that stands for the operator's. */
const NAMESPACE = 'shop';
export const OPERATOR_NAMESPACE = 'shop-operator';
/** All that the driver makes. Pods first: nothing they need is missed while they end. */
const made = [pods, services, endpointSlices, networkPolicies, podDisruptionBudgets, secrets];

/** A driver on a real cluster, and the one that takes its place when the operator is started anew. */
export interface DriverSetting {
  driver: KubernetesDriver;
  restarted: KubernetesDriver;
  /** Removes all that it has made. */
  dispose(): Promise<void>;
}

/** A cluster, with members that its pods reach. The values may be read inside hooks and tests only. */
export interface DriverPlace {
  cluster: Cluster;
  client(): HttpKubeClient;
  members(): { address: string; protocolPort: number }[];
  /** `now` is that of the first driver. */
  set(options?: { now?: () => number }): Promise<DriverSetting>;
  podOf(amphora: Amphora): Promise<Pod>;
  /** Sends a signal to all processes of the amphora's container: on this machine they are seen from outside. */
  signal(amphora: Amphora, signal: NodeJS.Signals): Promise<void>;
}

export function useDriverPlace(): DriverPlace {
  const cluster = useLocalCluster();
  let client: HttpKubeClient;
  let members: Server[];

  beforeAll(async () => {
    client = connect({ kubeconfig: cluster.kubeconfigPath });
    const namespaces = [NAMESPACE, OPERATOR_NAMESPACE].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    }));
    await cluster.kubectl(['apply', '-f', '-'], { input: namespaces.map((o) => JSON.stringify(o)).join('\n---\n') });
    members = await Promise.all([1, 2].map(() => listening(cluster.range.host)));
  });

  afterAll(async () => {
    for (const member of members ?? []) member.close();
    await cluster.kubectl(['delete', 'namespace', NAMESPACE, OPERATOR_NAMESPACE]);
    await client?.close();
  });

  const podOf = ({ metadata: { name } }: Amphora) => client.get<Pod>(pods, { namespace: NAMESPACE, name });

  return {
    cluster,
    client: () => client,
    members: () =>
      members
        .map((member) => ({ address: cluster.range.host, protocolPort: (member.address() as AddressInfo).port }))
        .sort((a, b) => a.protocolPort - b.protocolPort),
    podOf,
    async set({ now } = {}) {
      const watches = new Watches({ client, namespaces: [] });
      const options = {
        client,
        watch: watches.watch,
        operator: { namespace: OPERATOR_NAMESPACE, podLabels: { app: 'operator' } },
        image: { repository: 'docker.io/library/haproxy', tag: '3.0' },
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
    async signal(amphora, signal) {
      const id = (await podOf(amphora)).status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '');
      if (!id) throw new Error(`${amphora.metadata.name} has no container`);
      const found = [];
      for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
        if (!(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(id)) continue;
        process.kill(Number(pid), signal);
        found.push(pid);
      }
      if (found.length === 0) throw new Error(`no process of ${amphora.metadata.name} was found`);
    },
  };
}

async function listening(host: string): Promise<Server> {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return server;
}

/** What a test left; the next one takes the same names. */
async function removeAll(client: HttpKubeClient): Promise<void> {
  const labelSelector = `${LABELS.managedBy}=${MANAGED_BY}`;
  const left = (resource: Resource) => client.listAll(resource, { namespace: NAMESPACE, labelSelector });
  for (const resource of made) {
    for (const { metadata } of (await left(resource)).items)
      await client.delete(resource, metadata, { gracePeriodSeconds: 0 }).catch(() => {});
  }
  await eventually(async () => {
    for (const resource of made) if ((await left(resource)).items.length > 0) throw new Error(`${resource.plural} are left`);
  });
}
