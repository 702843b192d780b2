import type { Benchmark, Figure, Plot, Result, Size, Table } from '../benchmark.ts';
import { lastExponent, type Point } from '../growth.ts';
import { median, rounded } from '../numbers.ts';
import { exponent, logLogPlot, type Series } from '../plot.ts';
import { withReason } from '../report.ts';
import { named } from './balancers.ts';
import { isEvent, perObject, READS, sum, verbOf } from './calls.ts';
import { controllerRuntime } from './peer.ts';
import { type Idle, type Restart, type Round, Session } from './session.ts';
import { reflavor, type Subject } from './subjects.ts';

/** Rounds of a subject, by how many balancers they were of. */
type Rounds = Map<number, { create: Round; resize?: Round }>;

interface Measured {
  rounds: Rounds;
  /** By how many balancers there were in all; nothing of the peer, which asks no amphora how it is. */
  idle: Map<number, Idle>;
  restarts: Map<number, Restart[]>;
}

/** Sizes that share an API server, the largest last: what came before stays, and does nothing. */
const SIZES: Record<Size, number[][]> = { quick: [[20, 200]], full: [[10, 100, 1000], [5000]] };
/** Beyond that many, a resize of all at once takes a quarter of an hour. */
const MOST_RESIZED = 1000;
/** With the largest number, and with fewer. */
const RESTARTS: Record<Size, [number, number]> = { quick: [1, 1], full: [5, 3] };
const IDLE_SECONDS: Record<Size, [number, number]> = { quick: [15, 5], full: [60, 20] };

/**
 * This operator beside the same one written with Go's controller-runtime: many balancers at once, none to do, and a restart. `isLong`: the largest number of them
 * is resized too.
 */
export const controlPlane = ({ isLong }: { isLong: boolean }): Benchmark => ({
  name: 'control-plane',
  async run(size, log) {
    const plan = { size, mostResized: isLong ? Number.POSITIVE_INFINITY : MOST_RESIZED };
    const own = await measure(reflavor, { ...plan, isIdleMeasured: true }, log);
    const peer = await measure(controllerRuntime, { ...plan, isIdleMeasured: false }, log);
    return resultOf(own, peer);
  },
});

async function measure(
  subject: Subject,
  { size, mostResized, isIdleMeasured }: { size: Size; mostResized: number; isIdleMeasured: boolean },
  log: (line: string) => void,
): Promise<Measured> {
  const measured: Measured = { rounds: new Map(), idle: new Map(), restarts: new Map() };
  const largest = Math.max(...SIZES[size].flat());
  for (const sizes of SIZES[size]) {
    await Session.with(subject, async (session) => {
      let total = 0;
      for (const count of sizes) {
        const all = named(`of-${count}`, count);
        const create = await session.create(all, 'small');
        log(`${subject.name}: ${count} balancers created in ${create.wallSeconds.toFixed(1)} s`);
        const resize = count > mostResized ? undefined : await session.resize(all, 'large');
        if (resize) log(`${subject.name}: ${count} balancers resized in ${resize.wallSeconds.toFixed(1)} s`);
        measured.rounds.set(count, { create, resize });
        total += count;
        const which = count === largest ? 0 : 1;
        if (isIdleMeasured) measured.idle.set(total, await session.idle(IDLE_SECONDS[size][which]));
        const restarts: Restart[] = [];
        const [first, second] = resize ? ['small', 'large'] : ['large', 'small'];
        for (let i = 0; i < RESTARTS[size][which]; i++) restarts.push(await session.restart(all, (i % 2 === 0 ? first : second)!));
        measured.restarts.set(total, restarts);
      }
    });
  }
  return measured;
}

/** The tables and plots of what was measured. Pure. */
export function resultOf(own: Measured, peer: Measured): Result {
  const counts = [...own.rounds.keys()];
  const most = Math.max(...own.restarts.keys());
  return {
    tables: [
      ...counts.filter((count) => count >= 200).map((count) => roundsTable(count, own, peer)),
      idleTable(most, own),
      restartTable(most, own, peer),
    ],
    plots: [plotOf('create', own, peer), plotOf('resize', own, peer), memoryPlot(own, peer), idlePlot(own), restartPlot(own, peer)],
  };
}

const isWrite = (what: string) => !READS.has(verbOf(what)) && !isEvent(what);
const isRead = (what: string) => READS.has(verbOf(what)) && !isEvent(what);

