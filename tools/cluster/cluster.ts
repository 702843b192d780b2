/** A real Kubernetes of several nodes on this machine, in network namespaces. Needs root on Linux, and what `make cluster` installs. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtDir, cacheRoot } from '../binaries.ts';
import { attachControlPlane, type ControlPlane, endControlPlane, startControlPlane } from '../controlplane.ts';
import { kubectl } from '../kubectl.ts';
import { endProcess, isRunning, logTail, type ProcessIdentity, startProcess } from '../processes.ts';
import { connects } from '../traffic/connects.ts';
import { sweepCgroups } from './cgroups.ts';
import { haproxyImage, initProgram, pauseImage } from './images/base.ts';
import { withLock } from './lock.ts';
import { endMachine, inNetwork, maskedDirs, type Namespaces, netnsOf, startMachine } from './namespaces.ts';
import {
  type ClusterRange,
  clusterRange,
  type FamilyRange,
  familiesOf,
  freeRange,
  linkHost,
  nodeRange,
  openNamespace,
  routeDestinations,
  unlinkHost,
} from './network.ts';
import * as machine from './node.ts';
import { clusterObstacle } from './obstacle.ts';

export interface ClusterOptions {
  /** Holds data, logs and the kubeconfig. A cluster that runs here already is joined; what is left of one that died is ended first. */
  dir: string;
  /** Default 2. */
  nodes?: number;
  /** Survives this process. Default false: it ends with this process, whatever ends that. */
  detached?: boolean;
  /** Archives that every node has from the start, beside HAProxy's and the sandbox's. */
  images?: readonly string[];
  /** Nodes, pods and Services have addresses of IPv6 as well; a Service only where it asks for them. Default false. */
  dualStack?: boolean;
  /** The nodes enforce NetworkPolicies, for IPv4 alone; needs what `make install-test` brings. Default false: they are taken in, and mean nothing. */
  networkPolicies?: boolean;
  /** After how much silence a node counts as lost, `--node-monitor-grace-period`; default Kubernetes' own, 50 s. Not below 16 s: kubelet speaks every 10 s. */
  nodeMonitorGraceSeconds?: number;
  /** How long the nodes may take to become ready; default 120 000. */
  readyTimeoutMs?: number;
  log?: (line: string) => void;
}

export interface ClusterNode {
  /** Also of the Node object. */
  name: string;
  /** A file for `nsenter --net=`. */
  netns: string;
  /** Process 1 of the node, for `nsenter --target=PID --net --mount --pid`. */
  pid: number;
  /** The node's InternalIP. */
  address: string;
  podRange: string;
}

export interface Cluster {
  dir: string;
  /** Of a member of system:masters. The API server, pods and Services are reached from this machine at their own addresses. */
  kubeconfigPath: string;
  controlPlane: ControlPlane;
  range: ClusterRange;
  nodes: readonly ClusterNode[];
  /** Runs the real kubectl as administrator. */
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  /** Has every node take in an image archive. */
  loadImage(archive: string): Promise<void>;
  /** Ends a node's kubelet and cuts its link. Its pods run on, and reach nobody. */
  cutOff(node: string): Promise<void>;
  /** Brings a node back that was cut off; it is ready again a few seconds later. */
  rejoin(node: string): Promise<void>;
  /** Ends everything and removes all but the logs. */
  stop(): Promise<void>;
}

/** What {@link attachCluster} and {@link stopCluster} need. */
interface State {
  id: number;
  dualStack: boolean;
  detached: boolean;
  hub: Namespaces;
  nodes: machine.NodeState[];
  /** Beside the control plane's own two. */
  controllers: ProcessIdentity[];
  ready: boolean;
}

