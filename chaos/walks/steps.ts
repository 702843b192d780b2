import fc from 'fast-check';
import { FLAVORS } from '../memory/cluster.ts';

/** One thing that happens in a walk. `which` chooses among what is there at the moment. */
export type Step =
  | { do: 'pass'; ms: number }
  | { do: 'want'; flavor: string }
  | { do: 'listen'; ports: number[] }
  | { do: 'members'; addresses: string[] }
  | { do: 'adminState'; up: boolean }
  | { do: 'suspend'; on: boolean }
  | { do: 'request'; what: 'retry' | 'failover' }
  | { do: 'delete'; foreground: boolean }
  | { do: 'create' }
  | { do: 'deleteAmphora'; which: number }
  | { do: 'deleteFlavor'; flavor: 'a' | 'b' }
  | { do: 'forgetStatus' }
  | { do: 'crashAmphora'; which: number }
  | { do: 'loseAmphora'; which: number }
  | { do: 'healAmphora'; which: number }
  | { do: 'disrupt'; which: number; on: boolean }
  | { do: 'outdate'; which: number }
  | { do: 'member'; up: boolean }
  | { do: 'connections'; which: number; current: number }
  | { do: 'driverFault'; fault: DriverFault; times: number }
  | { do: 'driverChaos'; probability: number }
  | { do: 'apiFault'; fault: 'before' | 'after' | 'conflict'; times: number }
  | { do: 'apiChaos'; probability: number }
  | { do: 'outage'; ms: number }
  | { do: 'breakWatches' }
  | { do: 'lag'; ms: number }
  | { do: 'latency'; ms: number }
  | { do: 'compact' }
  | { do: 'clock'; ms: number }
  | { do: 'crashOperator'; which: number; awayMs: number }
  | { do: 'crashAtWrite'; which: number; inWrites: number; when: 'before' | 'after' }
  | { do: 'pauseOperator'; which: number; ms: number }
  | { do: 'startOperator' };

export const DRIVER_FAULTS = [
  'throws build',
  'throws configure',
  'throws attach',
  'throws detach',
  'throws drain',
  'throws destroy',
  'throws ensureVip',
  'hangs build',
  'hangs attach',
  'hangs detach',
  'slow attach',
  'slow detach',
  'slow configure',
  'slow ensureVip',
  'unseen',
  'neverReady',
  'buildFails',
  'connectionsDontEnd',
] as const;
export type DriverFault = (typeof DRIVER_FAULTS)[number];

const which = fc.nat(5);
const just = (step: Step): fc.Arbitrary<Step> => fc.constant(step);

/** The port that HAProxy refuses to serve. */
export const REFUSED_PORT = 6666;

const time = fc.constantFrom(100, 500, 1000, 1000, 3000, 3000, 8000, 20_000, 90_000).map((ms): Step => ({ do: 'pass', ms }));

const people: fc.WeightedArbitrary<Step>[] = [
  { weight: 14, arbitrary: fc.constantFrom('a', 'b', 'c', ...FLAVORS).map((flavor) => ({ do: 'want', flavor })) },
  { weight: 4, arbitrary: fc.subarray([80, 443, 8080, REFUSED_PORT], { minLength: 0 }).map((ports) => ({ do: 'listen', ports })) },
  { weight: 4, arbitrary: fc.subarray(['10.1.0.1', '10.1.0.2', '10.1.0.3']).map((addresses) => ({ do: 'members', addresses })) },
  { weight: 1, arbitrary: fc.boolean().map((up) => ({ do: 'adminState', up })) },
  { weight: 2, arbitrary: fc.boolean().map((on) => ({ do: 'suspend', on })) },
  { weight: 4, arbitrary: fc.constantFrom('retry' as const, 'failover' as const).map((what) => ({ do: 'request', what })) },
  { weight: 1, arbitrary: fc.boolean().map((foreground) => ({ do: 'delete', foreground })) },
  { weight: 2, arbitrary: just({ do: 'create' }) },
  { weight: 1, arbitrary: which.map((n) => ({ do: 'deleteAmphora', which: n })) },
  { weight: 1, arbitrary: fc.constantFrom('a' as const, 'b' as const).map((flavor) => ({ do: 'deleteFlavor', flavor })) },
  { weight: 1, arbitrary: just({ do: 'forgetStatus' }) },
];

