import { expect, test } from '@jest/globals';
import { Service } from '../../../chaos/real/service.ts';
import { Tally } from '../../../tools/traffic/tally.ts';

/** Counts after so many requests of each of the two clients. */
const counts = (newConnections: number, keepAlive: number, failed = 0) => {
  const { byKind } = new Tally(() => 0).counts();
  byKind.newConnections.requests = newConnections;
  byKind.keepAlive.requests = keepAlive;
  return { failed, retriedOnClosedIdle: 0, byKind };
};

test('service is back once both clients were answered for two seconds, and nothing was lost in them', () => {
  const service = new Service(counts(100, 100), 0);
  expect(service.isBack(counts(130, 130), 1900)).toBe(false);
  expect(service.isBack(counts(140, 140), 2000)).toBe(true);
});

test('whoever waits for an answer has no service, though the other has', () => {
  const service = new Service(counts(100, 100), 0);
  expect(service.isBack(counts(300, 101), 9000)).toBe(false);
});

test('each failure begins the time anew', () => {
  const service = new Service(counts(100, 100), 0);
  expect(service.isBack(counts(140, 140, 1), 2000)).toBe(false);
  expect(service.isBack(counts(170, 170, 1), 3900)).toBe(false);
  expect(service.isBack(counts(170, 170, 1), 4000)).toBe(true);
});
