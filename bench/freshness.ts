/** How soon a member that an EndpointSlice lists takes traffic. */
import { join } from 'node:path';
import type { Benchmark, Figure, Plot } from './benchmark.ts';
import type { Sample } from './freshness/inside.ts';
import { inOwnNetwork } from './freshness/network.ts';
import { growthOf, type Point } from './growth.ts';
import { median, quantile, rounded } from './numbers.ts';
import { logLogPlot } from './plot.ts';

const sizes = { quick: [10, 100], full: [10, 100, 1000, 5000] };

export const freshness: Benchmark = {
  name: 'freshness',
  needsRoot: true,
  async run(size, log) {
    const count = { quick: 20, full: 250 }[size];
    const samples = await measured(500, count, log);
    const of = (key: keyof Sample, part: number) =>
      quantile(
        samples.map((sample) => sample[key]),
        part,
      );
    const wrote = (part: number) => `the write before it took ${rounded(of('wroteMs', part))} ms`;
    const figures: Figure[] = [
      { name: 'a member comes, p50', measured: of('joinedMs', 0.5), unit: 'ms', note: wrote(0.5) },
      { name: 'a member comes, p99', measured: of('joinedMs', 0.99), unit: 'ms', aim: { atMost: 100 }, note: wrote(0.99) },
      { name: 'a member goes, p50', measured: of('leftMs', 0.5), unit: 'ms' },
      { name: 'a member goes, p99', measured: of('leftMs', 0.99), unit: 'ms', aim: { atMost: 100 } },
    ];
    return {
      tables: [
        {
          title: 'Freshness of members',
          text: `From the API server's answer to a write to an EndpointSlice, which is when the operator is told, until a client's request is answered by the new member, and until a member that was taken out gets no request any more; of a pool of 500 members in five slices, ${samples.length} times each, with an amphora of flavor large. The client asks every 2 to 3 ms. HAProxy takes members at run time, without a reload. API server, etcd, operator, HAProxy, members and client share the machine's cores. Members once waited for the file to be written, synced and checked by a HAProxy of its own; since they go to the running HAProxy first, the middle is a fourth of what it was (68 ms in place of 300 on one busy machine, the write included). With 5,000 members a profile had the operator busiest with cutting HAProxy's answers into their cells, of which few are read: now only those are cut out, in half the time (2.4 s in place of 4.9 for 80 changes).`,
          figures,
        },
      ],
      plots: [await bySize(sizes[size], { quick: 5, full: 25 }[size], log)],
    };
  },
};

async function measured(members: number, times: number, log: (line: string) => void): Promise<Sample[]> {
  const said = await inOwnNetwork(join(import.meta.dirname, 'freshness/inside.ts'), [String(members), String(times)], log);
  return JSON.parse(said.trim().split('\n').at(-1)!) as Sample[];
}

async function bySize(all: readonly number[], times: number, log: (line: string) => void): Promise<Plot> {
  const comes: Point[] = [];
  const goes: Point[] = [];
  for (const members of all) {
    const samples = await measured(members, times, log);
    comes.push([members, median(samples.map(({ joinedMs }) => joinedMs))]);
    goes.push([members, median(samples.map(({ leftMs }) => leftMs))]);
  }
  const series = [
    { name: 'a member comes', points: comes },
    { name: 'a member goes', points: goes },
  ];
  return {
    file: 'freshness.svg',
    caption: `How long a member takes to come into a pool and to leave it, by the size of the pool, medians of ${times}; from ${all.at(-2)!.toLocaleString('en')} to ${all.at(-1)!.toLocaleString('en')} the time grows: ${growthOf(series)}. For each change all servers of the pool are read from HAProxy and compared, the members gathered and the file written as a whole: that is hardly seen in small pools, in which the ways between the processes take the time, and is most of it in large ones. Both axes are logarithmic.`,
    svg: logLogPlot({ title: 'Freshness by the size of a pool', x: 'members of the pool', y: 'milliseconds', series }),
  };
}
