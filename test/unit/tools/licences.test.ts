import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DISTRIBUTED, isAllowed, USED } from '../../../tools/licences/allowed.ts';
import { foldersOf, refused } from '../../../tools/licences/packages.ts';
import { licencesPage } from '../../../tools/licences/page.ts';
import { pythonPackages } from '../../../tools/licences/python.ts';

test.each([
  ['MIT', true],
  ['GPL-3.0-or-later', false],
  ['(MIT OR GPL-3.0-or-later)', true],
  ['GPL-2.0-only OR MIT', true],
  ['MIT AND GPL-3.0-or-later', false],
  ['Apache-2.0 AND (MIT OR GPL-2.0-only)', true],
  ['MIT OR GPL-2.0-only AND AGPL-3.0-only', true],
  ['GPL-2.0-only WITH Classpath-exception-2.0', false],
  ['SEE LICENSE IN LICENSE.md', false],
  ['(MIT', false],
  ['UNLICENSED', false],
  ['', false],
])('%s may be distributed: %s', (expression, expected) => expect(isAllowed(expression, DISTRIBUTED)).toBe(expected));

test('what is used here alone may ask for its own files', () => {
  expect([isAllowed('MPL-2.0', USED), isAllowed('MPL-2.0', DISTRIBUTED), isAllowed('AGPL-3.0-only', USED)]).toEqual([true, false, false]);
  expect(refused([{ name: 'a', version: '1', licence: '' }], 'used')).toEqual(['a 1 is used under no licence that is known']);
});

test('a file of a package is known by its folder, the innermost', () => {
  const files = ['src/main.ts', 'node_modules/a/b.js', 'node_modules/@s/c/x/y.js', 'node_modules/a/node_modules/d/e.js'];
  expect([...foldersOf(files)]).toEqual(['node_modules/a', 'node_modules/@s/c', 'node_modules/a/node_modules/d']);
});

describe('with packages of its own', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'reflavor-licences-'));
    const of = (license?: string) => ({ version: '1.0.0', license });
    const packages = { '': of(), 'node_modules/good': of('MIT'), 'node_modules/weak': of('MPL-2.0') };
    writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages }));
    const info = join(dir, 'venv/lib/python3.11/site-packages');
    for (const [name, said] of Object.entries({
      exact: 'License-Expression: Apache-2.0 OR MIT',
      wordy: 'Classifier: License :: OSI Approved :: Apache Software License',
      odd: 'License: Proprietary',
    })) {
      mkdirSync(join(info, `${name}.dist-info`), { recursive: true });
      writeFileSync(join(info, `${name}.dist-info/METADATA`), `Name: ${name}\nVersion: 1\n${said}\n\nLicense: MIT\n`);
    }
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test('the page has what is bundled, and none of another licence', () => {
    const folders = (...names: string[]) => new Set(names.map((name) => `node_modules/${name}`));
    const page = licencesPage(dir, { image: folders('good'), package: folders() });
    expect(page).toContain('| good | 1.0.0 | MIT | yes |  |');
    expect(page).toContain('1 MPL-2.0');
    expect(() => licencesPage(dir, { image: folders('good'), package: folders('weak') })).toThrow(
      'weak 1.0.0 is distributed under MPL-2.0',
    );
    expect(() => licencesPage(dir, { image: folders('lost'), package: folders() })).toThrow(
      'node_modules/lost is not in package-lock.json',
    );
  });

  test('a Python package is under what its metadata say, in SPDX or in words', () => {
    expect(pythonPackages(join(dir, 'venv')).map(({ name, licence }) => [name, licence])).toEqual([
      ['exact', 'Apache-2.0 OR MIT'],
      ['odd', ''],
      ['wordy', 'Apache-2.0'],
    ]);
    expect(pythonPackages(join(dir, 'none'))).toEqual([]);
  });
});
