/** How soon a member that an EndpointSlice lists takes traffic. */
import { join } from 'node:path';
import type { Benchmark, Figure } from './benchmark.ts';
import type { Sample } from './freshness/inside.ts';
import { inOwnNetwork } from './freshness/network.ts';
import { quantile, rounded } from './numbers.ts';

export const freshness: Benchmark = {
  name: 'freshness',
  needsRoot: true,
  async run(size, log) {
    const count = { quick: 20, full: 250 }[size];
    const said = await inOwnNetwork(join(import.meta.dirname, 'freshness/inside.ts'), [String(count)], log);
    const samples = JSON.parse(said.trim().split('\n').at(-1)!) as Sample[];
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
          text: `From the API server's answer to a write to an EndpointSlice, which is when the operator is told, until a client's request is answered by the new member, and until a member that was taken out gets no request any more; of a pool of 500 members in five slices, ${samples.length} times each. The client asks every 2 to 3 ms. HAProxy takes members at run time, without a reload. API server, etcd, operator, HAProxy, members and client share the machine's cores. Members once waited for the file to be written, synced and checked by a HAProxy of its own; since they go to the running HAProxy first, the middle is a fourth of what it was (68 ms in place of 300 on one busy machine, the write included).`,
          figures,
        },
      ],
    };
  },
};
