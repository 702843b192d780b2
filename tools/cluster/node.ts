/** A node: a machine of its own in namespaces, with containerd, kubelet and kube-proxy. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtDir, kubeRouterDir } from '../binaries.ts';
import type { ControlPlane } from '../controlplane.ts';
import { endProcess, isRunning, logTail, type ProcessIdentity } from '../processes.ts';
import { cgroupRoot, makeCgroups, removeCgroups } from './cgroups.ts';
import { CONTAINERD_SOCKET, cniConfig, containerdConfig, kubeletConfig, kubeProxyConfig } from './config.ts';
import { endMachine, type Namespaces, netnsOf, startInside, startMachine } from './namespaces.ts';
import {
  type ClusterRange,
  type FamilyRange,
  familiesOf,
  joinNode,
  type LinkedNode,
  linkNode,
  type NodeFamilyRange,
  nodeRange,
  openNamespace,
  partNode,
} from './network.ts';
import { run } from './run.ts';

export interface NodeState {
  name: string;
  /** From 1. */
  index: number;
  namespaces: Namespaces;
  kubelet?: ProcessIdentity;
}

/** What all nodes of a cluster share. */
export interface NodeSite {
  dir: string;
  detached: boolean;
  init: string;
  range: ClusterRange;
  hub: Namespaces;
}

export function linked(site: NodeSite, { name, index, namespaces }: NodeState): LinkedNode {
  return { name, netns: netnsOf(namespaces), pid: namespaces.pid, range: nodeRange(site.range, index) };
}

function paths({ dir }: NodeSite, name: string) {
  const own = join(dir, name);
  return { own, cni: join(own, 'cni'), pods: join(own, 'pods'), log: (program: string) => join(dir, 'logs', `${name}-${program}.log`) };
}

/** Makes the machine and links it with the hub; nothing runs in it yet. */
export async function makeNode(site: NodeSite, index: number): Promise<NodeState> {
  const name = `node${index}`;
  const { own, log } = paths(site, name);
  const namespaces = await startMachine({ name, dir: own, init: site.init, logFile: log('init'), detached: site.detached });
  const node = { name, index, namespaces };
  await openNamespace(netnsOf(namespaces), site.range);
  await linkNode(site.range, netnsOf(site.hub), linked(site, node));
  await makeCgroups(cgroupRoot(site.range.id, name));
  return node;
}

/** Starts containerd, which takes in the archives. */
export async function startRuntime(site: NodeSite, node: NodeState, archives: readonly string[]): Promise<void> {
  const { name, index, namespaces } = node;
  const { own, cni, log } = paths(site, name);
  await mkdir(cni, { recursive: true });
  const podRanges = familiesOf<NodeFamilyRange>(nodeRange(site.range, index)).map(({ podRange }) => podRange);
  await writeFile(join(cni, '10-reflavor.conflist'), cniConfig({ podRanges, dataDir: join(own, 'addresses') }));
  const config = join(own, 'containerd.toml');
  await writeFile(config, containerdConfig({ root: join(own, 'containerd'), cniDir: cni }));
  const logFile = log('containerd');
  const containerd = await startInside(namespaces, {
    name: `${name} containerd`,
    command: 'containerd',
    args: ['--config', config, '--log-level=warn'],
    logFile,
    detached: site.detached,
  });
  while (!existsSync(`/proc/${namespaces.pid}/root${CONTAINERD_SOCKET}`)) {
    if (!isRunning(containerd)) throw new Error(`containerd of ${name} ended\n${logTail(logFile)}`);
    await sleep(20);
  }
  for (const archive of archives) await loadImage(site, node, archive);
}

/** Has the node's containerd take in an archive, unless it has taken in the same file before. */
export async function loadImage(site: NodeSite, node: NodeState, archive: string): Promise<void> {
  const taken = join(paths(site, node.name).own, `has-${basename(archive)}`);
  if (existsSync(taken)) return;
  const ctr = ['ctr', `--address=${CONTAINERD_SOCKET}`, '--namespace=k8s.io', 'images', 'import', archive];
  await run('nsenter', [`--target=${node.namespaces.pid}`, '--net', '--mount', '--', ...ctr]);
  await writeFile(taken, '');
}

