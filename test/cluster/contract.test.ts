import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, jest } from '@jest/globals';
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
import { describeDriverContract } from '../contract/driver-contract.ts';
import { eventually } from '../support/eventually.ts';
import { useLocalCluster } from '../support/local-cluster.ts';

jest.setTimeout(180_000);

/** The namespace of the contract's objects, and one that stands for the operator's. */
const NAMESPACE = 'shop';
const OPERATOR_NAMESPACE = 'contract-operator';
/** All that the driver makes. Pods first: nothing they need is missed while they end. */
const made = [pods, services, endpointSlices, networkPolicies, podDisruptionBudgets, secrets];

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

describeDriverContract('kubernetes', async () => {
  const watches = new Watches({ client, namespaces: [] });
  const make = () =>
    new KubernetesDriver({
      client,
      watch: watches.watch,
      operator: { namespace: OPERATOR_NAMESPACE, podLabels: { app: 'operator' } },
      image: { repository: 'docker.io/library/haproxy', tag: '3.0' },
    });
  const driver = make();
  // A driver asks for its watches before they run.
  const next = make();
  const stop = new AbortController();
  const running = watches.reflectors.map((reflector) => reflector.run(stop.signal));
  await Promise.all(watches.reflectors.map((reflector) => reflector.synced()));
  return {
    driver,
    restarted: () => next,
    // The first is one that only root may listen on elsewhere.
    ports: [80, 8443],
    members: members
      .map((member) => ({ address: cluster.range.host, protocolPort: (member.address() as AddressInfo).port }))
      .sort((a, b) => a.protocolPort - b.protocolPort),
    crash,
    vipAddress: cluster.range.serviceAddress.replace(/\.1$/, '.77'),
    patienceMs: 60_000,
    dispose: async () => {
      await removeAll();
      stop.abort();
      await Promise.all(running);
    },
  };
});

async function listening(host: string): Promise<Server> {
  const server = createServer((_, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return server;
}

/** Kills all processes of the amphora's container: on this machine they are seen from outside. */
async function crash({ metadata: { name } }: Amphora): Promise<void> {
  const pod = await client.get<Pod>(pods, { namespace: NAMESPACE, name });
  const { containerID = '' } = pod.status!.containerStatuses![0] as unknown as { containerID?: string };
  const id = containerID.replace('containerd://', '');
  if (id === '') throw new Error(`${name} has no container`);
  const killed = [];
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    if (!(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).includes(id)) continue;
    process.kill(Number(pid), 'SIGKILL');
    killed.push(pid);
  }
  if (killed.length === 0) throw new Error(`no process of ${name} was found`);
}

/** What a test left; the next one takes the same names. */
async function removeAll(): Promise<void> {
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
