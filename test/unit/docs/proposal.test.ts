import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const docs = join(import.meta.dirname, '../../../docs');

test('docs/proposal.md names tests that are there, one or more in each row', async () => {
  const text = await readFile(join(docs, 'proposal.md'), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (the proposal|gap) \|/.test(line));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const shown = row.split(' | ').at(-1)!;
    const named = [...shown.matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)];
    if (named.length === 0) throw new Error(`no test is named in: ${row}`);
    for (const [, title, file] of named) {
      const titles = [
        ...(await readFile(join(docs, file!), 'utf8')).matchAll(/(?:test|describe)(?:\.each\([\s\S]*?\))?\(\s*(['`])(.*?)\1/g),
      ];
      if (!titles.some(([, , name]) => name!.includes(title!))) throw new Error(`${file} has no test "${title}"`);
    }
  }
});
