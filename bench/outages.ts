/** What clients notice of a resize, of what people do without one, and of a lost half of a pair: the same traffic throughout. */
import { eventually } from '../test/support/eventually.ts';
import { httpSpec, Subject } from '../test/support/subject.ts';
import { freePorts } from '../tools/ports.ts';
import { type Members, startMembers } from '../tools/traffic/members.ts';
import type { TrafficCounts } from '../tools/traffic/tally.ts';
import { startTraffic, type Traffic } from '../tools/traffic/traffic.ts';
import type { Benchmark, Figure } from './benchmark.ts';
import { type BenchStack, withStack } from './data-plane/bench-stack.ts';
import { type Address, startByHand, webConfiguration } from './data-plane/by-hand.ts';
import { pidsOf } from './data-plane/proc.ts';
import { median, medianRatio, rounded } from './numbers.ts';

/** Requests a second: far below what one core of HAProxy takes, so that latencies are no queue. */
const rate = 500;
const clients = { newConnections: 4, keepAlive: 4, rate };
const host = '127.0.0.1';

export const outages: Benchmark = {
  name: 'outages',
  async run(size, log) {
    const { rounds, steadySeconds } = { quick: { rounds: 1, steadySeconds: 3 }, full: { rounds: 4, steadySeconds: 10 } }[size];
    const members = await startMembers({ count: 3 });
    try {
      const figures = await withStack(
        async (bench) => [
          ...(await resized(bench, members, rounds, steadySeconds, log)),
          ...(await deletedFirst(members, rounds, log)),
          ...(await halfLost(bench, members, size === 'quick' ? 1 : 3, log)),
        ],
        // As quick to look as the demo's.
        { operatorFlags: ['--progress-ms=100', '--observe-seconds=1'] },
      );
      return {
        tables: [
          {
            title: 'What clients notice',
            text: `${rate} requests a second from eight clients, half of them with a new connection for each request; a request fails when its whole and right answer is not there within its time. Amphorae are processes on this machine, so that building one takes a moment; a virtual machine takes a minute or more to boot, and where the old one is deleted first, that is added to the outage.`,
            figures,
          },
        ],
      };
    } finally {
      await members.close();
    }
  },
};

const poolOf = (members: Members) => ({ members: members.members.map(({ address, port }) => ({ address, port })) });

/** Traffic, once it flows. */
async function flowing(address: Address, timeoutMs?: number): Promise<Traffic> {
  const traffic = startTraffic({ url: `http://${address.host}:${address.port}/`, ...clients, ...(timeoutMs && { timeoutMs }) });
  await traffic.waitFor(rate / 2);
  return traffic;
}

async function created(bench: BenchStack, members: Members, flavorId: string, count: number): Promise<{ lb: Subject; address: Address }> {
  const [port] = (await freePorts(1)) as [number];
  const lb = new Subject(bench, flavorId);
  const strategy = { settleSeconds: 1, verifySeconds: 2, drainSeconds: 60 };
  await lb.create(httpSpec(poolOf(members), port, { flavorId, strategy }));
  const { status } = await lb.untilAtRest(flavorId, count);
  return { lb, address: { host: status!.vipAddress!, port } };
}

