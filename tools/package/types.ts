import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** Declarations of ES modules, whatever package.json says: `.d.mts`, each naming the others so. */
export function writeTypes(out: string): void {
  mkdirSync(out);
  for (const [name, text] of sdkDeclarations()) {
    writeFileSync(join(out, name.replace(/\.d\.ts$/, '.d.mts')), text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.mjs'"));
  }
}

/** What tsc declares of the files of src/sdk that others see, by name; they mention nothing else of this repository. */
export function sdkDeclarations(): Map<string, string> {
  const emitted = mkdtempSync(join(tmpdir(), 'reflavor-types-'));
  try {
    const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', emitted];
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['--project', 'tools/package/tsconfig.json', ...flags], {
      cwd: root,
      stdio: 'inherit',
    });
    const folder = join(emitted, 'sdk');
    const texts = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    const seen = new Map<string, string>();
    const see = (name: string): void => {
      if (seen.has(name)) return;
      const text = texts.get(name);
      if (text === undefined) throw new Error(`the SDK's declarations mention ${name}, which is not of src/sdk`);
      seen.set(name, text);
      for (const [, path] of text.matchAll(/^(?:import|export)\b.* from '(.+)';$/gm))
        see(`${path!.replace(/^\.\//, '').replace(/\.ts$/, '')}.d.ts`);
    };
    see('index.d.ts');
    return seen;
  } finally {
    rmSync(emitted, { recursive: true });
  }
}
