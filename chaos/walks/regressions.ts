import { REFUSED_PORT, type Step, type Walk } from './steps.ts';

const alone = { topology: 'SINGLE', seed: 1, operators: 1, elected: false, delayMs: 0, newConnectionsPerSecond: 0 } as const;
const pass = (seconds: number): Step => ({ do: 'pass', ms: seconds * 1000 });

/** Walks that once broke a promise, by what it was. They are taken first. */
export const REGRESSIONS: Readonly<Record<string, Walk>> = {
  'a status lost in a create whose flavor is then deleted leaves amphorae': {
    ...alone,
    steps: [{ do: 'listen', ports: [REFUSED_PORT] }, pass(5), { do: 'forgetStatus' }, { do: 'deleteFlavor', flavor: 'a' }],
  },
  'a status lost in a failover puts an amphora behind the VIP that lacks a port of it': {
    ...alone,
    topology: 'ACTIVE_STANDBY',
    elected: true,
    steps: [
      pass(3),
      { do: 'loseAmphora', which: 0 },
      { do: 'driverFault', fault: 'slow ensureVip', times: 1 },
      { do: 'listen', ports: [443] },
      pass(1),
      { do: 'outage', ms: 40_000 },
      { do: 'forgetStatus' },
      { do: 'listen', ports: [80, 443, 8080, REFUSED_PORT] },
      pass(90),
    ],
  },
  'a port opens while an old amphora without it can’t be taken from the VIP': {
    ...alone,
    topology: 'ACTIVE_STANDBY',
    steps: [
      pass(3),
      { do: 'want', flavor: 'b' },
      { do: 'driverFault', fault: 'hangs detach', times: 3 },
      pass(20),
      { do: 'listen', ports: [80, 8080, REFUSED_PORT] },
      pass(90),
    ],
  },
  'a resize taken back while an old amphora is on its way out of the VIP detaches the last that serves': {
    ...alone,
    delayMs: 300,
    steps: [pass(10), { do: 'want', flavor: 'b' }, pass(2.6), { do: 'want', flavor: 'a' }, pass(20)],
  },
  'a flavor comes into force while an amphora of another can’t be taken from the VIP': {
    ...alone,
    seed: 0,
    steps: [
      { do: 'want', flavor: 'c' },
      { do: 'driverFault', fault: 'hangs detach', times: 1 },
      pass(0.1),
      { do: 'deleteAmphora', which: 0 },
      pass(0.1),
      { do: 'driverFault', fault: 'throws build', times: 1 },
      { do: 'want', flavor: 'a' },
      pass(1),
      { do: 'pauseOperator', which: 0, ms: 1000 },
    ],
  },
  'two amphorae get one peer name while the cache lags': {
    ...alone,
    seed: 0,
    steps: [
      pass(0.1),
      { do: 'lag', ms: 20_000 },
      { do: 'request', what: 'failover' },
      pass(20),
      { do: 'want', flavor: 'broken' },
      { do: 'disrupt', which: 0, on: true },
      pass(90),
      { do: 'crashAtWrite', which: 0, inWrites: 1, when: 'before' },
      { do: 'crashOperator', which: 0, awayMs: 500 },
      { do: 'request', what: 'retry' },
      { do: 'delete', foreground: false },
      { do: 'listen', ports: [] },
    ],
  },
  'a port opens while an amphora without it is on its way to the VIP': {
    ...alone,
    seed: 0,
    steps: [
      pass(0.1),
      { do: 'disrupt', which: 0, on: true },
      { do: 'lag', ms: 500 },
      pass(3),
      { do: 'driverFault', fault: 'hangs attach', times: 1 },
      { do: 'loseAmphora', which: 3 },
      { do: 'listen', ports: [] },
      { do: 'latency', ms: 400 },
      { do: 'want', flavor: 'broken' },
      { do: 'crashAtWrite', which: 0, inWrites: 1, when: 'after' },
      pass(90),
      { do: 'crashOperator', which: 0, awayMs: 500 },
      { do: 'listen', ports: [80, REFUSED_PORT] },
      pass(90),
      { do: 'want', flavor: 'a' },
    ],
  },
};
