/**
 * `make chaos`: runs every class of faults, or those that are named as arguments, and prints one table. Writes docs/reliability.md when all ran. Exits 1
 * when a promise was broken.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultClasses } from './classes.ts';
import { brokenIn, type Outcome, page, table, verdict } from './report.ts';

const names = process.argv.slice(2);
const chosen = names.length === 0 ? faultClasses : faultClasses.filter(({ name }) => names.includes(name));
const unknown = names.filter((name) => !faultClasses.some((faultClass) => faultClass.name === name));
if (unknown.length > 0) {
  console.error(`there is no class "${unknown[0]}"; there are: ${faultClasses.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

// What runs is ended in order after the schedule at hand; asked twice, at once.
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
  console.log('ending after what is at hand; once more to end at once, which leaves things running');
});

const outcomes: Outcome[] = [];
/** How often a class that goes on says how far it is. */
const sayEveryMs = 60_000;
for (const faultClass of chosen) {
  if (interrupted) break;
  const startedAt = performance.now();
  const outcome: Outcome = { faultClass, count: 0, failed: [], seconds: 0 };
  let saidAt = startedAt;
  for await (const schedule of faultClass.run('full')) {
    outcome.count++;
    if (schedule.broken.length > 0) {
      outcome.failed.push(schedule);
      console.log(`${faultClass.name}: ${schedule.name}\n  ${schedule.broken.join('\n  ')}`);
    }
    if (interrupted) break;
    if (performance.now() - saidAt > sayEveryMs) {
      saidAt = performance.now();
      console.log(`${faultClass.name}: ${outcome.count} schedules so far`);
    }
  }
  outcome.seconds = (performance.now() - startedAt) / 1000;
  outcomes.push(outcome);
  console.log(
    `${faultClass.name}: ${outcome.count} schedules, ${brokenIn(outcome.failed)} broken promises, ${outcome.seconds.toFixed(0)} s`,
  );
}

if (names.length === 0 && !interrupted) writeFileSync(join(import.meta.dirname, '../docs/reliability.md'), page(outcomes));
console.log(`\n${table(outcomes)}\n\n${verdict(outcomes)}`);
process.exitCode = interrupted || outcomes.some(({ failed }) => failed.length > 0) ? 1 : 0;