function roundsTable(count: number, own: Measured, peer: Measured): Table {
  const pairs = (['create', 'resize'] as const).flatMap((kind) => {
    const [mine, theirs] = [own, peer].map(({ rounds }) => rounds.get(count)![kind]);
    return mine && theirs ? [{ kind, mine, theirs }] : [];
  });
  const figures = pairs.flatMap(({ kind, mine, theirs }): Figure[] => [
    withReason(ratio(`${kind}: until all are at rest`, mine.wallSeconds, theirs.wallSeconds, 's', 1), WALL),
    ratio(`${kind}: CPU time of the operator`, mine.cpuSeconds, theirs.cpuSeconds, 's'),
    withReason(
      ratio(`${kind}: peak memory`, mine.peakMiB, theirs.peakMiB, 'MiB', 1.5),
      'Node with the operator’s program takes some 80 MiB before its first object',
    ),
    withReason(
      ratio(
        `${kind}: API calls`,
        sum(mine.calls, (what) => !isEvent(what)),
        sum(theirs.calls, (what) => !isEvent(what)),
        '',
        1,
      ),
      'a visit that a conflict sends back looks twice',
    ),
    each(`${kind}: writes for each`, mine, count, isWrite),
    each(`${kind}: the peer’s`, theirs, count, isWrite),
    each(`${kind}: reads for each`, mine, count, isRead),
    each(`${kind}: the peer’s`, theirs, count, isRead),
    each(`${kind}: Events for each`, mine, count, isEvent),
    each(`${kind}: the peer’s`, theirs, count, isEvent),
  ]);
  const text = `Against a real API server and etcd, ${count.toLocaleString('en')} balancers of one amphora are created at once${pairs.length > 1 ? ', then all resized at once' : ''}. Amphorae are simulated and take no time, settle and verify times are 0. The peer is the same operator written with Go’s controller-runtime (bench/peers/controller-runtime), on a fresh API server in the same run, with as many workers and no rate limit of its client. Both write the same objects, and a status after each step, so that as few calls are needed by either. Events are counted apart: both send one at a time, and drop what comes while 1,000 wait, which is more in the operator that sends them slower; what that spares it is in its favour here. What profiles showed was removed: of a resize of 200, visits that did only what the one before had done already (29.8 writes each, 17 after it; 48.8 s and 11.2 s of CPU, 20.5 and 5.5 after it, on a machine of 2 cores)${pairs.length > 1 ? '' : '. A resize of so many at once takes a quarter of an hour: `make bench ARGS=--long` measures it'}.`;
  return { title: `${count.toLocaleString('en')} balancers at once`, text, figures };
}

function ratio(name: string, mine: number, theirs: number, unit: string, atMost?: number): Figure {
  const show = (value: number) => `${Number.isInteger(value) ? value : value.toPrecision(3)}${unit && ` ${unit}`}`;
  return {
    name,
    measured: mine / theirs,
    unit: '×',
    ...(atMost === undefined ? {} : { aim: { atMost } }),
    note: `${show(mine)} to the peer’s ${show(theirs)}`,
  };
}

/** Why a round may take longer than the peer's. */
const WALL = 'the API server has the processors busy, and Node takes more of them from it than Go does';

const each = (name: string, { calls }: Round, count: number, passes: (what: string) => boolean): Figure => ({
  name,
  measured: sum(calls, passes) / count,
  unit: '',
  note: perObject(calls, count, passes),
});

function idleTable(count: number, measured: Measured): Table {
  const idle = measured.idle.get(count)!;
  return {
    title: `${count.toLocaleString('en')} balancers with nothing to do`,
    text: `Measured over ${idle.seconds.toFixed(0)} s after the last of them was at rest and the last Events written, without traffic. Amphorae are asked how they are by the defaults: each every 5 s, but no more than 50 a second (--observe-seconds, --observe-per-second).`,
    figures: [
      withReason(
        { name: 'CPU, of a core', measured: (100 * idle.cpuSeconds) / idle.seconds, unit: '%', aim: { atMost: 1 } },
        '50 amphorae a second are asked how they are',
      ),
      withReason(
        { name: 'memory', measured: idle.residentMiB, unit: 'MiB', aim: { atMost: 300 } },
        'V8 has not collected yet what the rounds left behind',
      ),
      { name: 'API calls a minute', measured: (60 * sum(idle.calls)) / idle.seconds, unit: '', note: perObject(idle.calls, 1) },
    ],
  };
}

function restartTable(count: number, own: Measured, peer: Measured): Table {
  const starts = ({ restarts }: Measured, which: 'firstSeconds' | 'allSeconds') => restarts.get(count)!.map((restart) => restart[which]);
  const times = starts(own, 'firstSeconds').length;
  const medians = (name: string, which: 'firstSeconds' | 'allSeconds', atMost?: number) =>
    ratio(name, median(starts(own, which)), median(starts(peer, which)), 's', atMost);
  const spread = (measured: Measured) =>
    starts(measured, 'firstSeconds')
      .map((seconds) => seconds.toPrecision(3))
      .join(', ');
  return {
    title: `A restart with ${count.toLocaleString('en')} balancers`,
    text: `${own.restarts.get(count)![0]!.edited} of them, evenly spread, are given another flavor while no operator runs. From the start of the process until the new operation is recorded${times === 1 ? '' : `; medians of ${times} starts`}.`,
    figures: [
      withReason(medians('until the first is', 'firstSeconds', 1), `starts took ${spread(own)} s, the peer’s ${spread(peer)} s`),
      medians('until all are', 'allSeconds'),
    ],
  };
}

