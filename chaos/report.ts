import { brokenIn, type Outcome } from './outcome.ts';

/** The table of `make chaos`, in Markdown. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => `| ${outcome.faultClass.name} | ${outcome.count} | ${brokenCell(outcome)} |`);
  return ['| class of fault | schedules | broken promises |', '|---|---:|---:|', ...rows].join('\n');
}

/** With the first line of what is wrong with the class itself. */
function brokenCell(outcome: Outcome): string {
  const [why] = outcome.broken?.split('\n') ?? [];
  return why === undefined ? String(brokenIn(outcome)) : `${brokenIn(outcome)} (${why.replaceAll('|', '\\|')})`;
}

/** The last line: `chaos: N schedules, M broken promises`. */
export function verdict(outcomes: readonly Outcome[]): string {
  const schedules = outcomes.reduce((sum, { count }) => sum + count, 0);
  return `chaos: ${schedules} schedules, ${outcomes.reduce((sum, outcome) => sum + brokenIn(outcome), 0)} broken promises`;
}

/** docs/reliability.md. */
export function page(outcomes: readonly Outcome[]): string {
  const classes = outcomes.map(({ faultClass }) => `- **${faultClass.name}.** ${faultClass.fault} ${faultClass.promises}`);
  return `# Reliability

\`make chaos\` leads the operator through the faults below and checks its promises. It wrote this page. A short form is part of \`make test\`.

${table(outcomes)}

${verdict(outcomes)}

## What is done, and what is checked

${classes.join('\n')}
`;
}
