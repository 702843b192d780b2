import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { KubeClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/index.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { writeAdminToken } from '../../tools/api.ts';
import { type ControlPlane, startControlPlane } from '../../tools/controlplane.ts';
import { applyCrds, kubectl } from '../../tools/kubectl.ts';
import { stopStack } from '../../tools/stack.ts';
import { type Members, startMembers } from '../../tools/traffic/members.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { type Commits, watchCommits } from './commits.ts';
import { OperatorProcess } from './operator-process.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** A real API server, the operator's way to it through a proxy, members to send traffic to. The operator is not started yet. */
export interface Stage {
  dir: string;
  /** What the driver keeps of its amphorae. */
  stateDir: string;
  controlPlane: ControlPlane;
  proxy: ApiProxy;
  commits: Commits;
  operator: OperatorProcess;
  members: Members;
  /** The file that the operator reads its token from. */
  tokenFile: string;
  /** Of the operators' clock, where they have one of their own. */
  clockFile: string;
  /** An administrator's, past the proxy. */
  client: KubeClient;
  /** Another operator on the same state folder, by the same way, with a token of its own. */
  anotherOperator(name: string, flags?: readonly string[]): Promise<Contender>;
  apply(...objects: KubeObject[]): Promise<void>;
  /** Makes a namespace that nobody else has, and returns its name. */
  newNamespace(): Promise<string>;
  /** Ends all of it. The folder stays, with its logs, where `keep` says so. */
  close(options?: { keep?: boolean }): Promise<void>;
}

/** An operator among others, whose calls can be told from theirs. */
export interface Contender {
  operator: OperatorProcess;
  /** What the header Authorization of its calls is. */
  authorization: string;
}

export interface StageOptions {
  /** Of a disk that holds nothing but what the driver keeps of its amphorae; needs root. Default: they are on no disk of their own. */
  diskMib?: number;
  /** The operators have a wall clock of their own, as far from the true time as the clock file says, in milliseconds; read anew at SIGUSR2. */
  ownClock?: boolean;
}

export async function startStage({ diskMib, ownClock = false }: StageOptions = {}): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-chaos-'));
  const stateDir = join(dir, 'amphorae');
  const bundle = join(dir, 'program');
  const [controlPlane, members] = await Promise.all([
    startControlPlane({ dir: join(dir, 'control-plane') }),
    startMembers(),
    run(process.execPath, [join(root, 'tools/bundle.ts'), '--out', bundle]),
  ]);
  const { kubeconfigPath: adminKubeconfig } = controlPlane;
  await applyCrds(adminKubeconfig);
  for (const file of ['deploy/admission.yaml', 'examples/flavors.yaml'])
    await kubectl(adminKubeconfig, ['apply', `--filename=${join(root, file)}`]);
  const proxy = await startApiProxy(controlPlane);
  const clockFile = join(dir, 'clock');
  await writeFile(clockFile, '0');
  const client = connect({ kubeconfig: adminKubeconfig });

  const operators: OperatorProcess[] = [];
  const anOperator = async (name: string, flags: readonly string[] = []) => {
    const tokenFile = join(dir, `${name}.token`);
    await writeAdminToken(adminKubeconfig, tokenFile);
    const kubeconfigPath = join(dir, `${name}.kubeconfig`);
    await writeFile(kubeconfigPath, operatorKubeconfig(proxy, tokenFile));
    const operator = new OperatorProcess({
      kubeconfigPath,
      stateDir,
      program: [...(ownClock ? [`--import=${join(import.meta.dirname, 'clock.mjs')}`] : []), join(bundle, 'reflavor.mjs')],
      env: { ...process.env, CHAOS_CLOCK: clockFile },
      logFile: join(dir, `${name}.log`),
      flags: ['--progress-ms=100', '--observe-seconds=1', ...flags],
    });
    operators.push(operator);
    return { operator, tokenFile };
  };
  const { operator, tokenFile } = await anOperator('operator');
  let namespaces = 0;
  await mkdir(stateDir, { recursive: true });
  if (diskMib !== undefined) await run('mount', ['-t', 'tmpfs', '-o', `size=${diskMib}m`, 'reflavor-chaos', stateDir]);
  return {
    dir,
    stateDir,
    controlPlane,
    proxy,
    commits: watchCommits(proxy),
    operator,
    members,
    tokenFile,
    clockFile,
    client,
    async anotherOperator(name, flags) {
      const another = await anOperator(name, flags);
      return { operator: another.operator, authorization: `Bearer ${(await readFile(another.tokenFile, 'utf8')).trim()}` };
    },
    async apply(...objects) {
      await kubectl(adminKubeconfig, ['apply', '--filename=-'], { input: objects.map((o) => JSON.stringify(o)).join('\n---\n') });
    },
    async newNamespace() {
      const name = `chaos-${++namespaces}`;
      await client.create({ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false }, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      } as KubeObject);
      return name;
    },
    async close({ keep = false } = {}) {
      await Promise.all(operators.map((operator) => operator.end('SIGKILL')));
      await client.close();
      await proxy.close();
      await members.close();
      await controlPlane.stop();
      await stopStack(dir);
      if (diskMib !== undefined) await run('umount', [stateDir]);
      if (!keep) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Its token stands in a file of its own, as it does in a pod. */
function operatorKubeconfig({ url, caPem }: ApiProxy, tokenFile: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'chaos', cluster: { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') } }],
    users: [{ name: 'operator', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
    contexts: [{ name: 'chaos', context: { cluster: 'chaos', user: 'operator' } }],
    'current-context': 'chaos',
  });
}
