import type { FaultClass, Schedule } from './fault-class.ts';

/** What came of one class. */
export interface Outcome {
  faultClass: FaultClass;
  /** Schedules that were run. */
  count: number;
  /** Those in which a promise was broken. */
  failed: Schedule[];
  seconds: number;
}

/** The table of `make chaos`, in Markdown. */
export function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ faultClass, count, failed }) => `| ${faultClass.name} | ${count} | ${brokenIn(failed)} |`);
  return ['| class of fault | schedules | broken promises |', '|---|---:|---:|', ...rows].join('\n');
}

/** The last line: `chaos: N schedules, M broken promises`. */
export function verdict(outcomes: readonly Outcome[]): string {
  const schedules = outcomes.reduce((sum, { count }) => sum + count, 0);
  return `chaos: ${schedules} schedules, ${outcomes.reduce((sum, { failed }) => sum + brokenIn(failed), 0)} broken promises`;
}

export const brokenIn = (schedules: readonly Schedule[]): number => schedules.reduce((sum, { broken }) => sum + broken.length, 0);

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
