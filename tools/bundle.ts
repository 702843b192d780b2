/**
 * Bundles `reflavor` into one file, `dist/reflavor.mjs`: it starts faster than from node_modules. With the folder `docs` beside it, which has the
 * page that describes the API, it is all that an image needs to run. `THIRD-PARTY-LICENSES.txt` has the licences of what is in it.
 *
 * `--out FILE` writes another file, `--entry FILE` bundles another program.
 */
import { chmod, cp, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { filesIn, licensesOf } from './package/licenses.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist/reflavor.mjs') },
    entry: { type: 'string', default: join(root, 'src/main.ts') },
  },
});

const { metafile } = await build({
  absWorkingDir: root,
  metafile: true,
  entryPoints: [values.entry],
  outfile: values.out,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  banner: {
    // CommonJS packages inside call require, which an ES module does not have.
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst __dirname = import.meta.dirname;",
  },
});
await chmod(values.out, 0o755);
const docs = join(dirname(values.out), 'docs');
await rm(docs, { recursive: true, force: true });
await cp(join(root, 'node_modules/@fastify/swagger-ui/static'), docs, {
  recursive: true,
  filter: (file) => !file.endsWith('/swagger-ui.js'),
});
const licences = licensesOf([...filesIn(metafile), 'node_modules/@fastify/swagger-ui/static/'], root);
await writeFile(join(dirname(values.out), 'THIRD-PARTY-LICENSES.txt'), licences);
console.log(`bundle: ${relative(process.cwd(), values.out)}`);
