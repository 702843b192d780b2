/** What runs in the pods of startTrafficPod and startMemberPods: clients, or one member. See there. */
import { setTimeout as delay } from 'node:timers/promises';
import { runClients } from '../clients.ts';
import { connects } from '../connects.ts';
import { requireOwnNetwork } from '../loopback.ts';
import { MemberServer } from '../member-server.ts';
import { Pace } from '../pace.ts';
import type { TrafficReport } from '../reports.ts';
import { type TrafficOptions, type TrafficSettings, trafficSettings } from '../settings.ts';
import { Tally } from '../tally.ts';

const reportEveryMs = 200;
/** A Service that was just made is refused until kube-proxy of the node has written its rules: at the latest then the clients begin, and count that. */
const firstReachedWithinMs = 30_000;
/** A line of a log stays below the 16 KiB at which container runtimes break it. */
const mostTold = 25;

async function clients(options: TrafficOptions): Promise<void> {
  const settings = trafficSettings(options, requireOwnNetwork);
  await reached(settings);
  const tally = new Tally(Date.now);
  const pace = new Pace(settings, () => performance.now());
  process.on('SIGTERM', () => pace.stop());
  const report = (final: boolean) => {
    const counts = { ...tally.counts(), ended: pace.ended };
    const cut = { ...counts, failures: counts.failures.slice(0, mostTold), moves: counts.moves.slice(0, mostTold) };
    process.stdout.write(`${JSON.stringify({ counts: cut, final } satisfies TrafficReport)}\n`);
  };
  const reports = setInterval(() => report(false), reportEveryMs);
  await runClients(settings, pace, tally);
  clearInterval(reports);
  report(true);
}

async function reached({ host, port }: TrafficSettings): Promise<void> {
  const until = performance.now() + firstReachedWithinMs;
  while (!(await connects(host, port)) && performance.now() < until) await delay(20);
}

async function member(name: string, host: string, port: number): Promise<void> {
  const server = new MemberServer({ name, protocol: 'http', host, port }, requireOwnNetwork);
  await server.start();
  // The pod's preStop has given it time to be taken out of use.
  process.once('SIGTERM', () => process.exit());
}

const { TRAFFIC, MEMBER_NAME = '', MEMBER_ADDRESS = '', MEMBER_PORT = '' } = process.env;
if (TRAFFIC) await clients(JSON.parse(TRAFFIC) as TrafficOptions);
else await member(MEMBER_NAME, MEMBER_ADDRESS, Number(MEMBER_PORT));
