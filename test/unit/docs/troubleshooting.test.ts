import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { REASONS } from '../../../src/api/reasons.ts';

/** Reasons of what is as it should be, or on its way. */
const GOOD = [
  ...['AsSpecified', 'OperationInProgress', 'Deleting', 'Serving', 'NeverResized', 'ResizeInProgress', 'GoingBack', 'ResizeSucceeded'],
  ...['ResizeCancelled', 'ResizeSuperseded', 'FailoverRequested', 'Running', 'Starting', 'Loaded', 'Loading', 'Present'],
];

test('docs/troubleshooting.md says what to do about every reason that calls for it, and names no other', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/troubleshooting.md'), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, reason]) => reason!));
  expect(named.sort()).toEqual(
    Object.keys(REASONS)
      .filter((reason) => !GOOD.includes(reason))
      .sort(),
  );
});
