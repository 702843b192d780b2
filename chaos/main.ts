/**
 * `make chaos`: runs every class of faults, or those that are named as arguments, and prints one table. Writes docs/reliability.md when all ran. Exits 1
 * when a promise was broken, or a class ran nothing or not to its end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultClasses } from './classes.ts';
import { brokenIn, newOutcome, type Outcome, run } from './outcome.ts';
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
/** The class that runs, as far as it is. */
let atHand: Outcome | undefined;
// What fails with nobody waiting for it is of the class at hand; the others still run.
process.on('uncaughtException', (error) => {
  console.log(error);
  if (atHand) atHand.broken ??= `something of it failed with nobody waiting for it: ${error}`;
  else process.exitCode = 1;
});
// However it ends, also where a class waits for what never comes.
process.on('exit', (code) => {
  if (atHand) outcomes.push({ ...atHand, broken: atHand.broken ?? 'it never came to an end' });
  console.log(`\n${table(outcomes)}\n\n${verdict(outcomes)}`);
  process.exitCode = code !== 0 || interrupted || outcomes.some((outcome) => brokenIn(outcome) > 0) ? 1 : 0;
});

/** How often a class that goes on says how far it is. */
const sayEveryMs = 60_000;
for (const faultClass of chosen) {
  if (interrupted) break;
  let saidAt = performance.now();
  atHand = newOutcome(faultClass);
  await run(atHand, 'full', ({ name, broken }) => {
    if (broken.length > 0) console.log(`${faultClass.name}: ${name}\n  ${broken.join('\n  ')}`);
    if (performance.now() - saidAt > sayEveryMs) {
      saidAt = performance.now();
      console.log(`${faultClass.name}: ${atHand!.count} schedules so far`);
    }
    return !interrupted;
  });
  const { count, seconds, broken } = atHand;
  if (broken !== undefined) console.log(`${faultClass.name}: ${broken}`);
  console.log(`${faultClass.name}: ${count} schedules, ${brokenIn(atHand)} broken promises, ${seconds.toFixed(0)} s`);
  outcomes.push(atHand);
  atHand = undefined;
}

if (names.length === 0 && !interrupted) writeFileSync(join(import.meta.dirname, '../docs/reliability.md'), page(outcomes));
// Whatever a class that threw has left open.
process.exit();
