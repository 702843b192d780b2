import { expect, test } from '@jest/globals';
import { resultOf } from '../../../bench/controlplane/benchmark.ts';

const round = (wallSeconds: number, patches: number) => ({
  wallSeconds,
  cpuSeconds: wallSeconds / 2,
  peakMiB: 10 * wallSeconds,
  calls: new Map([
    ['PATCH amphorae', patches],
    ['LIST amphorae', 50],
    ['POST events', 1000],
  ]),
});
const calls = new Map([['WATCH amphorae', 1]]);
const measured = (factor: number) => ({
  rounds: new Map(
    [20, 200].map((count) => [count, { create: round(count * factor, 200), resize: round(2 * count * factor, 200 * factor) }]),
  ),
  idle: new Map([20, 200].map((count) => [count, { seconds: 60, cpuSeconds: 0.0015 * count, residentMiB: 250, calls }])),
  restarts: new Map(
    [20, 200].map((count) => {
      const restart = (seconds: number) => ({ edited: 10, firstSeconds: seconds * factor, allSeconds: 2 * seconds * factor });
      return [count, [count + 1, 1, count / 100].map(restart)];
    }),
  ),
});

test('the result has ratios to the peer, calls without Events, and what one balancer costs', () => {
  const { tables, plots } = resultOf(measured(1), measured(2));
  const [rounds, idle, restart] = tables;
  const of = (name: string) => rounds!.figures.find((figure) => figure.name === name)!;
  expect(rounds?.title).toBe('200 balancers at once');
  expect(of('resize: until all are at rest')).toMatchObject({
    measured: 0.5,
    unit: '×',
    aim: { atMost: 1 },
    note: '400 s to the peer’s 800 s',
  });
  expect(of('resize: peak memory')).toMatchObject({ measured: 0.5, aim: { atMost: 1.5 } });
  expect(of('resize: API calls')).toMatchObject({ measured: 250 / 450, aim: { atMost: 1 } });
  expect(of('resize: writes for each')).toMatchObject({ measured: 1, note: '1.00 PATCH amphorae' });
  expect(idle?.figures.map(({ measured: value }) => value)).toEqual([0.5, 250, 1]);
  expect(restart?.figures[0]).toMatchObject({ measured: 0.5, aim: { atMost: 1 }, note: '2 s to the peer’s 4 s' });
  expect(restart?.text).toContain('medians of 3 starts');
  const files = ['create', 'resize', 'memory', 'idle', 'restart'].map((what) => `control-plane-${what}.svg`);
  expect(plots?.map(({ file }) => file)).toEqual(files);
  expect(plots?.[0]?.caption).toContain('From 20 to 200 the time grows with the power 1.00');
  expect(plots?.[3]?.caption).toContain('(20, 200): 0.5, 5 ‰ of a core; 250, 250 MiB');
  expect(plots?.[4]?.caption).toContain('with the power 0.30 of the number');
});
