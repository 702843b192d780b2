import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../../binaries.ts';
import { withLock } from '../lock.ts';

/** Of each name, so many versions are kept: those used last. */
const KEPT = 4;

export const imagesDir = join(cacheRoot(), 'images');

/** A short name of whatever `parts` say: another content gets another one. */
export function contentKey(parts: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([process.arch, parts]))
    .digest('hex')
    .slice(0, 12);
}

/** The path of `NAME-KEY.EXTENSION` in the cache, which `make` writes where it is missing; one process of this machine at a time. */
export async function cached(name: string, key: string, extension: string, make: (file: string) => Promise<void>): Promise<string> {
  const file = join(imagesDir, `${name}-${key}${extension}`);
  if (!existsSync(file)) {
    await withLock(join(imagesDir, `${name}.lock`), async () => {
      if (existsSync(file)) return;
      await mkdir(imagesDir, { recursive: true });
      await make(file);
      await prune(name, extension);
    });
  }
  await utimes(file, new Date(), new Date());
  return file;
}

async function prune(name: string, extension: string): Promise<void> {
  const pattern = new RegExp(`^${name}-[0-9a-f]{12}${extension.replace('.', '\\.')}$`);
  const files = (await readdir(imagesDir)).filter((file) => pattern.test(file)).map((file) => join(imagesDir, file));
  const aged = await Promise.all(files.map(async (file) => ({ file, usedAt: (await stat(file)).mtimeMs })));
  aged.sort((a, b) => b.usedAt - a.usedAt);
  await Promise.all(aged.slice(KEPT).map(({ file }) => rm(file, { force: true })));
}
