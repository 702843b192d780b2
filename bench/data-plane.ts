/** What a request costs that goes through an amphora, against the same HAProxy with the configuration that a person would write. */
import { HealthMonitor } from '../src/api/index.ts';
import { render } from '../src/provider/amphora/haproxy/index.ts';
import { configuration, listener, pool } from '../test/support/haproxy.ts';
import { httpSpec, Subject } from '../test/support/subject.ts';
import { freePorts } from '../tools/ports.ts';
import type { Benchmark, Figure, Size, Table } from './benchmark.ts';
import { type BenchStack, withStack } from './data-plane/bench-stack.ts';
import { type Address, type Haproxy, memberConfiguration, startByHand, tcpConfiguration, webConfiguration } from './data-plane/by-hand.ts';
import { cpuMs } from './data-plane/proc.ts';
import { type Load, wrk } from './data-plane/wrk.ts';
import { median, medianRatio, rounded } from './numbers.ts';
import { withReason } from './report.ts';

/** That of the flavor `small`. */
const flavor = { threads: 1, maxConnections: 2000 };
const connections = 32;
const host = '127.0.0.1';
const sizes: Record<Size, { rounds: number; seconds: number }> = { quick: { rounds: 2, seconds: 1 }, full: { rounds: 13, seconds: 2 } };

/** Something to be measured, and what its processes have in their arguments. */
interface Target {
  url: string;
  processes: string[];
}

interface Pair {
  name: string;
  ours: Target;
  byHand: Target;
}

interface Sample extends Load {
  cpuUs: number;
}

export const dataPlane: Benchmark = {
  name: 'data-plane',
  async run(size, log) {
    const started: Haproxy[] = [];
    const start = async (text: string | ((dir: string) => string), address: Address) => {
      const haproxy = await startByHand(text, address);
      started.push(haproxy);
      return haproxy;
    };
    const members = (await freePorts(3)).map((port) => ({ host, port }));
    try {
      for (const member of members) await start(memberConfiguration(member), member);
      return await withStack(async (bench) => {
        const pairs = [await amphoraAlone(members, start), await amphoraBehindVip(bench, members, start)];
        return { tables: [await table(pairs, size, log)] };
      });
    } finally {
      for (const haproxy of started) await haproxy.stop();
    }
  },
};

type Start = (text: string | ((dir: string) => string), address: Address) => Promise<Haproxy>;

const targetOf = ({ host, port }: Address, processes: string[]): Target => ({ url: `http://${host}:${port}/`, processes });

/** As it is in a pod: clients reach it without anything between. */
async function amphoraAlone(members: readonly Address[], start: Start): Promise<Pair> {
  const [port, handPort] = (await freePorts(2)) as [number, number];
  const loaded = configuration({
    flavor,
    listeners: [listener({ protocolPort: port, insertHeaders: { 'X-Forwarded-For': true } })],
    pools: [
      pool(
        members.map((member) => ({ address: member.host, protocolPort: member.port })),
        { healthMonitor: HealthMonitor.parse({ type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1 }) },
      ),
    ],
  });
  const rendered = (dir: string) =>
    render(loaded, { bindAddress: host, acceptProxy: false, filesDir: dir, adminSocket: `${dir}/admin.sock` }).config;
  const ours = await start(rendered, { host, port });
  const byHand = await start(webConfiguration({ host, port: handPort }, { ...flavor, members }), { host, port: handPort });
  return {
    name: 'an amphora',
    ours: targetOf(ours, [ours.configurationFile]),
    byHand: targetOf(byHand, [byHand.configurationFile]),
  };
}

/** As the driver `process` has it: a TCP proxy in front has the VIP, and tells it by PROXY headers who the client is. */
async function amphoraBehindVip({ stack, ...surroundings }: BenchStack, members: readonly Address[], start: Start): Promise<Pair> {
  const [port, handPort, frontPort] = (await freePorts(3)) as [number, number, number];
  const lb = new Subject(surroundings, 'web');
  await lb.create(httpSpec({ members: members.map((member) => ({ address: member.host, port: member.port })) }, port));
  const { metadata, status } = await lb.untilAtRest('small');
  const hand = { host, port: handPort };
  const web = await start(webConfiguration(hand, { ...flavor, members, acceptsProxy: true }), hand);
  const front = await start(tcpConfiguration({ host, port: frontPort }, hand), { host, port: frontPort });
  return {
    name: 'an amphora and the VIP of the driver process',
    ours: targetOf({ host: status!.vipAddress!, port }, [`${stack.dir}/amphorae/loadbalancers/${metadata.uid}/`]),
    byHand: targetOf(front, [front.configurationFile, web.configurationFile]),
  };
}

