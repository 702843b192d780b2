/**
 * `make chaos`: runs every class of faults, or those that are named as arguments, and prints one table. Writes docs/reliability.md when all ran. Exits 1
 * when a promise was broken, or a class ran nothing or not to its end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultClasses } from './classes.ts';
import { brokenIn, type Outcome, outcomeOf } from './outcome.ts';
import { page, table, verdict } from './report.ts';

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
  let saidAt = performance.now();
  const outcome = await outcomeOf(faultClass, 'full', {
    ran({ count }, { name, broken }) {
      if (broken.length > 0) console.log(`${faultClass.name}: ${name}\n  ${broken.join('\n  ')}`);
      if (performance.now() - saidAt > sayEveryMs) {
        saidAt = performance.now();
        console.log(`${faultClass.name}: ${count} schedules so far`);
      }
      return !interrupted;
    },
  });
  outcomes.push(outcome);
  const { count, seconds, broken } = outcome;
  if (broken !== undefined) console.log(`${faultClass.name}: ${broken}`);
  console.log(`${faultClass.name}: ${count} schedules, ${brokenIn(outcome)} broken promises, ${seconds.toFixed(0)} s`);
}

console.log(`\n${table(outcomes)}\n`);
if (names.length === 0 && !interrupted) writeFileSync(join(import.meta.dirname, '../docs/reliability.md'), page(outcomes));
console.log(verdict(outcomes));
// Whatever a class that threw has left open.
process.exit(interrupted || outcomes.some((outcome) => brokenIn(outcome) > 0) ? 1 : 0);
