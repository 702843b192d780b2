import { expect, test } from '@jest/globals';
import type { FaultClass, Schedule } from '../../../chaos/fault-class.ts';
import { newOutcome, type Outcome, run } from '../../../chaos/outcome.ts';
import { page, table, verdict } from '../../../chaos/report.ts';

const classOf = (name: string, run: () => AsyncGenerator<Schedule>): FaultClass => ({ name, fault: 'F.', promises: 'P.', run });
const well = classOf('well', async function* () {
  yield { name: 'first', broken: [] };
  yield { name: 'second', broken: ['one', 'another'] };
});
const empty = classOf('empty', async function* () {});
const throwing = classOf('throwing', async function* () {
  yield { name: 'first', broken: [] };
  throw new Error('no | disk\nat all');
});

async function outcomeOf(faultClass: FaultClass, ran: (outcome: Outcome) => boolean = () => true): Promise<Outcome> {
  const outcome = newOutcome(faultClass);
  await run(outcome, 'full', () => ran(outcome));
  return outcome;
}

test('a class that runs no schedule, and one that throws, are broken, and named in the table and the last line', async () => {
  const outcomes = [];
  for (const one of [well, empty, throwing]) outcomes.push(await outcomeOf(one));
  expect(table(outcomes).split('\n').slice(2)).toEqual([
    '| well | 2 | 2 |',
    '| empty | 0 | 1 (it ran no schedule) |',
    '| throwing | 1 | 1 (it could not go on: Error: no \\| disk) |',
  ]);
  expect(verdict(outcomes)).toBe('chaos: 3 schedules, 4 broken promises');
  expect(page(outcomes)).toContain(verdict(outcomes));
});

test('a class that is ended early is ended in order, and is not broken by it', async () => {
  let ended = false;
  const endless = classOf('endless', async function* () {
    try {
      for (;;) yield { name: 'again', broken: [] };
    } finally {
      ended = true;
    }
  });
  const { count, broken } = await outcomeOf(endless, ({ count: ran }) => ran < 3);
  expect({ count, broken, ended }).toEqual({ count: 3, broken: undefined, ended: true });
});
