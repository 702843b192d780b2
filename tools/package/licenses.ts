import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

/** The files of which anything is in what was built, relative to the checkout. */
export const filesIn = (...metafiles: Metafile[]): string[] =>
  metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0)),
  );

/**
 * The licence texts of the packages that these files belong to, each once.
 *
 * @param inputs paths below `root`
 * @throws Error naming a package without a licence text
 */
export function licensesOf(inputs: readonly string[], root: string): string {
  const folders = new Set(inputs.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const entries = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<string, string>;
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const path = file && join(root, folder, file);
    if (!license && !path) throw new Error(`${name} ${version} comes without a licence`);
    const text = path && existsSync(path) ? readFileSync(path, 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return `What is bundled into this package, and under which licence.\n\n${entries.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