/** Registers the node with the API server. */
export async function startKubelet(site: NodeSite, node: NodeState, controlPlane: ControlPlane): Promise<void> {
  const { name, namespaces } = node;
  const { own, pods, log } = paths(site, name);
  const [address, ...more] = familiesOf<NodeFamilyRange>(nodeRange(site.range, node.index)).map((family) => family.address) as [string];
  const config = join(own, 'kubelet.yaml');
  const caFile = join(controlPlane.dir, 'pki/ca.crt');
  const [logsDir, pluginsDir] = [join(own, 'pod-logs'), join(own, 'plugins')];
  await writeFile(config, kubeletConfig({ address, cgroupRoot: cgroupRoot(site.range.id, name), caFile, logsDir, pluginsDir }));
  const kubeconfig = await controlPlane.userKubeconfig({ user: `system:node:${name}`, groups: ['system:nodes'] });
  node.kubelet = await startInside(namespaces, {
    name: `${name} kubelet`,
    command: join(builtDir('cluster'), 'kubelet'),
    args: [
      `--config=${config}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${name}`,
      `--node-ip=${[address, ...more].join()}`,
      `--root-dir=${pods}`,
      `--cert-dir=${join(own, 'pki')}`,
    ],
    logFile: log('kubelet'),
    detached: site.detached,
  });
}

/** The rules of Services in one machine: a node, or the hub, where it stands for a node. */
export async function startKubeProxy(
  site: NodeSite,
  machine: { name: string; namespaces: Namespaces; as: string },
  controlPlane: ControlPlane,
): Promise<void> {
  const program = `${machine.name}-kube-proxy`;
  const config = join(site.dir, machine.name, 'kube-proxy.yaml');
  const kubeconfig = await controlPlane.userKubeconfig({ user: 'system:kube-proxy' });
  await writeFile(
    config,
    kubeProxyConfig({
      kubeconfig,
      name: machine.as,
      clusterCidr: familiesOf<FamilyRange>(site.range)
        .map(({ insideRange }) => insideRange)
        .join(),
    }),
  );
  await startInside(machine.namespaces, {
    name: program,
    command: join(builtDir('cluster'), 'kube-proxy'),
    args: [`--config=${config}`],
    logFile: join(site.dir, 'logs', `${program}.log`),
    detached: site.detached,
  });
}

/**
 * Enforces NetworkPolicies for the node's pods; the rest of what kube-router can is kube-proxy's and the CNI plug-ins'. Its rules for IPv6 name sets that it
 * doesn't make (2.1.0), and a round that fails for one family may leave out the other.
 */
export async function startNetworkPolicies(site: NodeSite, node: NodeState, controlPlane: ControlPlane): Promise<void> {
  const { name, namespaces } = node;
  const kubeconfig = await controlPlane.userKubeconfig({ user: 'kube-router', groups: ['system:masters'] });
  await startInside(namespaces, {
    name: `${name} kube-router`,
    command: join(kubeRouterDir(), 'kube-router'),
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${name}`,
      '--run-firewall=true',
      '--run-router=false',
      '--run-service-proxy=false',
      '--enable-cni=false',
      '--health-port=0',
      '--enable-ipv6=false',
      `--service-cluster-ip-range=${site.range.serviceRange}`,
    ],
    logFile: paths(site, name).log('kube-router'),
    detached: site.detached,
  });
}

/** Ends kubelet and cuts the link: what the rest of the cluster sees of a machine that is gone. Its pods run on, and reach nobody. */
export async function cutOff(site: NodeSite, node: NodeState): Promise<void> {
  await partNode(netnsOf(site.hub), linked(site, node));
  if (node.kubelet) await endProcess(node.kubelet, { signal: 'SIGKILL' });
}

/** What {@link cutOff} parted. */
export async function rejoin(site: NodeSite, node: NodeState, controlPlane: ControlPlane): Promise<void> {
  await joinNode(netnsOf(site.hub), linked(site, node));
  if (!node.kubelet || !isRunning(node.kubelet)) await startKubelet(site, node, controlPlane);
}

/** Ends everything of the node and removes its folder and its control groups. */
export async function endNode(dir: string, id: number, { name, namespaces }: NodeState): Promise<void> {
  await endMachine(namespaces);
  await removeCgroups(cgroupRoot(id, name));
  // The kernel takes down what was mounted there a moment later, and a folder may change as it is removed.
  await rm(join(dir, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
