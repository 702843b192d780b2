/** How long a resize takes on a cluster, goal by goal, against the least that replacing a pod takes. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LoadBalancer } from '../../src/api/index.ts';
import { loadBalancers } from '../../src/controller/resources.ts';
import { Subject } from '../../test/support/subject.ts';
import { findBinaries } from '../../tools/binaries.ts';
import type { Figure, Table } from '../benchmark.ts';
import { median, rounded } from '../numbers.ts';
import { withReason } from '../report.ts';
import { GoalTimes } from './goal-times.ts';
import { HAPROXY_PORT, haproxyConfigMap, haproxyPodSpec, haproxyService } from './haproxy-pod.ts';
import type { ClusterScene } from './scene.ts';

const exec = promisify(execFile);
/** As the flavors of the examples have it. */
const compute = { small: { cpu: '250m', memory: '128Mi' }, large: { cpu: '1', memory: '512Mi' } };
const flavorOf = (round: number) => (round % 2 === 0 ? 'large' : 'small');

export async function resizes(scene: ClusterScene, rounds: number, log: (line: string) => void): Promise<Table> {
  const lb = await loadBalancer(scene);
  const floor = await Floor.begin(scene);
  const [ours, theirs]: [{ goal: string; ms: number }[][], { step: string; ms: number }[][]] = [[], []];
  try {
    for (let round = 0; round < rounds; round++) {
      await untilPart(round / rounds);
      theirs.push(await floor.resize(flavorOf(round)));
      await untilPart(round / rounds);
      ours.push(await resize(scene, lb, flavorOf(round)));
      log(`resize ${round + 1} of ${rounds}: ${[...ours, ...theirs.slice(-1)].slice(-2).map(told).join('; floor: ')}`);
    }
  } finally {
    await floor.end();
  }
  await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  const [our, their] = [median(ours.map(total)), median(theirs.map(total))];
  const steps = ['created', 'ready', 'switched', 'deleted'];
  const middle = (all: { ms: number }[][], i: number) => median(all.map((one) => one[i]!.ms));
  const goals: Figure[] = ours[0]!.map(({ goal }, i) => ({ name: `until ${goal}`, measured: Math.round(middle(ours, i)), unit: 'ms' }));
  return {
    title: 'A resize on a cluster',
    text: `From the change of flavorId until the flavor is in force, with settleSeconds and verifySeconds 0 and no health monitor, on a Kubernetes of two nodes on this machine with the operator in its pod; against a script (bench/floor/resize.sh) that has kubectl create a pod of plain HAProxy, wait until it is ready, switch the Service's selector, wait for the EndpointSlice, and delete the old pod. The script has neither both behind the VIP for a moment nor a look at what the new one serves. The kubelet looks once a second how its pods are, so that either differs by a second from one time to the next: starts are spread evenly over the second. A goal that is met by the same look as the one before it took nothing. ${rounds === 1 ? 'Once each.' : `Medians of ${rounds} of each, by turns.`}`,
    figures: [
      withReason(
        {
          name: 'a resize against the script',
          measured: our / their,
          unit: '×',
          aim: { atMost: 1.2 },
          note: `${rounded(our)} ms, the script ${rounded(their)} ms (${steps.map((step, i) => `${step} ${rounded(middle(theirs, i))}`).join(', ')})`,
        },
        `built after ${range(ours.map((goals) => until('Built', goals)))} ms, the script’s pod ready after ${range(theirs.map((steps) => until('ready', steps)))} ms`,
      ),
      ...goals,
    ],
  };
}

/** Until that part of a second of the clock, from 0 to 1: starts that are spread over the second meet the kubelet's looks fairly. */
const untilPart = (part: number): Promise<void> => sleep((1000 * (1 + part) - (Date.now() % 1000)) % 1000);

interface Step {
  goal?: string;
  step?: string;
  ms: number;
}

/** From the start until that one was over, milliseconds. */
const until = (name: string, steps: Step[]): number =>
  total(steps.slice(0, 1 + steps.findIndex(({ goal, step }) => name === (goal ?? step))));

const total = (steps: Step[]): number => steps.reduce((sum, { ms }) => sum + ms, 0);

/** The least and the most. */
const range = (values: number[]): string => `${rounded(Math.min(...values))} to ${rounded(Math.max(...values))}`;

