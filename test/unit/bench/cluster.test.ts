import { expect, test } from '@jest/globals';
import { GoalTimes } from '../../../bench/cluster/goal-times.ts';
import { parseSteps } from '../../../bench/cluster/resizes.ts';
import { GOALS, type Goal, type LoadBalancer } from '../../../src/api/index.ts';

const seen = (number: number, goals: readonly Goal[]) =>
  ({ status: { operation: { number, goals: goals.map((name) => ({ name, metAt: '2026-01-01T00:00:00Z' })) } } }) as unknown as LoadBalancer;

test('a goal takes from the one before it until it is first seen; an operation before doesn’t count', () => {
  const times = new GoalTimes(2);
  times.see(seen(1, GOALS), 5);
  expect(times.isComplete).toBe(false);
  times.see(seen(2, GOALS.slice(0, 2)), 110);
  times.see(seen(2, GOALS.slice(0, 2)), 200);
  times.see(seen(2, GOALS), 300);
  expect(times.isComplete).toBe(true);
  expect(times.durations(100).filter(({ ms }) => ms > 0)).toEqual([
    { goal: 'Accepted', ms: 10 },
    { goal: 'Built', ms: 190 },
  ]);
});

test('a goal that was never met is an error and no time', () => {
  const times = new GoalTimes(2);
  times.see(seen(2, ['Committed']), 1);
  expect(() => times.durations(0)).toThrow(/Accepted was never/);
});

test("the script's steps are the differences of what it says", () => {
  expect(parseSteps('created 100\nready 1500\n')).toEqual([
    { step: 'created', ms: 100 },
    { step: 'ready', ms: 1400 },
  ]);
  expect(() => parseSteps('created\n')).toThrow(/the script said/);
});
