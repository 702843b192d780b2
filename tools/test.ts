/**
 * Runs every stage of the tests, or those that are named as arguments, and counts. The last line of its output is
 * `N passed, N failed, N skipped`; it exits 1 when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { cacheRoot } from './binaries.ts';
import { startCluster, stopCluster } from './cluster/cluster.ts';
import { clusterObstacle, countWithoutCluster } from './cluster/obstacle.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dirname, '..');
const stageLimitMs = 40 * 60_000;
let interrupted = false;
/** What failed, for the end of the output: of a log that is cut, that is what is left. */
const failures: string[] = [];
/** Of each, its name among them. */
const FAILURE_LINES = 40;

// The suites start hundreds of programs of Node: compiled once, each starts in half the time.
process.env.NODE_COMPILE_CACHE ??= join(cacheRoot(), 'node-compile-cache');
// And more than a fifth of their time is that of programs in Go, which collect garbage less often where there is memory for it.
process.env.GOGC ??= '400';

/** What a stage says goes to the screen as it comes, or is kept until it has ended. */
class Output {
  readonly #isKept: boolean;
  readonly #kept: (string | Buffer)[] = [];

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  write(text: string | Buffer): void {
    if (this.#isKept) this.#kept.push(text);
    else process.stdout.write(text);
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  end(): void {
    for (const text of this.#kept) process.stdout.write(text);
  }
}

type Stage = (output: Output) => Promise<Counts>;

/** Lanes run side by side. So do the stages of one step, and the steps of a lane one after the other, cheap ones first. */
const lanes: Record<string, Stage>[][] = [
  [
    { lint: (output) => checked(output, 'biome', 'check', '.') },
    { types: (output) => checked(output, 'tsc', '--noEmit') },
    { verify: (output) => checked(output, 'node', 'tools/verify.ts') },
    // Jest leaves a core free by default: of two, one. Suites of these wait for most of their time, and measure nothing.
    { unit: (output) => jest(output, 'unit', '--maxWorkers=100%') },
    { controlplane: (output) => jest(output, 'controlplane', '--maxWorkers=100%') },
    // One suite at a time: each has traffic of its own.
    { dataplane: (output) => jest(output, 'dataplane', '--runInBand'), chaos: (output) => jest(output, 'chaos', '--runInBand') },
  ],
  [{ cluster: (output) => onCluster(output, () => clusterSuites(output)) }],
];

/** Suites that have the cluster's operator do nothing, or a cluster of their own. They wait for most of their time. */
const withoutOperator = 'test/cluster/(cluster|contract|driver|network|placement|vip).test';
/** Suites that change nothing of the cluster and its nodes: others may run beside them, without the operator. */
const harmless = 'test/cluster/(examples|flavor-changes|outside|pair).test';

async function clusterSuites(output: Output): Promise<Counts> {
  const suites = (...args: string[]) => jest(output, 'cluster', '--runInBand', ...args);
  const sideBySide = await Promise.all([harmless, withoutOperator].map((paths) => suites('--testPathPatterns', paths)));
  const others = await suites('--testPathIgnorePatterns', harmless, withoutOperator);
  return sumOf([...sideBySide, others]);
}

const sumOf = (all: Counts[]): Counts =>
  all.reduce((sum, { passed, failed, skipped }) => ({
    passed: sum.passed + passed,
    failed: sum.failed + failed,
    skipped: sum.skipped + skipped,
  }));

/** A command that passes or fails as one test. */
async function checked(output: Output, command: string, ...args: string[]): Promise<Counts> {
  const passed = (await exitCodeOf(output, command, args)) === 0;
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

type JestCounts = Partial<
  Record<'numPassedTests' | 'numFailedTests' | 'numRuntimeErrorTestSuites' | 'numPendingTests' | 'numTodoTests', number>
>;

/** Of what jest writes to its output file. */
interface JestResults extends JestCounts {
  testResults: {
    name: string;
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

/** Which tests failed and why, in so many lines each; a suite that could not be run fails as a whole. */
function failuresIn({ testResults }: JestResults): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const told = failed.map(({ fullName, failureMessages }) => `${relative(root, name)}: ${fullName}\n${failureMessages.join('\n')}`);
    if (assertionResults.length === 0 && message) told.push(`${relative(root, name)}\n${message}`);
    return told.map((text) => stripVTControlCharacters(text).split('\n').slice(0, FAILURE_LINES).join('\n'));
  });
}

/** One project of jest.config.js. A suite that can't even be loaded, an unexplained exit code and a project without tests count as failures. */
async function jest(output: Output, project: string, ...args: string[]): Promise<Counts> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-jest-'));
  const outputFile = join(dir, 'results.json');
  try {
    const jestArgs = ['--selectProjects', project, '--json', `--outputFile=${outputFile}`, ...args];
    const code = await exitCodeOf(output, 'node', [
      '--experimental-vm-modules',
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      ...jestArgs,
    ]);
    const results = await readFile(outputFile, 'utf8').then(
      (text) => JSON.parse(text) as JestResults,
      (): JestResults => ({ testResults: [] }),
    );
    failures.push(...failuresIn(results).map((failure) => `${project} ${failure}`));
    const count = (...names: (keyof JestCounts)[]) => names.reduce((sum, name) => sum + (results[name] ?? 0), 0);
    const passed = count('numPassedTests');
    const failed = count('numFailedTests', 'numRuntimeErrorTestSuites');
    const nothingToShow = passed + failed === 0 || (code !== 0 && failed === 0);
    if (nothingToShow) output.line(`${project}: jest ended with ${code} and ${passed} tests passed: counted as one failure`);
    return { passed, failed: nothingToShow ? 1 : failed, skipped: count('numPendingTests', 'numTodoTests') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * With a cluster for all suites together: that of `TEST_KUBECONFIG`, or one that is started for them, in the folder that `TEST_CLUSTER_DIR`
 * then names. Counts as one skipped test where there can be none (in CI as one failed test), and as one failed test where it does not start.
 */
async function onCluster(output: Output, stage: () => Promise<Counts>): Promise<Counts> {
  if (process.env.TEST_KUBECONFIG) return stage();
  const obstacle = clusterObstacle();
  if (obstacle) {
    const counts = countWithoutCluster();
    const verdict = counts.failed > 0 ? 'FAILED, since CI is set and' : 'SKIPPED,';
    output.line(`cluster: ${verdict} nothing was shown on real nodes: ${obstacle}. Or set TEST_KUBECONFIG to a cluster of yours`);
    return counts;
  }
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-cluster-'));
  process.env.TEST_CLUSTER_DIR = dir;
  try {
    // Nodes count as lost sooner than Kubernetes' 50 s, so that the loss of one doesn't take the suite a minute.
    await startCluster({ dir, nodeMonitorGraceSeconds: 20, log: (line) => output.line(`cluster: ${line}`) });
    return await stage();
  } catch (error) {
    output.line(`cluster: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await stopCluster(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

/** Nothing, when a signal ended it, as it does after {@link stageLimitMs}. */
function exitCodeOf(output: Output, command: string, args: string[]): Promise<number | null> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: stageLimitMs });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => output.write(text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

// A terminal interrupts all of its processes: the running stages end by that, and what was started for them is ended here.
process.on('SIGINT', () => {
  interrupted = true;
});

const known = lanes.flat().flatMap((step) => Object.keys(step));
const names = process.argv.length > 2 ? process.argv.slice(2) : known;
const unknown = names.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`there is no stage "${unknown}"; there are: ${known.join(', ')}`);
  process.exit(2);
}

const ended: Counts[] = [{ passed: 0, failed: 0, skipped: 0 }];

/** @param isBeside something else has the screen: what the stage says comes at its end */
async function run(name: string, stage: Stage, isBeside: boolean): Promise<void> {
  if (interrupted) return;
  if (isBeside) console.log(`\n=== ${name} runs beside what follows, and says at its end how it went`);
  const output = new Output(isBeside);
  output.line(`\n=== ${name}`);
  const startedAt = performance.now();
  const counts = await stage(output);
  ended.push(counts);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  output.line(`=== ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`);
  output.end();
}

const chosen = lanes
  .map((lane) => lane.map((step) => Object.entries(step).filter(([name]) => names.includes(name))).filter((step) => step.length > 0))
  .filter((lane) => lane.length > 0);
await Promise.all(
  chosen.map(async (lane, laneIndex) => {
    for (const step of lane) await Promise.all(step.map(([name, stage], i) => run(name, stage, laneIndex > 0 || i > 0)));
  }),
);
for (const failure of failures) console.log(`\nFAILED ${failure}`);
const total = sumOf(ended);
process.exitCode = total.failed > 0 || interrupted ? 1 : 0;
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
