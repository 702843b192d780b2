/** An image archive as `docker save` writes it, made from a folder: what containerd imports and buildah pulls, without a build. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../run.ts';

/** Those fields of the image specification's `config` that are used here. */
export interface ImageConfig {
  User?: string;
  Env?: string[];
  Cmd?: string[];
  Entrypoint?: string[];
  StopSignal?: string;
}

/** Writes `rootfs` as an image of one layer. A file that stands there is replaced at once, never seen half written. */
export async function writeImage(file: string, image: { refs: readonly string[]; rootfs: string; config: ImageConfig }): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const dir = await mkdtemp(`${file}.part-`);
  try {
    const layer = join(dir, 'layer.tar');
    await run('tar', ['--sort=name', '--mtime=@0', '--numeric-owner', '--xattrs', '-C', image.rootfs, '-cf', layer, '.']);
    const hash = createHash('sha256');
    await pipeline(createReadStream(layer), hash);
    const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as 'x64' | 'arm64'];
    const rootfs = { type: 'layers', diff_ids: [`sha256:${hash.digest('hex')}`] };
    const created = new Date(0).toISOString();
    // Not asked for by the specification, but buildah refuses to build on an image without one entry a layer.
    const history = [{ created }];
    await writeFile(
      join(dir, 'config.json'),
      JSON.stringify({ architecture, os: 'linux', created, history, config: image.config, rootfs }),
    );
    await writeFile(join(dir, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: image.refs, Layers: ['layer.tar'] }]));
    await run('tar', ['-C', dir, '-cf', join(dir, 'image.tar'), 'manifest.json', 'config.json', 'layer.tar']);
    await rename(join(dir, 'image.tar'), file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