/**
 * Starts a cluster and waits until its nodes are ready and Services are reached from here.
 * @throws with the end of the log where a part does not come up; what was started by then is ended
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const dir = resolve(options.dir);
  const { log = () => {} } = options;
  checkMachine(dir);
  const running = await attachCluster(dir);
  if (running) {
    log('the cluster runs already');
    return running;
  }
  await stopCluster(dir);
  await rm(dir, { recursive: true, force: true });
  await mkdir(join(dir, 'logs'), { recursive: true });
  try {
    return await start({ ...options, dir, log });
  } catch (error) {
    await stopCluster(dir);
    throw error;
  }
}

async function start(options: ClusterOptions & { dir: string; log: (line: string) => void }): Promise<Cluster> {
  const {
    dir,
    nodes: count = 2,
    detached = false,
    dualStack = false,
    networkPolicies = false,
    images = [],
    readyTimeoutMs = 120_000,
    log,
  } = options;
  log('images: from the cache, or made from Debian packages');
  const archives = [await pauseImage(), await haproxyImage(), ...images];
  const init = await initProgram();

  const state = await withLock(join(cacheRoot(), 'cluster-range.lock'), async () => {
    const hub = await startMachine({ name: 'hub', dir: join(dir, 'hub'), init, logFile: join(dir, 'logs/hub-init.log'), detached });
    const { id } = freeRange(await routeDestinations());
    const state: State = { id, dualStack, detached, hub, nodes: [], controllers: [], ready: false };
    await writeState(dir, state);
    await sweepCgroups(state.id);
    await openNamespace(netnsOf(hub), rangeOf(state));
    await linkHost(rangeOf(state), { netns: netnsOf(hub), pid: hub.pid });
    return state;
  });
  const range = rangeOf(state);
  const site = siteOf(dir, state, init);

  log(`${count} nodes and the control plane, in ${range.cidr}`);
  for (let index = 1; index <= count; index++) {
    state.nodes.push(await machine.makeNode(site, index));
    await writeState(dir, state);
  }
  const [controlPlane] = await Promise.all([
    startControlPlane(controlPlaneOptions(dir, state)),
    ...state.nodes.map((node) => machine.startRuntime(site, node, archives)),
  ]);
  state.controllers = await startControllers(options, state, controlPlane);
  await writeState(dir, state);
  for (const node of state.nodes) {
    await machine.startKubelet(site, node, controlPlane);
    await machine.startKubeProxy(site, { ...node, as: node.name }, controlPlane);
  }
  // The hub is no node. What comes from this machine is treated as on the first one; that one may be cut off all the same.
  await machine.startKubeProxy(site, { name: 'hub', namespaces: state.hub, as: 'node1' }, controlPlane);
  await writeState(dir, state);

  log('waiting until the nodes are ready');
  await ready(controlPlane, range, count, readyTimeoutMs);
  if (networkPolicies) for (const node of state.nodes) await machine.startNetworkPolicies(site, node, controlPlane);
  state.ready = true;
  await writeState(dir, state);
  return clusterOf(dir, state, controlPlane);
}

/** The cluster that runs in this folder, or nothing when it does not run (any more). */
export async function attachCluster(dir: string): Promise<Cluster | undefined> {
  const state = await readState(resolve(dir));
  if (!state?.ready || !machinesOf(state).every(({ holder }) => isRunning(holder))) return undefined;
  const controlPlane = await attachControlPlane(controlPlaneOptions(resolve(dir), state));
  return controlPlane && clusterOf(resolve(dir), state, controlPlane);
}

/** Ends all that a cluster of this folder left running, however it was started, and nothing else. Tells whether there was something. */
export async function stopCluster(dir: string): Promise<boolean> {
  const state = await readState(resolve(dir));
  if (!state) return false;
  for (const controller of state.controllers) await endProcess(controller);
  await Promise.all(state.nodes.map((node) => machine.endNode(resolve(dir), state.id, node)));
  await endControlPlane(controlPlaneDir(dir));
  await unlinkHost(rangeOf(state));
  await endMachine(state.hub);
  for (const name of ['hub', 'control-plane', 'cluster.json']) await rm(join(dir, name), { recursive: true, force: true });
  return true;
}

function clusterOf(dir: string, state: State, controlPlane: ControlPlane): Cluster {
  const kubeconfigPath = controlPlane.kubeconfigPath;
  const site = siteOf(dir, state, '');
  const find = (name: string) => {
    const node = state.nodes.find((each) => each.name === name);
    if (!node) throw new Error(`there is no node "${name}"; there are: ${state.nodes.map((each) => each.name).join(', ')}`);
    return node;
  };
  return {
    dir,
    kubeconfigPath,
    controlPlane,
    range: rangeOf(state),
    nodes: state.nodes.map(({ name, index, namespaces }) => {
      const { address, podRange } = nodeRange(rangeOf(state), index);
      return { name, netns: netnsOf(namespaces), pid: namespaces.pid, address, podRange };
    }),
    kubectl: (args, options) => kubectl(kubeconfigPath, args, options),
    async loadImage(archive) {
      await Promise.all(state.nodes.map((node) => machine.loadImage(site, node, archive)));
    },
    cutOff: (name) => machine.cutOff(site, find(name)),
    async rejoin(name) {
      await machine.rejoin(site, find(name), controlPlane);
      await writeState(dir, state);
    },
    stop: async () => void (await stopCluster(dir)),
  };
}

