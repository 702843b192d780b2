/**
 * Runs every stage of the tests, or those that are named as arguments, and counts. The last line of its output is
 * `N passed, N failed, N skipped`; it exits 1 when anything failed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCluster, stopCluster } from './cluster/cluster.ts';
import { clusterObstacle } from './cluster/obstacle.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dirname, '..');
const stageLimitMs = 40 * 60_000;
let interrupted = false;

/** Stages in the order they run, cheap ones first. */
const stages: Record<string, () => Promise<Counts>> = {
  lint: () => checked('biome', 'check', '.'),
  types: () => checked('tsc', '--noEmit'),
  verify: () => checked('node', 'tools/verify.ts'),
  // Jest leaves a core free by default: of two, one. Suites of these wait for most of their time, and measure nothing.
  unit: () => jest('unit', '--maxWorkers=100%'),
  controlplane: () => jest('controlplane', '--maxWorkers=100%'),
  // One suite at a time: they measure traffic, and two at once would be measuring each other.
  dataplane: () => jest('dataplane', '--runInBand'),
  chaos: () => jest('chaos', '--runInBand'),
  cluster: () => onCluster(() => jest('cluster', '--runInBand')),
};

/** A command that passes or fails as one test. */
async function checked(command: string, ...args: string[]): Promise<Counts> {
  const passed = (await exitCodeOf(command, args)) === 0;
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

/** One project of jest.config.js. A suite that can't even be loaded, an unexplained exit code and a project without tests count as failures. */
async function jest(project: string, ...args: string[]): Promise<Counts> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-jest-'));
  const outputFile = join(dir, 'results.json');
  try {
    const jestArgs = ['--selectProjects', project, '--json', `--outputFile=${outputFile}`, ...args];
    const code = await exitCodeOf('node', ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...jestArgs]);
    const results = await readFile(outputFile, 'utf8').then(
      (text) => JSON.parse(text) as Record<string, number>,
      () => ({}) as Record<string, number>,
    );
    const count = (...names: string[]) => names.reduce((sum, name) => sum + (results[name] ?? 0), 0);
    const passed = count('numPassedTests');
    const failed = count('numFailedTests', 'numRuntimeErrorTestSuites');
    const nothingToShow = passed + failed === 0 || (code !== 0 && failed === 0);
    if (nothingToShow) console.log(`${project}: jest ended with ${code} and ${passed} tests passed: counted as one failure`);
    return { passed, failed: nothingToShow ? 1 : failed, skipped: count('numPendingTests', 'numTodoTests') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * With a cluster for all suites together: that of `TEST_KUBECONFIG`, or one that is started for them, in the folder that `TEST_CLUSTER_DIR`
 * then names. Counts as one skipped test where there can be none, and as one failed test where it does not start.
 */
async function onCluster(stage: () => Promise<Counts>): Promise<Counts> {
  if (process.env.TEST_KUBECONFIG) return stage();
  const obstacle = clusterObstacle();
  if (obstacle) {
    console.log(`cluster: SKIPPED, nothing was shown on real nodes: ${obstacle}. Or set TEST_KUBECONFIG to a cluster of yours`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-cluster-'));
  process.env.TEST_CLUSTER_DIR = dir;
  try {
    // Nodes count as lost sooner than Kubernetes' 50 s, so that the loss of one doesn't take the suite a minute.
    await startCluster({ dir, nodeMonitorGraceSeconds: 20, log: (line) => console.log(`cluster: ${line}`) });
    return await stage();
  } catch (error) {
    console.log(`cluster: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await stopCluster(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

/** Output goes to the screen. Nothing, when a signal ended it, as it does after {@link stageLimitMs}. */
function exitCodeOf(command: string, args: string[]): Promise<number | null> {
  // One stream for all, so that what a stage says stands above its counts.
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 1, 1], timeout: stageLimitMs });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

// A terminal interrupts all of its processes: the running stage ends by that, and what was started for it is ended here.
process.on('SIGINT', () => {
  interrupted = true;
});

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(stages);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const name of names) {
  if (interrupted) break;
  const stage = stages[name];
  if (!stage) {
    console.error(`there is no stage "${name}"; there are: ${Object.keys(stages).join(', ')}`);
    process.exit(2);
  }
  console.log(`\n=== ${name}`);
  const startedAt = performance.now();
  const counts = await stage();
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`=== ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${seconds} s`);
}
process.exitCode = total.failed > 0 || interrupted ? 1 : 0;
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
