import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Package } from './packages.ts';

/** What packages say in words where they name no SPDX expression. */
const words: [RegExp, string][] = [
  [/apache/i, 'Apache-2.0'],
  [/\bMPL|mozilla public license 2/i, 'MPL-2.0'],
  [/^(BSD-[23]-Clause)$/, '$1'],
  [/bsd/i, 'BSD-3-Clause'],
  [/\bMIT\b/, 'MIT'],
];

/** The packages of a virtual environment, by what their metadata say (PyPA's core metadata); none where there is no such folder. */
export function pythonPackages(venv: string): Package[] {
  if (!existsSync(venv)) return [];
  return globSync('lib/python*/site-packages/*.dist-info/METADATA', { cwd: venv })
    .sort()
    .map((file) => {
      const head = readFileSync(join(venv, file), 'utf8').split('\n\n')[0]!;
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1] ?? '';
      const said = [field('License'), ...[...head.matchAll(/^Classifier: License :: (.*)$/gm)].map(([, text]) => text!)];
      const [pattern, licence = ''] = words.find(([known]) => said.some((text) => known.test(text))) ?? [];
      const exact = pattern && licence.startsWith('$') ? said.find((text) => pattern.test(text))! : licence;
      return { name: field('Name'), version: field('Version'), licence: field('License-Expression') || exact };
    });
}
