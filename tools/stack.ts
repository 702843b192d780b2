/** Everything that `make up`, the demo and the end-to-end tests run: control plane, kinds and policies, the operator, the API, member servers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiOptions, startApi, writeAdminToken } from './api.ts';
import { attachControlPlane, type ControlPlane, endControlPlane, startControlPlane } from './controlplane.ts';
import { applyCrds, kubectl } from './kubectl.ts';
import { startOperator } from './operator.ts';
import { endProcess, identify, isRunning, logTail, type ProcessIdentity, startProcess } from './processes.ts';

const root = join(import.meta.dirname, '..');
/** Stands in the environment of every process that a stack starts; its value is the stack's folder. */
const marker = 'REFLAVOR_STACK';

export interface StackOptions {
  /** Absolute. A stack that runs here already is joined; data of one that was ended is carried on with. */
  dir: string;
  /** Survives this process. Default false. */
  detached?: boolean;
  /** Ports of 127.0.0.1 on which member servers listen; default none. */
  memberPorts?: readonly number[];
  operatorFlags?: readonly string[];
  /** Port of 127.0.0.1 for the REST API; default: none runs. An admin's token for it is in the file `token` then. */
  apiPort?: number;
  log?: (line: string) => void;
}

export interface Stack {
  dir: string;
  kubeconfigPath: string;
  controlPlane: ControlPlane;
  /** Runs the real kubectl as administrator. */
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  /** Ends the operator alone; SIGKILL is a crash. What serves goes on. */
  stopOperator(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again and waits until it is ready. */
  startOperator(): Promise<void>;
  /** Ends everything; the folder stays. */
  stop(): Promise<void>;
}

/** Starts what does not run yet, and waits until each part is ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dir, detached = false, memberPorts = [], operatorFlags = [], apiPort, log = () => {} } = options;
  await mkdir(dir, { recursive: true });
  const kubeconfigPath = join(dir, 'kubeconfig');
  const operatorFile = join(dir, 'operator.json');
  const env = { ...process.env, [marker]: dir };
  const controlPlaneOptions = { dir: join(dir, 'control-plane'), detached, env, log };
  let controlPlane = await attachControlPlane(controlPlaneOptions);
  if (controlPlane) {
    log('the control plane runs already');
  } else {
    // One half of it may have died. Amphorae that it left behind are serving, and stay.
    await endOperator(dir);
    await endApi(dir);
    await endControlPlane(controlPlaneOptions.dir);
    log('starting etcd and kube-apiserver');
    controlPlane = await startControlPlane(controlPlaneOptions);
  }
  await copyFile(controlPlane.kubeconfigPath, kubeconfigPath);

  log('applying the kinds, the admission policies and the flavors');
  await applyCrds(kubeconfigPath);
  for (const file of ['deploy/admission.yaml', 'examples/flavors.yaml'])
    await kubectl(kubeconfigPath, ['apply', `--filename=${join(root, file)}`]);

  const stack: Stack = {
    dir,
    kubeconfigPath,
    controlPlane,
    kubectl: (args, kubectlOptions) => kubectl(kubeconfigPath, args, kubectlOptions),
    stopOperator: (signal) => endOperator(dir, signal),
    async startOperator() {
      const [stateDir, logFile] = [join(dir, 'amphorae'), join(dir, 'operator.log')];
      await writeFile(
        operatorFile,
        JSON.stringify(await startOperator({ kubeconfigPath, stateDir, logFile, detached, env, flags: operatorFlags })),
      );
    },
    stop: async () => void (await stopStack(dir)),
  };
  const running = await readIdentity(operatorFile);
  if (running && isRunning(running)) {
    log('the operator runs already');
  } else {
    log('starting the operator');
    await stack.startOperator();
  }
  if (apiPort !== undefined) {
    log(`the API is at http://127.0.0.1:${apiPort}`);
    await startApiOnce(dir, { kubeconfigPath, port: apiPort, env, detached });
  }
  if (memberPorts.length > 0) {
    log(`member servers are at 127.0.0.1, ports ${memberPorts.join(', ')}`);
    await startMembers(dir, memberPorts, env, detached);
  }
  return stack;
}

/** Ends all that a stack of this folder left running, however it was started, and nothing else. Returns how many processes that were. */
export async function stopStack(dir: string): Promise<number> {
  // The operator goes first: nobody may start again what is ended next.
  const before = processesOf(dir).length;
  await endOperator(dir);
  await endControlPlane(join(dir, 'control-plane'));
  await Promise.all(processesOf(dir).map((identity) => endProcess(identity)));
  return before;
}

async function endOperator(dir: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const identity = await readIdentity(join(dir, 'operator.json'));
  if (identity) await endProcess(identity, { signal, graceMs: 20_000 });
}

async function endApi(dir: string): Promise<void> {
  const identity = await readIdentity(join(dir, 'api.json'));
  if (identity) await endProcess(identity);
}

async function startApiOnce(dir: string, options: Omit<ApiOptions, 'logFile'>): Promise<void> {
  await writeAdminToken(options.kubeconfigPath, join(dir, 'token'));
  const file = join(dir, 'api.json');
  const running = await readIdentity(file);
  if (running && isRunning(running)) return;
  await writeFile(file, JSON.stringify(await startApi({ ...options, logFile: join(dir, 'api.log') })));
}

async function startMembers(dir: string, ports: readonly number[], env: NodeJS.ProcessEnv, detached: boolean): Promise<void> {
  const file = join(dir, 'members.json');
  const running = await readIdentity(file);
  if (running && isRunning(running)) return;
  const logFile = join(dir, 'members.log');
  const args = [join(import.meta.dirname, 'members.ts'), ...ports.map(String)];
  const identity = await startProcess({ name: 'members', command: process.execPath, args, logFile, env, detached });
  await writeFile(file, JSON.stringify(identity));
  if (!isRunning(identity)) throw new Error(`the member servers ended at once\n${logTail(logFile)}`);
}

/**
 * Processes that carry the marker of this folder, and HAProxies whose configuration lies in it: the operator starts them with an empty
 * environment, and they outlive it. Processes of other users can't be read, nor be ended from here.
 */
function processesOf(dir: string): ProcessIdentity[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const marked = fieldsOf(`/proc/${name}/environ`).includes(`${marker}=${dir}`);
        const args = fieldsOf(`/proc/${name}/cmdline`);
        const isAmphora = args.includes('-W') && args[args.indexOf('-f') + 1]?.startsWith(`${dir}/amphorae/`);
        return ((marked || isAmphora) && identify('stack', Number(name))) || [];
      } catch {
        return [];
      }
    });
}

/** The parts of a file of /proc that are each ended by a zero byte. */
function fieldsOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\0');
}

async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity) : undefined;
}
