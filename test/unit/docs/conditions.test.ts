import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isReason, REASONS } from '../../../src/api/index.ts';
import { conditionsPage } from '../../../tools/docs/conditions.ts';

const src = join(import.meta.dirname, '../../../src');

/** Where reasons of conditions are written: `reason: 'X'`, and as an argument of what makes refusals, problems and errors. */
const written = /(?:\breason: |\b(?:DriverError|problem|refused)\(\s*|\bturned\([^']*'\w+',\s*)'([A-Z][A-Za-z]+)'/g;

function reasonsWrittenIn(folder: string): [reason: string, file: string][] {
  return readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(src, folder, file), 'utf8').matchAll(written)].map(([, reason]): [string, string] => [
        reason!,
        `${folder}/${file}`,
      ]),
    );
}

describe('the catalogue of reasons', () => {
  const inUse = ['controller', 'provider'].flatMap(reasonsWrittenIn);

  test('has every reason that a controller or a driver writes', () => {
    expect(inUse.map(([reason]) => reason)).toEqual(
      expect.arrayContaining(['KeyMismatch', 'DeadlineExceeded', 'PortInUse', 'FlavorRequired']),
    );
    expect(inUse.filter(([reason]) => !isReason(reason))).toEqual([]);
  });

  test('is written for people: a sentence each', () => {
    for (const meaning of Object.values(REASONS)) expect(meaning).toMatch(/^\S.*[^.]\.$/);
  });
});

test('the page of conditions has every reason once, with its meaning', () => {
  const page = conditionsPage(REASONS);
  for (const [reason, meaning] of Object.entries(REASONS)) expect(page.split(`| \`${reason}\` | ${meaning} |\n`)).toHaveLength(2);
});
