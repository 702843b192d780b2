import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { usePackage } from '../../support/kubectl-lb.ts';
import { useSetting } from './setting.ts';

const root = join(import.meta.dirname, '../../..');
const exec = promisify(execFile);
const plugin = usePackage();
const setting = useSetting();
let project: string;

/** A project of a user's: the packed package installed from its tarball, offline, and of other packages only what it asks for by name. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'reflavor-user-'));
  const { stdout } = await exec('npm', ['pack', plugin.dir, '--json', '--pack-destination', project], { cwd: project });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  await exec('npm', ['install', '--offline', '--no-audit', '--no-fund', join(project, filename)], { cwd: project });
}, 120_000);
afterAll(() => rm(project, { recursive: true, force: true }));

/** Puts a package of this repository's into the project, as an installation of it would. */
async function borrow(name: string): Promise<void> {
  await mkdir(join(project, 'node_modules', name, '..'), { recursive: true });
  await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name)).catch(() => {});
}

const program = `
import * as kfc from 'kubernetes-fluent-client';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import {
  Amphora, cancel, Failed, failover, Flavor, FlavorProfile, fromFluentClient, fromKubeConfig, LoadBalancer, resize, resizeProgress, retry, waitForResize,
  type Client, type LoadBalancerSpec, type Progress,
} from 'reflavor';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const client: Client = fromKubeConfig(kubeConfig);
const spec: LoadBalancerSpec = { flavorId: 'small', listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80 }] };
const object = new LoadBalancer({ metadata: { name: 'web', namespace: 'default', labels: { a: 'b' } }, spec });

export async function use(signal: AbortSignal): Promise<string | undefined> {
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  const read: LoadBalancer = await api.read<LoadBalancer>({ apiVersion: object.apiVersion, kind: object.kind, metadata: { name: 'web', namespace: 'default' } });
  const flavors: Flavor[] = await client.list(Flavor, { signal });
  const profile: FlavorProfile = await client.get(FlavorProfile, { name: flavors[0]!.spec.flavorProfile });
  const amphorae: Amphora[] = await client.list(Amphora, { namespace: 'default' });
  const applied = await kfc.K8s(LoadBalancer).Apply(object, { force: true });
  const seen = await kfc.K8s(LoadBalancer).InNamespace('default').Get('web');
  const status: string | undefined = seen.status?.operation?.goals?.[0]?.name ?? applied.status?.flavorId;
  await cancel(fromFluentClient(kfc), read, { signal });
  await retry(client, seen);
  await failover(client, { name: 'web', namespace: 'default' });
  const steps: AsyncGenerator<Progress, LoadBalancer> = resizeProgress(client, await resize(client, read, 'large'), { signal, timeoutSeconds: 5 });
  try {
    for await (const { goals, connectionsLeft } of steps) console.log(goals.length, connectionsLeft[0]?.connections);
  } catch (error) {
    if (error instanceof Failed) return error.reason;
  }
  await waitForResize(client, read, { onProgress: ({ state }) => state === 'GoingBack' });
  return status ?? profile.spec.flavorData?.ampImageTag ?? amphorae[0]?.status?.address;
}

// @ts-expect-error a protocol that there is not
export const wrong: LoadBalancerSpec = { listeners: [{ name: 'web', protocol: 'GOPHER', protocolPort: 70 }] };
// @ts-expect-error a flavor needs a profile
export const bare = new Flavor({ metadata: { name: 'x' }, spec: {} });
`;

test('it depends on nothing, and brings types, licences and both programs', async () => {
  const installed = join(project, 'node_modules/reflavor');
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: 'reflavor', license: 'Apache-2.0', engines: { node: '>=20.12' } });
  expect(manifest.dependencies).toBeUndefined();
  expect((await readdir(join(project, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual(['reflavor']);
  expect(await readFile(join(installed, 'index.mjs'), 'utf8')).not.toMatch(/\bzod\b|from ['"](?!node:)/);
  const licences = await readFile(join(installed, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['@kubernetes/client-node', 'commander', 'listr2', 'yaml']) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'));
  const bundle = await readFile(join(installed, 'kubectl-lb'), 'utf8');
  expect(bundle).toMatch(/^#!\/usr\/bin\/env node\n/);
  const { stdout } = await exec(join(project, 'node_modules/.bin/kubectl-lb'), ['--version']);
  expect(stdout.trim()).toBe(manifest.version);
  await exec(join(project, 'node_modules/.bin/kubectl_complete-lb'), [''], {
    env: { ...process.env, PATH: `${join(project, 'node_modules/.bin')}:${process.env.PATH}` },
  });
}, 60_000);

test('its types hold in a strict program of a user’s, with client-node and kubernetes-fluent-client', async () => {
  for (const name of ['@kubernetes/client-node', 'kubernetes-fluent-client', '@types/node']) await borrow(name);
  await writeFile(join(project, 'use.ts'), program);
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2023',
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: ['node'],
        preserveSymlinks: false,
      },
      include: ['use.ts'],
    }),
  );
  await tsc('tsconfig.json');
}, 120_000);

test('its types need no other package’s, and not those of Node', async () => {
  await writeFile(
    join(project, 'alone.ts'),
    `import { fromKubeConfig, resize, type Progress } from 'reflavor';\nexport type { Progress };\nexport const use = { fromKubeConfig, resize };\n`,
  );
  await writeFile(
    join(project, 'tsconfig.alone.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2022', 'dom'],
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: [],
      },
      include: ['alone.ts'],
    }),
  );
  await tsc('tsconfig.alone.json');
}, 120_000);

/** Rejects with the compiler's own words. */
async function tsc(config: string): Promise<void> {
  const { stdout } = await exec(join(root, 'node_modules/.bin/tsc'), ['--project', config], { cwd: project }).catch((error) => error);
  expect(stdout).toBe('');
}

test('installed, it resizes with progress, cancels, and lets go when it is aborted', async () => {
  await borrow('@kubernetes/client-node');
  const ref = await setting.create();
  await writeFile(
    join(project, 'run.js'),
    `
import { KubeConfig } from '@kubernetes/client-node';
import { Cancelled, cancel, fromKubeConfig, resize, resizeProgress, waitForResize } from 'reflavor';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const client = fromKubeConfig(kubeConfig);
const ref = JSON.parse(process.argv[2]);
const goals = new Set();
for await (const step of resizeProgress(client, await resize(client, ref, 'large'))) for (const goal of step.goals) if (goal.met) goals.add(goal.name);
console.log([...goals].join(' '));

await client.patch((await import('reflavor')).LoadBalancer, ref, { spec: { strategy: { verifySeconds: 3600 } } });
const asked = await resize(client, ref, 'small');
const waiting = waitForResize(client, asked).catch((error) => error);
for await (const { goal } of resizeProgress(client, asked)) if (goal === 'Detached') break;
const back = await waitForResize(client, await cancel(client, ref));
console.log(back.status.flavorId, back.status.operation.result, (await waiting) instanceof Cancelled);

const stop = new AbortController();
const aborted = waitForResize(client, await resize(client, ref, 'small'), { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) });
console.log(await aborted.catch((error) => error.message));
`,
  );
  const { stdout } = await exec('node', ['run.js', JSON.stringify(ref)], {
    cwd: project,
    env: { ...process.env, KUBECONFIG: setting.controlPlane.kubeconfigPath },
  });
  expect(stdout.split('\n')).toEqual([
    'Accepted Recorded Built Configured Verified Attached Detached Committed',
    'large Cancelled true',
    'enough',
    '',
  ]);
}, 120_000);
