/** A real Kubernetes control plane on loopback: etcd and kube-apiserver, without kubelets or controllers. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from './binaries.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { type Authority, type KeyPair, makeServiceAccountKey, openAuthority } from './pki.ts';
import { freePorts } from './ports.ts';
import { endProcess, isRunning, logTail, type ProcessIdentity, startProcess } from './processes.ts';

export interface ControlPlaneOptions {
  /** Holds data, certificates, logs and the kubeconfig. A folder that was used before is carried on with: same objects, same certificates. */
  dir: string;
  /** Survives this process; {@link attachControlPlane} finds it again. Default false: it ends with this process, whatever ends that. */
  detached?: boolean;
  /** The environment of both; default this process's. */
  env?: NodeJS.ProcessEnv;
  /** Appended to kube-apiserver's flags. */
  apiServerFlags?: readonly string[];
  /** Where it runs, and that nodes join it; default this network namespace, on 127.0.0.1, without nodes. */
  site?: ClusterSite;
  /** How long kube-apiserver may take to become ready; default 60 000. Measured: 3 s. */
  readyTimeoutMs?: number;
  log?: (line: string) => void;
}

/** The place of a control plane that has nodes. */
export interface ClusterSite {
  /** A command and its first arguments, which run what follows them in the network namespace of the control plane: `nsenter --net=FILE`. */
  enter: readonly [string, ...string[]];
  /** IPv4, in that namespace; reached from this one, from the nodes and from the pods. */
  address: string;
  apiPort: number;
  /** CIDR of the addresses of Services, or two, of either family, with a comma between them. */
  serviceRange: string;
  /** The first of them, which the Service `kubernetes` gets. */
  serviceAddress: string;
}

