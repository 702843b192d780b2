/** Generates everything into an empty folder and fails when the checkout holds something else. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Folders in which every file is a generated one: a file here that is no longer generated is stale as well. */
const generatedFolders = ['crds', 'charts/reflavor/templates/crds'];

const fresh = await mkdtemp(join(tmpdir(), 'reflavor-verify-'));
try {
  const generation = spawnSync('node', [join(root, 'tools/generate.ts'), '--out', fresh], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (generation.status !== 0) throw new Error('tools/generate.ts failed');
  const files = (await readdir(fresh, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(fresh.length + 1));
  if (files.length === 0) throw new Error('tools/generate.ts generated nothing');
  const stale: string[] = [];
  for (const file of files) {
    const path = join(root, file);
    const same = existsSync(path) && (await readFile(path)).equals(await readFile(join(fresh, file)));
    if (!same) stale.push(file);
  }
  for (const folder of generatedFolders.filter((name) => existsSync(join(root, name)))) {
    for (const name of await readdir(join(root, folder))) {
      if (!files.includes(join(folder, name))) stale.push(`${join(folder, name)} (no longer generated)`);
    }
  }
  if (stale.length > 0) throw new Error(`stale: ${stale.join(', ')}. Run \`make generate\` and commit what it wrote`);
  console.log(`verify: ${files.length} generated files are fresh`);
} catch (error) {
  console.error(`verify: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await rm(fresh, { recursive: true, force: true });
}