/** Points over how many balancers there were, of this operator first. */
function series(own: Measured, peer: Measured, points: (of: Measured) => Point[]): [Series, Series] {
  return [
    { name: 'Reflavor', points: points(own) },
    { name: 'controller-runtime', points: points(peer) },
  ];
}

/** A figure of each round that was made. */
const ofRounds =
  (kind: 'create' | 'resize', figure: 'wallSeconds' | 'peakMiB') =>
  ({ rounds }: Measured): Point[] =>
    [...rounds].flatMap(([count, { [kind]: round }]) => (round ? [[count, round[figure]] as const] : []));

function plotOf(kind: 'create' | 'resize', own: Measured, peer: Measured): Plot {
  const lines = series(own, peer, ofRounds(kind, 'wallSeconds'));
  const [mine] = lines;
  const late = lastExponent(mine.points);
  const [first, last] = [mine.points[0]![0], mine.points.at(-1)![0]];
  const busy = (count: number) => {
    const { cpuSeconds, wallSeconds } = own.rounds.get(count)![kind]!;
    return `${((100 * cpuSeconds) / wallSeconds).toFixed(0)} %`;
  };
  const caption = `Seconds to ${kind} balancers, all at once, over their number; the dashed line is in proportion. From ${first} to ${last} the time grows with the power ${exponent(mine).toFixed(2)} of the number, over the last step with ${late.toFixed(2)}. What is done for each is the same however many there are (the tables count its calls). A few take less than in proportion to many, since they wait for answers and watch events side by side: the operator is busy for ${busy(first)} of the time with ${first} and for ${busy(last)} with ${last}. Once it, the API server and etcd have all processors busy, the time can only be in proportion; what goes beyond that is their growing collections.`;
  return {
    file: `control-plane-${kind}.svg`,
    caption,
    svg: logLogPlot({ title: `Seconds to ${kind} N balancers at once`, x: 'balancers', y: 'seconds', series: lines }),
  };
}

function memoryPlot(own: Measured, peer: Measured): Plot {
  const lines = series(own, peer, ofRounds('create', 'peakMiB'));
  const late = lines.map(({ points }) => lastExponent(points).toFixed(2));
  const caption = `The operator's peak memory while balancers are created, over their number, in MiB; the dashed line is in proportion. Both begin with what the program itself takes, Node's being the larger. Over the last step the peak grows with the power ${late[0]} of the number, the peer's with ${late[1]}: what begins is fixed, and each balancer adds its own objects.`;
  return {
    file: 'control-plane-memory.svg',
    caption,
    svg: logLogPlot({ title: 'Peak memory while N balancers are created', x: 'balancers', y: 'MiB', series: lines }),
  };
}

/** The least that a plot of two logarithmic axes shows of what may be nothing. */
const LEAST = 0.1;

function idlePlot({ idle }: Measured): Plot {
  const points = (of: (one: Idle) => number) => [...idle].map(([count, one]) => [count, Math.max(LEAST, of(one))] as const);
  const cpu = points(({ cpuSeconds, seconds }) => (1000 * cpuSeconds) / seconds);
  const memory = points(({ residentMiB }) => residentMiB);
  const shown = (series: readonly (readonly [number, number])[], unit: string) =>
    `${series.map(([, value]) => rounded(value)).join(', ')} ${unit}`;
  const caption = `What the operator takes while there is nothing to do, over the number of balancers (${cpu.map(([count]) => count).join(', ')}): ${shown(cpu, '‰ of a core')}; ${shown(memory, 'MiB')}. The dashed line is in proportion. Each amphora is asked every 5 s how it is, so that the time grows with their number, until 50 are asked a second: from 250 on each is asked less often, and more of them take no more time. Memory begins with the program itself, and is what a burst before left behind as much as what the objects take.`;
  return {
    file: 'control-plane-idle.svg',
    caption,
    svg: logLogPlot({
      title: 'N balancers with nothing to do',
      x: 'balancers',
      y: '‰ of a core; MiB',
      series: [
        { name: 'CPU, ‰ of a core', points: cpu },
        { name: 'memory, MiB', points: memory },
      ],
    }),
  };
}

function restartPlot(own: Measured, peer: Measured): Plot {
  const lines = series(own, peer, ({ restarts }) =>
    [...restarts].map(([count, all]) => [count, median(all.map(({ firstSeconds }) => firstSeconds))] as const),
  );
  const late = lines.map(({ points }) => lastExponent(points).toFixed(2));
  const caption = `Seconds from the start of the operator until the first operation that was due is recorded, over the number of balancers; the dashed line is in proportion. Over the last step they grow with the power ${late[0]} of the number, the peer's with ${late[1]}: a process has to start, however few there are; then each object is read, and visited once, before or after those that have something to do.`;
  return {
    file: 'control-plane-restart.svg',
    caption,
    svg: logLogPlot({ title: 'From a start to the first useful work, of N balancers', x: 'balancers', y: 'seconds', series: lines }),
  };
}
