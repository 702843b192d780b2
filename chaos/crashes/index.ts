import type { Topology } from '../../src/api/index.ts';
import type { FaultClass, Schedule, Size } from '../fault-class.ts';
import { MemoryCluster } from '../memory/cluster.ts';
import { comesToRest } from '../memory/rest.ts';
import { SCENARIOS, type Scenario, TOPOLOGIES } from './scenarios.ts';

/** Milliseconds from a crash to the next operator. */
const AWAY_MS = 1000;
/** Time that a change may take, with a crash in it; milliseconds. */
const PATIENCE_MS = 600_000;

/** Where the operator crashes: right before or right after a write takes effect, counted from the moment of asking. */
interface Crash {
  write: number;
  when: 'before' | 'after';
}

/** One in so many of all crashes is tried; all in the full form. */
const EVERY: Record<Size, number> = { short: 29, full: 1 };

interface Write {
  what: string;
  /** False for one that was refused, by a conflict for instance: nothing is after it. */
  tookEffect: boolean;
}

interface Run {
  /** From asking to rest. */
  writes: Write[];
  broken: string[];
}

/** One run of a scenario, and what is broken by it. */
export async function run(scenario: Scenario, topology: Topology, crash?: Crash): Promise<Run> {
  const cluster = new MemoryCluster({ seed: 1, topology, delays: { attach: 200, detach: 200, configure: 200 } });
  const writes: Write[] = [];
  try {
    const { link } = cluster.startOperator();
    await scenario.prepare(cluster);
    let hasDied = false;
    const die = () => {
      hasDied = true;
      cluster.killOperator(cluster.operators[0]!);
      cluster.clock.setTimer(AWAY_MS, () => cluster.startOperator());
    };
    link.guard.before = (what) => {
      writes.push({ what, tookEffect: false });
      if (crash?.when === 'before' && writes.length === crash.write) die();
    };
    link.guard.after = () => {
      writes.at(-1)!.tookEffect = true;
      if (crash?.when === 'after' && writes.length === crash.write) die();
    };
    scenario.ask(cluster);
    await cluster.pass(2000);
    const restless = await comesToRest(cluster, PATIENCE_MS);
    const { loadBalancer } = cluster;
    const ends = loadBalancer?.status?.flavorId;
    const wrong = ends === scenario.ends ? [] : [`flavor ${ends} is in force in the end, not ${scenario.ends}`];
    const missed = crash && !hasDied ? ['the operator never came to the write at which it was to crash'] : [];
    return { writes, broken: [...cluster.promises.broken, ...restless, ...wrong, ...missed] };
  } finally {
    cluster.close();
  }
}

/** The operator dies at each of its writes, and what is half done is taken up by another. */
export const operatorCrashes: FaultClass = {
  name: 'operator crashes at each write (simulated)',
  fault:
    'In a create, a resize, its cancel after several goals, its failure before and after the old ones are out, a failover, a loss, an edit and a delete, of one amphora and of a pair: the operator dies right before, or right after, each of its writes to the API server and each act of the driver; a new one starts on what is there. In memory, with the operator’s own controllers.',
  promises:
    'The same as on random walks, after each write; and in the end the flavor that was asked for is in force, or the old one where the resize was cancelled or failed.',
  async *run(size) {
    let crashes = 0;
    for (const topology of TOPOLOGIES) {
      for (const scenario of SCENARIOS) {
        const undisturbed = await run(scenario, topology);
        const name = `${scenario.name} (${topology})`;
        yield { name, broken: undisturbed.broken } satisfies Schedule;
        for (const [index, { what, tookEffect }] of undisturbed.writes.entries()) {
          for (const when of tookEffect ? (['before', 'after'] as const) : (['before'] as const)) {
            if (crashes++ % EVERY[size] !== 0) continue;
            const { broken } = await run(scenario, topology, { write: index + 1, when });
            yield { name: `${name}, crash ${when} write ${index + 1}: ${what}`, broken };
          }
        }
      }
    }
  },
};
