import { Worker } from 'node:worker_threads';
import { Reports, type TrafficReport } from './reports.ts';
import { type TrafficOptions, trafficSettings } from './settings.ts';
import type { TrafficCounts } from './tally.ts';

/** Traffic that is under way. */
export interface Traffic {
  /** What has been counted, at most a tenth of a second ago. */
  counts(): TrafficCounts;
  /**
   * Resolves with the counts once that many requests have ended in all, or once the condition holds. Rejects when traffic ends before, and says how far it came.
   */
  waitFor(goal: number | ((counts: TrafficCounts) => boolean)): Promise<TrafficCounts>;
  /** Makes no further requests, waits until those in flight have ended (their outcome counts) and resolves with the final counts. */
  stop(): Promise<TrafficCounts>;
  /** Resolves with the final counts when traffic has ended, by `stop` or by one of its bounds. */
  readonly ended: Promise<TrafficCounts>;
}

/**
 * Starts clients in a thread of their own, against a loopback address only, bounded in number and time.
 *
 * A request has failed when it is not answered with status 200 and the whole, right body within its time-out: a refused or reset connection, a
 * body that is short or has a wrong byte, a status of 400 or above, a wrong certificate, no answer in time. Nothing is tried again, with one exception that RFC 9112
 * section 9.3.1 makes: a keep-alive client's GET on a connection used before, when that connection is closed before any byte of the answer and within
 * a second of the request, so that the server may well have closed it while it was idle. Then it is sent once more on a new connection, that outcome
 * counts, and `retriedOnClosedIdle` goes up by one; who promises that not even this happens, asserts that it is 0.
 * Failures of this machine (no free port, no file descriptor) count too: a client can't tell them apart with certainty.
 *
 * Throws a RangeError for options that don't make sense.
 */
export function startTraffic(options: TrafficOptions): Traffic {
  const worker = new Worker(new URL('./traffic-worker.ts', import.meta.url), { workerData: trafficSettings(options) });
  const reports = new Reports();
  worker.on('message', (report: TrafficReport) => reports.add(report));
  worker.on('error', (error) => reports.fail(error instanceof Error ? error : new Error(String(error))));
  return {
    counts: () => reports.latest,
    ended: reports.ended,
    waitFor: (goal) => reports.waitFor(goal),
    stop() {
      worker.postMessage('stop');
      return reports.ended;
    },
  };
}
