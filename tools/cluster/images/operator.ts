/** The operator's image, built from this checkout's Dockerfile by buildah, without a daemon. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../binaries.ts';
import { run } from '../run.ts';
import { nodeImage } from './base.ts';
import { cached, contentKey } from './cache.ts';

const root = join(import.meta.dirname, '../../..');

export const OPERATOR_REPOSITORY = 'docker.io/reflavor/reflavor';

/**
 * The archive of the operator's image with this tag, which it also says of itself as its version. Built where the checkout has changed
 * since: measured 80 s from nothing, 10 s after a change of src/ alone.
 * @throws with the end of buildah's words
 */
export async function operatorImage(tag: string): Promise<string> {
  const base = await nodeImage();
  return cached('operator', contentKey({ tag, base, context: await contextHash() }), '.tar', async (file) => {
    const scratch = await mkdtemp(join(tmpdir(), 'reflavor-image-operator-'));
    try {
      const ref = `${OPERATOR_REPOSITORY}:${tag}`;
      await buildah('pull', '--quiet', `docker-archive:${base}`);
      await buildah(
        ...['build', '--quiet', '--layers', '--pull=never', '--isolation=chroot', `--build-arg=VERSION=${tag}`],
        ...(await registryAccess(scratch)).map(([from, to]) => `--volume=${from}:${to}:ro`),
        ...[`--tag=${ref}`, root],
      );
      await buildah('push', '--quiet', ref, `docker-archive:${join(scratch, 'image.tar')}:${ref}`);
      await run('mv', [join(scratch, 'image.tar'), `${file}.part`]);
      await rename(`${file}.part`, file);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** With layers kept for the next build, apart from those of the machine's own buildah, and mounts that end with it. */
function buildah(command: string, ...args: string[]): Promise<string> {
  const storage = join(cacheRoot(), 'buildah');
  const options = [`--root=${join(storage, 'root')}`, `--runroot=${join(storage, 'run')}`, '--storage-driver=overlay'];
  return run('unshare', ['--mount', '--propagation=private', 'buildah', ...options, command, ...args]);
}

/** What the build has of this machine to reach its package registries: certificates and settings, as mounts that leave no trace in the image. */
async function registryAccess(scratch: string): Promise<[from: string, to: string][]> {
  const npmrc = join(scratch, 'npmrc');
  const own = join(homedir(), '.npmrc');
  const ca = [process.env.NODE_EXTRA_CA_CERTS, '/etc/ssl/certs/ca-certificates.crt'].find((path) => path && existsSync(path));
  const settings = [existsSync(own) ? readFileSync(own, 'utf8') : ''];
  for (const key of ['registry', 'proxy', 'https-proxy']) {
    const value = (await run('npm', ['config', 'get', key], { cwd: tmpdir() })).trim();
    if (value !== 'null') settings.push(`${key}=${value}`);
  }
  if (ca) settings.push('cafile=/etc/ssl/certs/ca-certificates.crt');
  await writeFile(npmrc, `${settings.join('\n')}\n`);
  return [[npmrc, '/root/.npmrc'], ...(ca ? [[ca, '/etc/ssl/certs/ca-certificates.crt'] as [string, string]] : [])];
}

/** Of all that .dockerignore lets into the build, and of the Dockerfile. */
async function contextHash(): Promise<string> {
  const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const letIn = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const hash = createHash('sha256');
  for (const path of ['Dockerfile', '.dockerignore', ...letIn].flatMap((path) => (existsSync(join(root, path)) ? [path] : []))) {
    const files = await filesBelow(path);
    for (const file of files.filter((name) => !name.endsWith('.test.ts')).sort())
      hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (!entries) return [path];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
