import { join } from 'node:path';
import { build } from 'esbuild';
import { packageInputs } from '../package/build.ts';
import { filesIn } from '../package/licenses.ts';
import { foldersOf } from './packages.ts';
import type { Bundles } from './page.ts';

const root = join(import.meta.dirname, '../..');

/** The folders of the packages that the bundles are made of, by bundling them to nowhere. */
export async function bundledFolders(): Promise<Bundles> {
  const { metafile } = await build({
    entryPoints: [join(root, 'src/main.ts')],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    outfile: 'nowhere.mjs',
    logLevel: 'error',
  });
  const image = foldersOf(filesIn(metafile));
  // Its page of the API's description is copied from there (tools/bundle.ts).
  image.add('node_modules/@fastify/swagger-ui');
  return { image, package: foldersOf(await packageInputs()) };
}
