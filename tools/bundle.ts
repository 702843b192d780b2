/**
 * Bundles `reflavor` into a folder, which is emptied first: it starts faster than from node_modules. The folder is all that an image needs to run:
 * beside `reflavor.mjs` it has what that loads, `docs`, the page that describes the API, and `THIRD-PARTY-LICENSES.txt`, the licences of what is in it.
 *
 * `--out DIR` names another folder than dist/reflavor, `--entry FILE` bundles another program in its place.
 */
import { chmod, cp, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { filesIn, licensesOf } from './package/licenses.ts';
import { ofProgram, swaggerUi } from './package/program.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { out: { type: 'string' }, entry: { type: 'string' } } });
const out = values.out ? resolve(values.out) : join(root, ofProgram.outdir);
const entryPoints = values.entry ? { reflavor: resolve(values.entry) } : ofProgram.entryPoints;

await rm(out, { recursive: true, force: true });
const { metafile } = await build({ ...ofProgram, entryPoints, outdir: out });
await chmod(join(out, 'reflavor.mjs'), 0o755);
await cp(join(root, swaggerUi), join(out, 'docs'), { recursive: true, filter: (file) => !file.endsWith('/swagger-ui.js') });
await writeFile(join(out, 'THIRD-PARTY-LICENSES.txt'), licensesOf([...filesIn(metafile), swaggerUi], root));
console.log(`bundle: ${relative(process.cwd(), out)}`);
