import { describe, expect, test } from '@jest/globals';
import type { Figure, Result } from '../../../bench/benchmark.ts';
import { holds, page, render, verdict } from '../../../bench/report.ts';

const figure = (more: Partial<Figure>): Figure => ({ name: 'wall', measured: 1.234, unit: '×', ...more });

describe('an aim', () => {
  test.each([
    [{ atMost: 1 }, 1, true],
    [{ atMost: 1 }, 1.01, false],
    [{ atLeast: 2 }, 2, true],
    [{ atLeast: 2 }, 1.99, false],
  ])('%j with %d measured holds: %s', (aim, measured, held) => expect(holds(figure({ aim, measured }))).toBe(held));

  test('that is not there neither holds nor fails', () => expect(holds(figure({}))).toBeUndefined());

  test('is missed by what is no number, as after a division by zero', () => {
    expect(holds(figure({ aim: { atMost: 1 }, measured: Number.NaN }))).toBe(false);
  });
});

test('a table shows each figure with its unit, its aim, whether it holds and its note', () => {
  const figures = [
    figure({ aim: { atMost: 1 }, note: '12.3 s to 10 s' }),
    figure({ name: 'memory', measured: 120, unit: 'MiB', aim: { atMost: 300 } }),
    figure({ name: 'calls', measured: 20.5, unit: '' }),
  ];
  const lines = render({ title: 'Many at once', text: 'How it was measured.', figures }).split('\n');
  expect(lines.slice(0, 3)).toEqual(['### Many at once', '', 'How it was measured.']);
  expect(lines.slice(6)).toEqual([
    '| wall | at most 1× | 1.23× | **no** | 12.3 s to 10 s |',
    '| memory | at most 300 MiB | 120 MiB | yes |  |',
    '| calls |  | 20.5 |  |  |',
  ]);
});

test('the last line counts aims alone, and the page has it with every table and plot', () => {
  const figures = [figure({}), figure({ aim: { atMost: 1 } }), figure({ aim: { atMost: 2 } })];
  const table = { title: 'T', text: 'Text.', figures };
  const results: Result[] = [
    { tables: [table], plots: [{ file: 'a.svg', caption: 'What it shows.', svg: '<svg/>' }] },
    { tables: [table] },
  ];
  expect(verdict(results)).toBe('bench: 4 aims, 2 missed');
  const text = page(results, '2 cores', { command: 'make bench', seconds: 61 });
  expect(text.match(/^### T$/gm)).toHaveLength(2);
  expect(text).toContain('![What it shows.](performance/a.svg)');
  expect(text).toContain('in one run of 2 minutes, on 2 cores');
  expect(text.trimEnd().split('\n').at(-1)).toBe('bench: 4 aims, 2 missed');
});
