/** The npm package `reflavor`: the SDK, its types, and the kubectl plugin in one file. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { completionScript } from '../../src/cli/completion.ts';
import { clientNodeAsUsed } from './client-node.ts';
import { filesIn, licensesOf } from './licenses.ts';
import { manifest } from './manifest.ts';
import { writeTypes } from './types.ts';

const root = join(import.meta.dirname, '../..');

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // kubernetes-fluent-client finds a kind by the name of its class.
  keepNames: true,
  legalComments: 'inline',
  logLevel: 'warning',
  metafile: true,
  absWorkingDir: root,
} satisfies BuildOptions;

/** Requests of the plugin are the SDK's: undici, which client-node's KubeConfig would bring, ends Node 20 as it is imported. */
const withoutUndici: Plugin = {
  name: 'without-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export const { Agent, ProxyAgent, fetch } = {};' }));
  },
};

const ofSdk = { ...common, entryPoints: [join(root, 'src/sdk/index.ts')], format: 'esm' } satisfies BuildOptions;
// The file may be copied anywhere: without a package.json beside it, and without an extension, Node takes it for CommonJS.
const ofCli = {
  ...common,
  entryPoints: [join(root, 'src/cli/main.ts')],
  format: 'cjs',
  plugins: [clientNodeAsUsed, withoutUndici],
} satisfies BuildOptions;

/** Builds the kubectl plugin into a folder, as the package has it. Resolves to the files that it was bundled of. */
export async function buildPlugin(out: string): Promise<Metafile> {
  mkdirSync(out, { recursive: true });
  const { version } = ourManifest();
  const { metafile } = await build({
    ...ofCli,
    outfile: join(out, 'kubectl-lb'),
    define: { 'process.env.REFLAVOR_VERSION': JSON.stringify(version) },
    banner: { js: '#!/usr/bin/env node' },
    minifySyntax: true,
    minifyWhitespace: true,
  });
  writeFileSync(join(out, 'kubectl_complete-lb'), completionScript);
  for (const program of ['kubectl-lb', 'kubectl_complete-lb']) chmodSync(join(out, program), 0o755);
  return metafile;
}

/** Builds the package into a folder, which is emptied first; it can be packed as it is. */
export async function buildPackage(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const cli = await buildPlugin(out);
  const sdk = await build({ ...ofSdk, outfile: join(out, 'index.mjs') });
  writeTypes(join(out, 'types'));
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest(ourManifest()), null, 2)}\n`);
  writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licensesOf(filesIn(sdk.metafile, cli), root));
  copyFileSync(join(root, 'LICENSE'), join(out, 'LICENSE'));
  copyFileSync(join(root, 'tools/package/README.md'), join(out, 'README.md'));
}

const ourManifest = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The files that the package is bundled of, relative to the checkout. */
export async function packageInputs(): Promise<string[]> {
  const made = await Promise.all([ofSdk, ofCli].map((options) => build({ ...options, write: false, outfile: 'nowhere' })));
  return filesIn(...made.map(({ metafile }) => metafile));
}
