/** Whether this machine can have a cluster at all, and what that needs of the distribution. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cniPlugins } from './config.ts';
import { debianMirror } from './images/debian.ts';

/** The package that brings each command, in Debian's words. */
const commands = {
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  ipset: 'ipset',
  ip: 'iproute2',
  nsenter: 'util-linux',
  debootstrap: 'debootstrap',
  buildah: 'buildah',
};

/** Packages of what is missing here. */
export function missingPackages(): string[] {
  const missing = Object.entries(commands).flatMap(([command, name]) => (runs('sh', '-c', `command -v ${command}`) ? [] : [name]));
  if (!existsSync(`${cniPlugins()}/ptp`)) missing.push('containernetworking-plugins');
  // debootstrap asks for it in a recommendation alone, and Ubuntu's is for Ubuntu.
  if (!existsSync('/usr/share/keyrings/debian-archive-keyring.gpg')) missing.push('debian-archive-keyring');
  return missing;
}

/** Why there can't be a cluster here, in words that end a sentence, or nothing when there can. */
export function clusterObstacle(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs root on Linux, for network namespaces and mounts';
  if (!runs('unshare', '--net', '--pid', '--mount', '--fork', 'true'))
    return 'this machine lets root make no namespaces (is it a container?)';
  const missing = missingPackages();
  if (missing.length > 0 && !runs('apt-get', '--version'))
    return `these packages are missing, and there is no apt-get: ${missing.join(', ')}`;
  try {
    debianMirror();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

/** Whether the tests start a cluster here: there can be one, and `TEST_KUBECONFIG` names no other. */
export function testsStartCluster(env: NodeJS.ProcessEnv = process.env): boolean {
  return !env.TEST_KUBECONFIG && clusterObstacle() === undefined;
}

/** How the tests count where the suites of the cluster can't run: in CI, which is there to show them, as a failure. */
export const countWithoutCluster = (env: NodeJS.ProcessEnv = process.env): { passed: number; failed: number; skipped: number } =>
  isCI(env) ? { passed: 0, failed: 1, skipped: 0 } : { passed: 0, failed: 0, skipped: 1 };

/** Every CI sets `CI`, to `true` as a rule; whoever wants it off says `false`, `0` or nothing. */
const isCI = ({ CI }: NodeJS.ProcessEnv): boolean => CI !== undefined && !['', '0', 'false'].includes(CI.toLowerCase());

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
