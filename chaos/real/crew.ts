import type { Schedule } from '../fault-class.ts';
import { Balancer, Broken } from './balancer.ts';
import { absentFlavors, flavorsOf, type Topology } from './chapters.ts';
import { type Stage, type StageOptions, startStage } from './stage.ts';

/** A stage for as long as its schedules are read; its folder stays, with the logs, where a promise was broken. */
export async function* onStage(schedules: (stage: Stage) => AsyncIterable<Schedule>, options: StageOptions = {}): AsyncGenerator<Schedule> {
  const stage = await startStage(options);
  let keep = false;
  try {
    await stage.apply(...absentFlavors);
    for await (const schedule of schedules(stage)) {
      keep ||= schedule.broken.length > 0;
      yield schedule.broken.length > 0 ? { ...schedule, name: `${schedule.name} (logs in ${stage.dir})` } : schedule;
    }
  } finally {
    await stage.close({ keep });
  }
}

/** A load balancer that serves clients, and the flavor that it goes to next. */
export interface Serving {
  lb: Balancer;
  topology: Topology;
  here: string;
  other: string;
}

export async function serving(stage: Stage, topology: Topology): Promise<Serving> {
  const { small, large } = flavorsOf(topology);
  const lb = new Balancer(stage, await stage.newNamespace());
  await lb.create(small);
  await lb.untilAtRest(small);
  await lb.startTraffic();
  return { lb, topology, here: small, other: large };
}

/** What was broken while this ran, by the word of `Broken` and of the clients. */
export async function brokenIn(lb: Balancer, run: () => Promise<void>): Promise<string[]> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return [error.message, ...(await lb.wrongs())];
  }
  return lb.wrongs();
}

/** The next resize goes back from where it is now; one of which something was broken is left behind, and another takes its place. */
export async function goneOn(stage: Stage, one: Serving, { broken, to }: { broken: string[]; to: string }): Promise<void> {
  if (broken.length > 0) {
    await one.lb.stopTraffic();
    Object.assign(one, await serving(stage, one.topology));
  } else if (to === one.other) {
    Object.assign(one, { here: one.other, other: one.here });
  }
}
