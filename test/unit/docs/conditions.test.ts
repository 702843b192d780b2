import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isReason, REASONS } from '../../../src/api/index.ts';
import { conditionsPage } from '../../../tools/docs/conditions.ts';

const src = join(import.meta.dirname, '../../../src');

/** Where reasons of conditions are written: `reason: 'X'`, and as an argument of what makes refusals, problems and errors. */
const written = /(?:\breason: |\b(?:DriverError|problem|refused)\(\s*|\bturned\([^']*'\w+',\s*)'([A-Z][A-Za-z]+)'/g;

const filesIn = (folder: string): string[] =>
  readdirSync(join(src, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'reasons.ts')
    .map((file) => join(src, folder, file));

const writers = ['api', 'controller', 'provider'];

const reasonsIn = (file: string): { reason: string; file: string }[] =>
  [...readFileSync(file, 'utf8').matchAll(written)].map(([, reason]) => ({ reason: reason!, file }));

describe('the catalogue of reasons', () => {
  const inUse = writers.flatMap(filesIn).flatMap(reasonsIn);

  test('has every reason that a controller or a driver writes', () => {
    expect(inUse.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['KeyMismatch', 'AmphoraLost', 'PortInUse', 'FlavorRequired']),
    );
    expect(inUse.filter(({ reason }) => !isReason(reason))).toEqual([]);
  });

  test('has none that nothing writes', () => {
    const text = writers
      .flatMap(filesIn)
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    // What came of a resize is put together: status.ts.
    const made = ['Succeeded', 'Cancelled', 'Superseded', 'Failed'].map((result) => `Resize${result}`);
    expect(Object.keys(REASONS).filter((reason) => !text.includes(`'${reason}'`) && !made.includes(reason))).toEqual([]);
  });

  test('is written for people: a sentence each', () => {
    for (const meaning of Object.values(REASONS)) expect(meaning).toMatch(/^\S.*[^.]\.$/);
  });
});

test('the page of conditions has every reason once, with its meaning', () => {
  const page = conditionsPage(REASONS);
  for (const [reason, meaning] of Object.entries(REASONS)) expect(page.split(`| \`${reason}\` | ${meaning} |\n`)).toHaveLength(2);
});