/** kube-controller-manager and kube-scheduler, one of each, without a lease. */
async function startControllers(options: ClusterOptions, state: State, { dir, userKubeconfig }: ControlPlane): Promise<ProcessIdentity[]> {
  const flags = {
    'kube-controller-manager': [
      `--service-account-private-key-file=${join(dir, 'pki/service-account.key')}`,
      `--root-ca-file=${join(dir, 'pki/ca.crt')}`,
      '--use-service-account-credentials=true',
      `--node-monitor-grace-period=${options.nodeMonitorGraceSeconds ?? 50}s`,
    ],
    'kube-scheduler': [],
  };
  return Promise.all(
    Object.entries(flags).map(async ([name, own]) => {
      const kubeconfig = await userKubeconfig({ user: `system:${name}` });
      const [command, ...enter] = inNetwork(state.hub);
      const program = [join(builtDir('cluster'), name), `--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0', ...own];
      const logFile = join(options.dir, 'logs', `${name}.log`);
      return startProcess({ name, command, args: [...enter, ...program], logFile, detached: state.detached });
    }),
  );
}

async function ready(controlPlane: ControlPlane, range: ClusterRange, count: number, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  const get = (...args: string[]) => kubectl(controlPlane.kubeconfigPath, ['get', ...args]);
  const conditions = {
    'the nodes': async () => {
      const jsonpath = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{" "}{end}';
      const statuses = (await get('nodes', `--output=jsonpath=${jsonpath}`)).split(' ');
      return statuses.filter((status) => status === 'True').length === count;
    },
    'the service account of the namespace default': async () => (await get('serviceaccount', 'default', '--output=name')) !== '',
    'the address of the Service kubernetes': () => connects(range.serviceAddress, 443),
  };
  for (const [what, holds] of Object.entries(conditions)) {
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadline) {
        const logs = join(controlPlane.dir, '../logs');
        throw new Error(`${what}: not ready after ${withinMs} ms\nkubelet of node1: ${logTail(join(logs, 'node1-kubelet.log'))}`);
      }
      await sleep(100);
    }
  }
}

/** @throws in words for whoever typed `make cluster`, where this machine can't have one */
function checkMachine(dir: string): void {
  const obstacle = clusterObstacle();
  if (obstacle) throw new Error(`no cluster on this machine: ${obstacle}. \`make demo\` shows the same without one`);
  const masked = maskedDirs.find((path) => `${dir}/`.startsWith(`${path}/`));
  if (masked) throw new Error(`the folder of a cluster can't be below ${masked}, which is empty inside its nodes: ${dir}`);
}

function controlPlaneDir(dir: string): string {
  return join(dir, 'control-plane');
}

function rangeOf({ id, dualStack }: State): ClusterRange {
  return clusterRange(id, { dualStack });
}

function controlPlaneOptions(dir: string, state: State) {
  const { hub, detached } = state;
  const range = rangeOf(state);
  const serviceRange = familiesOf<FamilyRange>(range)
    .map((family) => family.serviceRange)
    .join();
  const site = { enter: inNetwork(hub), address: range.hub, apiPort: 6443, serviceRange, serviceAddress: range.serviceAddress };
  return { dir: controlPlaneDir(dir), detached, site };
}

function siteOf(dir: string, state: State, init: string): machine.NodeSite {
  const { hub, detached } = state;
  return { dir, detached, init, range: rangeOf(state), hub };
}

function machinesOf({ hub, nodes }: State): Namespaces[] {
  return [hub, ...nodes.map(({ namespaces }) => namespaces)];
}

async function readState(dir: string): Promise<State | undefined> {
  const path = join(dir, 'cluster.json');
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as State) : undefined;
}

/** Nobody ever reads half of the file. */
async function writeState(dir: string, state: State): Promise<void> {
  const file = join(dir, 'cluster.json');
  await writeFile(`${file}.new`, JSON.stringify(state));
  await rename(`${file}.new`, file);
}