async function table(pairs: Pair[], size: Size, log: (line: string) => void): Promise<Table> {
  const { rounds, seconds } = sizes[size];
  const figures: Figure[] = [];
  for (const closes of [false, true]) {
    const samples = pairs.map(() => ({ ours: [] as Sample[], byHand: [] as Sample[] }));
    for (let round = 0; round < rounds; round++) {
      // Whoever comes second finds the machine as the first has left it: they take turns in that, too.
      const order = round % 2 === 0 ? (['ours', 'byHand'] as const) : (['byHand', 'ours'] as const);
      for (const [i, pair] of pairs.entries()) for (const side of order) samples[i]![side].push(await sample(pair[side], seconds, closes));
      log(`${closes ? 'new connections' : 'keep-alive'}, round ${round + 1} of ${rounds}`);
    }
    figures.push(...pairs.flatMap(({ name }, i) => figuresOf(`${name}, ${closes ? 'a connection each' : 'keep-alive'}`, samples[i]!)));
  }
  return {
    title: 'The data plane',
    text: `Requests through an amphora of flavor small, against the same HAProxy with a configuration written by hand for the same listener and pool. One thread of wrk with ${connections} connections asks as fast as it is answered; three members answer from memory. ${rounds} rounds of ${seconds} s, by turns; ratios are medians of the rounds' ratios. Everything shares the machine's cores, so the time that HAProxy itself needs of a core says more than a latency. The driver process puts a TCP proxy where a cluster has kube-proxy; the configuration by hand has one, too, in that comparison.`,
    figures,
  };
}

async function sample({ url, processes }: Target, seconds: number, closes: boolean): Promise<Sample> {
  const cpu = () => processes.reduce((sum, prefix) => sum + cpuMs(prefix), 0);
  const before = cpu();
  const load = await wrk({ url, connections, seconds, closes });
  return { ...load, cpuUs: ((cpu() - before) * 1000) / load.requests };
}

function figuresOf(name: string, { ours, byHand }: { ours: Sample[]; byHand: Sample[] }): Figure[] {
  const middle = (key: keyof Sample) => ({ our: median(ours.map((s) => s[key])), hand: median(byHand.map((s) => s[key])) });
  const ratio = (key: keyof Sample) =>
    medianRatio(
      ours.map((s) => s[key]),
      byHand.map((s) => s[key]),
    );
  const { our: rate, hand: handRate } = middle('perSecond');
  const { our: cpu, hand: handCpu } = middle('cpuUs');
  const failed = [...ours, ...byHand].reduce((sum, s) => sum + s.failed, 0);
  const latencies = (['p50Ms', 'p99Ms', 'p999Ms'] as const).map((key): Figure => {
    const { our, hand } = middle(key);
    const shown = { p50Ms: 'p50', p99Ms: 'p99', p999Ms: 'p99.9' }[key];
    return { name: `${name}: ${shown}`, measured: our, unit: 'ms', note: `by hand ${rounded(hand)} ms` };
  });
  return [
    withReason(
      {
        name: `${name}: rate`,
        measured: ratio('perSecond'),
        unit: '×',
        aim: { atLeast: 0.98 },
        note: `${rounded(rate)} requests/s, by hand ${rounded(handRate)}${failed > 0 ? `; ${failed} failed` : ''}`,
      },
      `rounds next to each other differ as the machine does: the medians of the rates are at ${(rate / handRate).toPrecision(3)}×`,
    ),
    {
      name: `${name}: HAProxy's time of a core for a request`,
      measured: ratio('cpuUs'),
      unit: '×',
      note: `${rounded(cpu)} µs, by hand ${rounded(handCpu)} µs`,
    },
    ...latencies,
  ];
}
