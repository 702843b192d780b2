import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { clientNodeAsUsed } from './client-node.ts';
import { filesIn } from './licenses.ts';

const root = join(import.meta.dirname, '../..');

/** How `reflavor` is bundled: `reflavor.mjs`, and beside it what it loads only for some command. */
export const ofProgram = {
  absWorkingDir: root,
  metafile: true,
  entryPoints: { reflavor: 'src/main.ts' },
  outdir: 'dist/reflavor',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  // Into one file, whatever is imported by a call would go whole, used or not.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [clientNodeAsUsed],
  banner: {
    // CommonJS packages inside call require, which an ES module does not have.
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst __dirname = import.meta.dirname;",
  },
} satisfies BuildOptions;

/** The page that describes the API is copied from this package's folder, not bundled. */
export const swaggerUi = 'node_modules/@fastify/swagger-ui/static/';

/** The files that the program is bundled of, relative to the checkout. */
export async function programInputs(): Promise<string[]> {
  const { metafile } = await build({ ...ofProgram, write: false });
  return [...filesIn(metafile), swaggerUi];
}