export interface ControlPlane {
  dir: string;
  /** `https://ADDRESS:PORT` */
  url: string;
  /** A kubeconfig of a member of system:masters. */
  kubeconfigPath: string;
  /** The same as text. */
  adminKubeconfig: string;
  pids: { etcd: number; kubeApiserver: number };
  /** Writes a kubeconfig with a client certificate for this user, who has no rights but what RBAC gives, and returns its path. */
  userKubeconfig(user: { user: string; groups?: readonly string[] }): Promise<string>;
  /** Ends kube-apiserver alone; etcd keeps the objects. SIGKILL is a crash. */
  stopApiServer(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Ends etcd alone, which kube-apiserver then waits for. SIGKILL is a crash. */
  stopEtcd(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, with what it had. Does not wait until kube-apiserver has found it. */
  startEtcd(): Promise<void>;
  /** Ends both and waits until they are gone. The folder stays. */
  stop(): Promise<void>;
}

/** What {@link attachControlPlane} needs to find a running control plane. */
interface State {
  etcdPort: number;
  apiPort: number;
  etcd: ProcessIdentity;
  apiServer: ProcessIdentity;
}

/**
 * Starts etcd and kube-apiserver on free ports of 127.0.0.1 and waits until requests are answered and the namespace `default` exists.
 * RBAC is on. No controller runs: nothing deletes dependents or a namespace's content, fills EndpointSlices, makes pods, or fills aggregated
 * cluster roles (so `view`, `edit` and `admin` are empty).
 * @throws with the end of the log when one of them does not come up
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { dir } = options;
  await mkdir(join(dir, 'pki'), { recursive: true });
  const authority = await openAuthority(join(dir, 'pki'));
  await writeServerFiles(dir, authority, options.site);
  const before = await readState(dir);
  for (let attempt = 1; ; attempt++) {
    const [etcdPort, etcdPeerPort, freeApiPort] = (await freePorts(3)) as [number, number, number];
    const apiPort = options.site?.apiPort ?? (attempt === 1 && before ? before.apiPort : freeApiPort);
    const etcd = await startEtcd(options, etcdPort, etcdPeerPort);
    try {
      const apiServer = await startApiServer(options, authority, etcd, etcdPort, apiPort);
      const state = { etcdPort, apiPort, etcd, apiServer };
      return await controlPlane(options, authority, state);
    } catch (error) {
      await endProcess(etcd, { signal: 'SIGKILL' });
      if (attempt === 5 || !(error instanceof PortTaken)) throw error;
      options.log?.(`a port was taken meanwhile, trying others (${attempt}/5)`);
    }
  }
}

/** The control plane that a detached {@link startControlPlane} left running in this folder, or nothing when it does not run (any more). */
export async function attachControlPlane(options: ControlPlaneOptions): Promise<ControlPlane | undefined> {
  const state = await readState(options.dir);
  if (!state || !isRunning(state.etcd) || !isRunning(state.apiServer)) return undefined;
  return controlPlane(options, await openAuthority(join(options.dir, 'pki')), state);
}

/** Ends what runs of the control plane of this folder, also when only one half of it does. */
export async function endControlPlane(dir: string): Promise<void> {
  const state = await readState(dir);
  if (!state) return;
  await endProcess(state.apiServer, { graceMs: 3_000 });
  await endProcess(state.etcd, { graceMs: 3_000 });
}

class PortTaken extends Error {}

async function controlPlane(options: ControlPlaneOptions, authority: Authority, state: State): Promise<ControlPlane> {
  const { dir, site } = options;
  const url = `https://${site?.address ?? '127.0.0.1'}:${state.apiPort}`;
  const kubeconfig = async (user: string, groups: readonly string[]) =>
    renderKubeconfig({ url, caPem: authority.caPem, user, ...(await authority.issueClient(user, groups)) });
  const adminKubeconfig = await kubeconfig('reflavor-admin', ['system:masters']);
  const kubeconfigPath = join(dir, 'kubeconfig');
  await writeWhole(kubeconfigPath, adminKubeconfig);
  await writeWhole(join(dir, 'controlplane.json'), JSON.stringify(state));
  return {
    dir,
    url,
    kubeconfigPath,
    adminKubeconfig,
    get pids() {
      return { etcd: state.etcd.pid, kubeApiserver: state.apiServer.pid };
    },
    async userKubeconfig({ user, groups = [] }) {
      const path = join(dir, `${user.replaceAll(/[^\w.-]/g, '-')}.kubeconfig`);
      await writeWhole(path, await kubeconfig(user, groups));
      return path;
    },
    stopApiServer: (signal = 'SIGTERM') => endProcess(state.apiServer, { signal, graceMs: 3_000 }),
    async startApiServer() {
      state.apiServer = await startApiServer(options, authority, state.etcd, state.etcdPort, state.apiPort);
      await writeWhole(join(dir, 'controlplane.json'), JSON.stringify(state));
    },
    stopEtcd: (signal = 'SIGTERM') => endProcess(state.etcd, { signal, graceMs: 3_000 }),
    async startEtcd() {
      // Who its peers are stands in its data: of the two ports clients alone need the old one.
      const [peerPort] = (await freePorts(1)) as [number];
      state.etcd = await startEtcd(options, state.etcdPort, peerPort);
      await writeWhole(join(dir, 'controlplane.json'), JSON.stringify(state));
    },
    stop: () => endControlPlane(dir),
  };
}

async function startEtcd({ dir, detached, env, site }: ControlPlaneOptions, port: number, peerPort: number): Promise<ProcessIdentity> {
  const logFile = join(dir, 'etcd.log');
  await writeFile(logFile, '');
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  return startProcess({
    name: 'etcd',
    ...commandAt(site, findBinaries().etcd, [
      '--name=default',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]),
    logFile,
    env,
    detached,
  });
}

function commandAt(site: ClusterSite | undefined, command: string, args: string[]): { command: string; args: string[] } {
  return site ? { command: site.enter[0], args: [...site.enter.slice(1), command, ...args] } : { command, args };
}

/** What differs between a server that nodes, controllers and pods use, and one that has objects alone. */
function siteFlags(site: ClusterSite | undefined, pki: (file: string) => string): string[] {
  if (!site) {
    return [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--service-cluster-ip-range=10.0.0.0/16',
      // An endpoint at a loopback address is invalid: without this the server logs a refusal every few seconds.
      '--endpoint-reconciler-type=none',
    ];
  }
  return [
    '--bind-address=0.0.0.0',
    `--advertise-address=${site.address}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${site.serviceRange}`,
    '--allow-privileged=true',
    // Nodes have no name that anybody resolves: logs and exec go to the address.
    '--kubelet-preferred-address-types=InternalIP',
    `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
    `--kubelet-client-key=${pki('kubelet-client.key')}`,
  ];
}

async function startApiServer(
  options: ControlPlaneOptions,
  authority: Authority,
  etcd: ProcessIdentity,
  etcdPort: number,
  port: number,
): Promise<ProcessIdentity> {
  const { dir, detached, env, site, apiServerFlags = [], readyTimeoutMs = 60_000 } = options;
  const pki = (file: string) => join(dir, 'pki', file);
  const logFile = join(dir, 'kube-apiserver.log');
  await writeFile(logFile, '');
  const identity = await startProcess({
    name: 'kube-apiserver',
    ...commandAt(site, findBinaries().kubeApiserver, [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      ...siteFlags(site, pki),
      `--secure-port=${port}`,
      `--cert-dir=${join(dir, 'pki')}`,
      `--tls-cert-file=${pki('apiserver.crt')}`,
      `--tls-private-key-file=${pki('apiserver.key')}`,
      `--client-ca-file=${pki('ca.crt')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${pki('service-account.key')}`,
      `--service-account-key-file=${pki('service-account.pub')}`,
      '--shutdown-delay-duration=0s',
      ...apiServerFlags,
    ]),
    logFile,
    env,
    detached,
  });
  const admin = await authority.issueClient('reflavor-readiness', ['system:masters']);
  const deadline = performance.now() + readyTimeoutMs;
  // The namespace is made by a controller inside the server, a moment after /readyz turns to 200.
  for (const path of ['/readyz', '/api/v1/namespaces/default']) {
    while ((await statusOf({ host: site?.address ?? '127.0.0.1', port, path }, authority.caPem, admin)) !== 200) {
      if (isRunning(identity) && isRunning(etcd) && performance.now() < deadline) {
        await sleep(50);
        continue;
      }
      const ended = [etcd, identity].find((part) => !isRunning(part));
      await endProcess(identity, { signal: 'SIGKILL' });
      const logs = `kube-apiserver: ${logTail(logFile)}\netcd: ${logTail(join(dir, 'etcd.log'), 4)}`;
      const what = ended
        ? `${ended.name} ended before kube-apiserver was ready`
        : `kube-apiserver was not ready after ${readyTimeoutMs} ms (${path})`;
      throw /address already in use/.test(logs) ? new PortTaken(`${what}\n${logs}`) : new Error(`${what}\n${logs}`);
    }
  }
  return identity;
}

/** The HTTP status that the API server answers with, or nothing when it does not answer. */
function statusOf(to: { host: string; port: number; path: string }, ca: string, client: KeyPair): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request({ ...to, ca, cert: client.certPem, key: client.keyPem, agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode));
    });
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(undefined));
    call.end();
  });
}

async function writeServerFiles(dir: string, authority: Authority, site?: ClusterSite): Promise<void> {
  const write = (file: string, text: string) => writeFile(join(dir, 'pki', file), text, { mode: 0o600 });
  const dnsNames = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const addresses = site ? ['127.0.0.1', site.address, site.serviceAddress] : ['127.0.0.1', '10.0.0.1'];
  const pairs = {
    apiserver: await authority.issueServer(dnsNames, addresses),
    ...(site && { 'kubelet-client': await authority.issueClient('kube-apiserver', ['system:masters']) }),
  };
  for (const [name, pair] of Object.entries(pairs)) {
    await write(`${name}.crt`, pair.certPem);
    await write(`${name}.key`, pair.keyPem);
  }
  if (existsSync(join(dir, 'pki', 'service-account.key'))) return;
  const key = await makeServiceAccountKey();
  await write('service-account.pub', key.publicPem);
  await write('service-account.key', key.privatePem);
}

async function readState(dir: string): Promise<State | undefined> {
  const path = join(dir, 'controlplane.json');
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as State) : undefined;
}

/** Nobody ever reads half of the file. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
