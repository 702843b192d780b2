/** The thread in which clients run, so that the caller's work doesn't show in what they measure. See traffic.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { runClients } from './clients.ts';
import { Pace } from './pace.ts';
import type { TrafficReport } from './reports.ts';
import type { TrafficSettings } from './settings.ts';
import { Tally, type TrafficCounts } from './tally.ts';

const reportEveryMs = 50;
const settings = workerData as TrafficSettings;
const port = parentPort!;
const tally = new Tally(Date.now);
const pace = new Pace(settings, () => performance.now());

port.on('message', () => pace.stop());
const counts = (): TrafficCounts => ({ ...tally.counts(), ended: pace.ended });
const reports = setInterval(() => port.postMessage({ counts: counts(), final: false } satisfies TrafficReport), reportEveryMs);
await runClients(settings, pace, tally);
clearInterval(reports);
port.postMessage({ counts: counts(), final: true } satisfies TrafficReport);
port.close();
