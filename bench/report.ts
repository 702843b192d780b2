import type { Aim, Figure, Result, Table } from './benchmark.ts';

/** Whether a figure is what it ought to be; undefined where it has no aim. */
export function holds({ aim, measured }: Figure): boolean | undefined {
  if (!aim) return undefined;
  return 'atMost' in aim ? measured <= aim.atMost : measured >= aim.atLeast;
}

/** A missed aim says why. */
export const withReason = (figure: Figure, reason: string): Figure =>
  holds(figure) === false ? { ...figure, note: figure.note === undefined ? reason : `${figure.note}; ${reason}` } : figure;

const number = (value: number) => (Number.isInteger(value) || value >= 1000 ? String(Math.round(value)) : value.toPrecision(3));
const withUnit = (value: number, unit: Figure['unit']) => `${number(value)}${unit === '' || unit === '×' ? unit : ` ${unit}`}`;
const aimOf = (aim: Aim | undefined, unit: Figure['unit']) =>
  aim === undefined ? '' : 'atMost' in aim ? `at most ${withUnit(aim.atMost, unit)}` : `at least ${withUnit(aim.atLeast, unit)}`;

function rowOf(figure: Figure): string {
  const { name, aim, measured, unit, note = '' } = figure;
  const word = { true: 'yes', false: '**no**', undefined: '' }[String(holds(figure))];
  return `| ${name} | ${aimOf(aim, unit)} | ${withUnit(measured, unit)} | ${word} | ${note} |`;
}

/** A table in Markdown. */
export function render({ title, text, figures }: Table): string {
  const head = ['| figure | aim | measured | holds | |', '|---|---|---:|---|---|'];
  return [`### ${title}`, '', text, '', ...head, ...figures.map(rowOf)].join('\n');
}

/** The last line: `bench: N aims, M missed`. */
export function verdict(results: readonly Result[]): string {
  const kept = results.flatMap(({ tables }) => tables.flatMap(({ figures }) => figures.flatMap((figure) => holds(figure) ?? [])));
  return `bench: ${kept.length} aims, ${kept.filter((held) => !held).length} missed`;
}

/** docs/performance.md. `command`: what measured it, and in how long. */
export function page(results: readonly Result[], machine: string, { command, seconds }: { command: string; seconds: number }): string {
  const sections = results.flatMap(({ tables, plots = [] }) => [
    ...tables.map(render),
    ...plots.map(({ file, caption }) => `![${caption}](performance/${file})\n\n${caption}`),
  ]);
  return `# Performance

\`${command}\` measured all of this in one run of ${Math.ceil(seconds / 60)} minutes, on ${machine}, and wrote this page. Ratios are of two things measured side by side in that run.

${sections.join('\n\n')}

${verdict(results)}
`;
}