const told = (steps: Step[]) => steps.map(({ goal, step, ms }) => `${goal ?? step} ${Math.round(ms)}`).join(', ');

async function loadBalancer(scene: ClusterScene): Promise<Subject> {
  const lb = new Subject(scene, 'resized');
  await lb.create({
    flavorId: 'small',
    strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 1 },
    listeners: [
      { name: 'web', protocol: 'HTTP', protocolPort: HAPROXY_PORT, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } },
    ],
    pools: [{ name: 'web', protocol: 'HTTP', service: scene.members.service }],
  });
  await lb.untilAtRest('small');
  return lb;
}

/** By goal. A watch tells when each was met, since the status has whole seconds. */
async function resize({ client, namespace }: ClusterScene, lb: Subject, flavorId: string): Promise<{ goal: string; ms: number }[]> {
  const { metadata, status } = await lb.get();
  const times = new GoalTimes((status?.operation?.number ?? 0) + 1);
  const over = new AbortController();
  const events = client.watch<LoadBalancer>(loadBalancers, { namespace, resourceVersion: metadata.resourceVersion, signal: over.signal });
  const startedAt = performance.now();
  const patched = client.patchMerge(loadBalancers, { namespace, name: lb.name }, { spec: { flavorId } });
  const timer = setTimeout(() => over.abort(new Error(`no flavor ${flavorId} within 120 s`)), 120_000);
  try {
    for await (const event of events) {
      if (event.type !== 'MODIFIED' || event.object.metadata.name !== lb.name) continue;
      times.see(event.object, performance.now());
      if (times.isComplete) break;
    }
  } finally {
    clearTimeout(timer);
    over.abort();
  }
  await patched;
  const durations = times.durations(startedAt);
  await lb.untilAtRest(flavorId);
  return durations;
}

/** The script, and what it needs: a Service in front of a pod. */
class Floor {
  readonly #scene: ClusterScene;
  readonly #dir: string;
  #number = 0;

  private constructor(scene: ClusterScene, dir: string) {
    this.#scene = scene;
    this.#dir = dir;
  }

  static async begin(scene: ClusterScene): Promise<Floor> {
    const floor = new Floor(scene, await mkdtemp(join(tmpdir(), 'reflavor-bench-')));
    await scene.apply(
      haproxyConfigMap('floor', await scene.members.members()),
      haproxyService('floor', { amphora: 'floor-0' }),
      floor.#pod('floor-0', 'small'),
    );
    await scene.inside(['wait', 'pod/floor-0', '--for=condition=Ready', '--timeout=120s']);
    return floor;
  }

  /** By step. */
  async resize(flavor: keyof typeof compute): Promise<{ step: string; ms: number }[]> {
    const [old, next] = [`floor-${this.#number}`, `floor-${++this.#number}`];
    const manifest = join(this.#dir, `${next}.json`);
    await writeFile(manifest, JSON.stringify(this.#pod(next, flavor)));
    const { kubeconfigPath } = this.#scene.place;
    const env = { ...process.env, KUBECONFIG: kubeconfigPath, PATH: `${dirname(findBinaries().kubectl)}:${process.env.PATH}` };
    const script = join(import.meta.dirname, '../floor/resize.sh');
    const { stdout } = await exec(script, [this.#scene.namespace, 'floor', old, next, manifest], { env });
    await this.#scene.inside(['wait', `pod/${old}`, '--for=delete', '--timeout=60s']);
    return parseSteps(stdout);
  }

  async end(): Promise<void> {
    await this.#scene.inside(['delete', 'pod,service,configmap', '--selector=bench=floor', '--ignore-not-found', '--wait=false']);
    await rm(this.#dir, { recursive: true, force: true });
  }

  #pod(name: string, flavor: keyof typeof compute): object {
    const labels = { amphora: name, bench: 'floor' };
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: haproxyPodSpec({ configMap: 'floor', ...compute[flavor] }) };
  }
}

/** What the script says, `step passed-ms` a line, as the time of each step. */
export function parseSteps(output: string): { step: string; ms: number }[] {
  let before = 0;
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [step = '', passed] = line.split(' ');
      const ms = Number(passed) - before;
      if (!Number.isFinite(ms)) throw new Error(`the script said ${JSON.stringify(line)}`);
      before = Number(passed);
      return { step, ms };
    });
}