/** Between two flavors, there and back. */
async function resized(bench: BenchStack, members: Members, rounds: number, steadySeconds: number, log: (line: string) => void) {
  const { lb, address } = await created(bench, members, 'small', 1);
  const [steady, during]: [TrafficCounts[], TrafficCounts[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const before = await flowing(address);
    await before.waitFor(({ elapsedMs }) => elapsedMs >= steadySeconds * 1000);
    steady.push(await before.stop());
    const traffic = await flowing(address);
    const flavorId = round % 2 === 0 ? 'large' : 'small';
    await lb.patch({ flavorId });
    await lb.untilAtRest(flavorId);
    during.push(await traffic.stop());
    log(`resize ${round + 1} of ${rounds}`);
  }
  await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  const p99 = (counts: TrafficCounts[]) => counts.map(({ p99Ms }) => p99Ms);
  return [
    failed('a resize', during, { atMost: 0 }),
    gap('a resize: the longest time without an answer', during),
    {
      name: 'a resize: p99 in it against p99 before',
      measured: medianRatio(p99(during), p99(steady)),
      unit: '×',
      note: `${rounded(median(p99(during)))} ms, before ${rounded(median(p99(steady)))} ms`,
    },
  ] satisfies Figure[];
}

/** As Octavia replaces the one amphora of a SINGLE load balancer: the old one is deleted, then the new one is built and configured at the same address. */
async function deletedFirst(members: Members, rounds: number, log: (line: string) => void): Promise<Figure[]> {
  const [port] = (await freePorts(1)) as [number];
  const address = { host, port };
  const build = (threads: number, maxConnections: number) =>
    startByHand(
      webConfiguration(address, { threads, maxConnections, members: members.members.map((m) => ({ host: m.address, port: m.port })) }),
      address,
    );
  const all: TrafficCounts[] = [];
  let running = await build(1, 2000);
  try {
    for (let round = 0; round < rounds; round++) {
      const traffic = await flowing(address);
      const { requests } = traffic.counts();
      await running.stop();
      running = round % 2 === 0 ? await build(2, 8000) : await build(1, 2000);
      await traffic.waitFor(requests + 2 * rate);
      all.push(await traffic.stop());
    }
  } finally {
    await running.stop();
  }
  log('the old one deleted first');
  const what = 'the old one deleted, then the new one built at its address';
  return [failed(what, all), gap(`${what}: the longest time without an answer`, all)];
}

/** The active half of a pair ends or hangs. Clients give a request up after a second, and come again. */
async function halfLost(bench: BenchStack, members: Members, rounds: number, log: (line: string) => void): Promise<Figure[]> {
  const { lb, address } = await created(bench, members, 'small-ha', 2);
  const folder = `${bench.stack.dir}/amphorae/loadbalancers/${(await lb.get()).metadata.uid}/amphorae`;
  const lost = new Set<number>();
  const figures: Figure[] = [];
  for (const [what, signal] of [
    ['the active half of a pair is killed', 'SIGKILL'],
    ['the active half of a pair hangs', 'SIGSTOP'],
  ] as const) {
    const all: TrafficCounts[] = [];
    for (let round = 0; round < rounds; round++) {
      const pids = await eventually(() => activeHalf(lb, folder, lost), { withinMs: 120_000 });
      const traffic = await flowing(address, 1000);
      for (const pid of pids) process.kill(pid, signal);
      for (const pid of pids) lost.add(pid);
      const { requests, failed: failedBefore } = traffic.counts();
      await traffic.waitFor((counts) => counts.requests - counts.failed >= requests - failedBefore + 3 * rate);
      all.push(await traffic.stop());
      log(`${what}, ${round + 1} of ${rounds}`);
    }
    figures.push(gap(`${what}: the longest time without an answer`, all), failed(what, all));
  }
  return figures;
}

/** The processes, HAProxy's master and worker, of the half of a whole pair that takes the connections. @throws while one of them is lost */
async function activeHalf(lb: Subject, folder: string, lost: ReadonlySet<number>): Promise<number[]> {
  await lb.untilAtRest('small-ha', 2);
  const active = (await lb.amphorae()).find(({ spec, status }) => spec.role === 'MASTER' && status?.attached);
  const pids = active ? pidsOf(`${folder}/${active.metadata.name}/`) : [];
  if (pids.length < 2 || pids.some((pid) => lost.has(pid)))
    throw new Error(`${active?.metadata.name ?? 'the active half'} has not come back`);
  return pids;
}

const failed = (what: string, all: TrafficCounts[], aim?: Figure['aim']): Figure => {
  const sum = (key: 'failed' | 'requests') => all.reduce((total, counts) => total + counts[key], 0);
  const first = all.flatMap(({ failures }) => failures).at(0)?.error;
  const note = `of ${rounded(sum('requests'))}${all.length > 1 ? ` in ${all.length} times` : ''}${first ? `; the first: ${first}` : ''}`;
  return { name: `${what}: failed requests`, measured: sum('failed'), unit: '', ...(aim && { aim }), note };
};

const gap = (name: string, all: TrafficCounts[]): Figure => ({
  name,
  measured: Math.round(median(all.map(({ longestGapMs }) => longestGapMs))),
  unit: 'ms',
  ...(all.length > 1 && { note: `the median of ${all.length}` }),
});