const world: fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: which.map((n) => ({ do: 'crashAmphora', which: n })) },
  { weight: 2, arbitrary: which.map((n) => ({ do: 'loseAmphora', which: n })) },
  { weight: 1, arbitrary: which.map((n) => ({ do: 'healAmphora', which: n })) },
  { weight: 2, arbitrary: fc.tuple(which, fc.boolean()).map(([n, on]) => ({ do: 'disrupt', which: n, on })) },
  { weight: 1, arbitrary: which.map((n) => ({ do: 'outdate', which: n })) },
  { weight: 1, arbitrary: fc.boolean().map((up) => ({ do: 'member', up })) },
  { weight: 2, arbitrary: fc.tuple(which, fc.constantFrom(0, 3)).map(([n, current]) => ({ do: 'connections', which: n, current })) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...DRIVER_FAULTS), fc.integer({ min: 1, max: 3 }))
      .map(([fault, times]) => ({ do: 'driverFault', fault, times })),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 0.1, 0.3).map((probability) => ({ do: 'driverChaos', probability })) },
  { weight: 2, arbitrary: fc.constantFrom(-300_000, -5000, 5000, 60_000, 300_000).map((ms) => ({ do: 'clock', ms })) },
];

const operator: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom('before' as const, 'after' as const, 'conflict' as const), fc.integer({ min: 1, max: 3 }))
      .map(([fault, times]) => ({ do: 'apiFault', fault, times })),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 0.05, 0.2).map((probability) => ({ do: 'apiChaos', probability })) },
  { weight: 2, arbitrary: fc.constantFrom(2000, 12_000, 40_000).map((ms) => ({ do: 'outage', ms })) },
  { weight: 1, arbitrary: just({ do: 'breakWatches' }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 500, 5000, 20_000).map((ms) => ({ do: 'lag', ms })) },
  { weight: 2, arbitrary: fc.constantFrom(0, 50, 400).map((ms) => ({ do: 'latency', ms })) },
  { weight: 1, arbitrary: just({ do: 'compact' }) },
  {
    weight: 3,
    arbitrary: fc.tuple(which, fc.constantFrom(500, 5000, 40_000)).map(([n, awayMs]) => ({ do: 'crashOperator', which: n, awayMs })),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(which, fc.integer({ min: 1, max: 12 }), fc.constantFrom('before' as const, 'after' as const))
      .map(([n, inWrites, when]) => ({ do: 'crashAtWrite', which: n, inWrites, when })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(which, fc.constantFrom(1000, 9000, 16_000, 40_000)).map(([n, ms]) => ({ do: 'pauseOperator', which: n, ms })),
  },
  { weight: 2, arbitrary: just({ do: 'startOperator' }) },
];

/** A walk: in what kind of world, and what happens there. */
export interface Walk {
  topology: 'SINGLE' | 'ACTIVE_STANDBY';
  seed: number;
  /** How many operators there are to begin with. */
  operators: number;
  /** They stand for election; without it they all act at once. */
  elected: boolean;
  /** Milliseconds until an act of the driver shows. */
  delayMs: number;
  newConnectionsPerSecond: number;
  steps: Step[];
}

export const walks: fc.Arbitrary<Walk> = fc.record({
  topology: fc.constantFrom('SINGLE', 'ACTIVE_STANDBY'),
  seed: fc.nat(),
  operators: fc.constantFrom(1, 1, 2),
  elected: fc.boolean(),
  delayMs: fc.constantFrom(0, 0, 300, 4000),
  newConnectionsPerSecond: fc.constantFrom(0, 5),
  steps: fc.array(fc.oneof({ weight: 45, arbitrary: time }, ...people, ...world, ...operator), {
    minLength: 5,
    maxLength: 60,
    size: 'max',
  }),
});
