/** The images that others publish, made here under the names that users pull: from the distribution's packages, without a registry. */
import { readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';
import { type ImageConfig, writeImage } from './archive.ts';
import { cached, contentKey } from './cache.ts';
import { debianRoot } from './debian.ts';

const initSource = join(import.meta.dirname, '../init/main.go');
const nodePackage = join(import.meta.dirname, '../../../node_modules/node');

/** How the images are made, as text: whoever changes it gets new ones. */
const steps = ['archive.ts', 'base.ts', 'debian.ts'].map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));

/** The image of each pod's sandbox. No registry has it, so that nothing could be taken for it. */
export const PAUSE_IMAGE = 'localhost/reflavor-pause:1';
export const HAPROXY_REPOSITORY = 'docker.io/library/haproxy';
/** Two tags of the same content, so that flavors can differ in their image. */
export const HAPROXY_TAGS = ['3.0', '3.0.11'] as const;
export const NODE_IMAGE = 'docker.io/library/node:24-bookworm-slim';

/** The static program that is process 1 of a node and of each pod's sandbox. */
export function initProgram(): Promise<string> {
  return cached('init', contentKey(readFileSync(initSource, 'utf8')), '', async (file) => {
    const env = { ...process.env, CGO_ENABLED: '0', GO111MODULE: 'off' };
    await run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${file}.part`, initSource], { env });
    await rename(`${file}.part`, file);
  });
}

export async function pauseImage(): Promise<string> {
  const init = await initProgram();
  return image('pause', { init, as: 1 }, { refs: [PAUSE_IMAGE], config: { Entrypoint: ['/pause'], User: '65535:65535' } }, async (root) => {
    await mkdir(root);
    await copyFile(init, join(root, 'pause'));
    await chmod(join(root, 'pause'), 0o755);
  });
}

/** HAProxy of Debian 13, with the user and the stop signal of the image that the Docker library has under this name. */
export function haproxyImage(): Promise<string> {
  const [suite, packages] = ['trixie', ['haproxy']];
  const refs = HAPROXY_TAGS.map((tag) => `${HAPROXY_REPOSITORY}:${tag}`);
  const config = { User: 'haproxy', StopSignal: 'SIGUSR1', Cmd: ['haproxy', '-f', '/usr/local/etc/haproxy/haproxy.cfg'] };
  return image('haproxy', { suite, packages }, { refs, config }, async (root) => {
    await debianRoot(root, suite, packages);
    await run('chroot', [root, 'usermod', '--uid', '99', 'haproxy']);
    await run('chroot', [root, 'groupmod', '--gid', '99', 'haproxy']);
    await rm(join(root, 'etc/haproxy'), { recursive: true, force: true });
  });
}

/** Node as its npm package has it, and npm, on Debian 12. */
export function nodeImage(): Promise<string> {
  const [suite, packages, npm] = ['bookworm', ['libstdc++6'], '11.19.1'];
  const { version } = JSON.parse(readFileSync(join(nodePackage, 'package.json'), 'utf8')) as { version: string };
  const config = { Cmd: ['node'], Env: [`NODE_VERSION=${version}`] };
  return image('node', { suite, packages, npm, version }, { refs: [NODE_IMAGE], config }, async (root, scratch) => {
    await debianRoot(root, suite, packages);
    await copyFile(await realpath(join(nodePackage, 'bin/node')), join(root, 'usr/local/bin/node'));
    await writeFile(join(scratch, 'package.json'), '{}');
    await run('npm', ['install', '--no-fund', '--no-audit', '--loglevel=error', `npm@${npm}`], { cwd: scratch });
    await mkdir(join(root, 'usr/local/lib/node_modules'), { recursive: true });
    await cp(join(scratch, 'node_modules/npm'), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
    for (const name of ['npm', 'npx']) await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
    await run('chroot', [root, 'useradd', '--create-home', '--uid', '1000', 'node']);
  });
}

async function image(
  name: string,
  recipe: unknown,
  { refs, config }: { refs: string[]; config: ImageConfig },
  fill: (root: string, scratch: string) => Promise<void>,
): Promise<string> {
  const path = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':');
  const whole = { ...config, Env: [`PATH=${path}`, ...(config.Env ?? [])] };
  return cached(name, contentKey({ recipe, steps }), '.tar', async (file) => {
    const scratch = await mkdtemp(join(tmpdir(), `reflavor-image-${name}-`));
    try {
      const root = join(scratch, 'root');
      await fill(root, scratch);
      await writeImage(file, { refs, rootfs: root, config: whole });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}
