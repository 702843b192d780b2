/** What it takes to make a configuration, and to bring one member of it into a running HAProxy. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Configuration } from '../src/provider/amphora/configuration.ts';
import { applyMembers, configurationHash, membersRevision, render } from '../src/provider/amphora/haproxy/index.ts';
import { configuration, listener, pool, startHaproxy } from '../test/support/haproxy.ts';
import { freePorts } from '../tools/ports.ts';
import type { Benchmark } from './benchmark.ts';
import { memberAddress } from './freshness/network.ts';
import { growthOf, type Point } from './growth.ts';
import { median } from './numbers.ts';
import { logLogPlot, type Series } from './plot.ts';

const exec = promisify(execFile);
const sizes = [10, 100, 1000, 5000];
const server = (i: number) => ({ address: memberAddress(Math.floor(i / 250), 1 + (i % 250)), protocolPort: 8000 });
const servers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => server(from + i));

/** One listener with one pool of so many members. */
const onePool = (port: number, members: number): Configuration =>
  configuration({ listeners: [listener({ protocolPort: port })], pools: [pool(servers(members))] });

/** Each listener with a pool of its own. */
function manyListeners(listeners: number, members: number): Configuration {
  const name = (i: number) => `pool-${String(i).padStart(4, '0')}`;
  const each = members / listeners;
  return configuration({
    listeners: Array.from({ length: listeners }, (_, i) => listener({ name: `l-${i}`, protocolPort: 10_000 + i, defaultPool: name(i) })),
    pools: Array.from({ length: listeners }, (_, i) => pool(servers(each, i * each), { name: name(i) })),
  });
}

const environment = (dir: string) => ({ bindAddress: '127.0.0.1', acceptProxy: true, filesDir: dir, adminSocket: join(dir, 'admin.sock') });

export const rendering: Benchmark = {
  name: 'rendering',
  async run(size, log) {
    const rounds = { quick: 5, full: 25 }[size];
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-bench-'));
    try {
      const large = manyListeners(1000, 10_000);
      const renderMs = await medianMs(rounds, () => render(large, environment(dir)));
      const revisionMs = await medianMs(rounds, () => membersRevision(large));
      const hashMs = await medianMs(rounds, () => configurationHash(large));
      log('1,000 listeners and 10,000 members');
      const series: Series[] = [
        { name: 'render', points: await bySize((members) => medianMs(rounds, () => render(onePool(8000, members), environment(dir)))) },
        { name: 'haproxy -c', points: await bySize((members) => checkMs(dir, members, rounds)) },
        { name: 'one member at run time', points: await bySize((members) => oneMemberMs(members, rounds)) },
      ];
      log(`${sizes.join(', ')} members`);
      return {
        tables: [
          {
            title: 'Rendering',
            text: `A configuration of 1,000 listeners, each with a pool of its own, and 10,000 members; the median of ${rounds} times. A profile had shown each listener looking through all pools and backends, and the hash of each server's name being taken anew for every plan: without these, rendering takes a sixth of the time (28 ms in place of 175 on one machine), and the revision a ninth.`,
            figures: [
              {
                name: 'render, 1,000 listeners and 10,000 members',
                measured: renderMs,
                unit: 'ms',
                note: 'the text for HAProxy with its hash',
              },
              { name: 'its hash alone', measured: hashMs, unit: 'ms', note: 'all but the members' },
              { name: "its members' revision alone", measured: revisionMs, unit: 'ms' },
            ],
          },
        ],
        plots: [
          {
            file: 'members.svg',
            caption: `How the work grows with the members of one pool, from ${sizes.at(-2)!.toLocaleString('en')} to ${sizes.at(-1)!.toLocaleString('en')}: ${growthOf(series)}. Both axes are logarithmic.`,
            svg: logLogPlot({ title: 'Work by the size of a pool', x: 'members of the pool', y: 'milliseconds', series }),
          },
        ],
      };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function bySize(measure: (members: number) => Promise<number>): Promise<Point[]> {
  const points: Point[] = [];
  for (const members of sizes) points.push([members, await measure(members)]);
  return points;
}

/** What one call takes; the first ones, in which code gets compiled, don't count. */
async function medianMs(rounds: number, act: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const startedAt = performance.now();
    await act();
    if (round >= 0) times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function checkMs(dir: string, members: number, rounds: number): Promise<number> {
  const file = join(dir, 'haproxy.cfg');
  await writeFile(file, render(onePool(8000, members), environment(dir)).config);
  return medianMs(Math.min(rounds, 7), () => exec('haproxy', ['-c', '-f', file]));
}

/** Members come and go by turns in a HAProxy that runs; reading what it has is part of it. */
async function oneMemberMs(members: number, rounds: number): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const states = [onePool(port, members), onePool(port, members + 1)];
  const haproxy = await startHaproxy(states[0]!);
  let turn = 0;
  try {
    return await medianMs(rounds, async () => {
      const { reloadNeeded } = await haproxy.control.session(({ worker }) => applyMembers(worker, states[++turn % 2]!));
      if (reloadNeeded !== undefined) throw new Error(reloadNeeded);
    });
  } finally {
    await haproxy.stop();
  }
}
