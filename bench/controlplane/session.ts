import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadBalancers } from '../../src/controller/resources.ts';
import { connect } from '../../src/kube/index.ts';
import { keyOf } from '../../src/kube/paths.ts';
import type { RequestReport } from '../../src/kube/sender.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { type ControlPlane, startControlPlane } from '../../tools/controlplane.ts';
import { applyCrds, kubectl } from '../../tools/kubectl.ts';
import { endProcess, type ProcessIdentity } from '../../tools/processes.ts';
import { balancer, isAtRest, type Named } from './balancers.ts';
import { type Calls, parseCalls, since, sum } from './calls.ts';
import { Observer } from './observer.ts';
import type { Subject } from './subjects.ts';
import { usageOf } from './usage.ts';

const root = join(import.meta.dirname, '../..');
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/** How many requests of the benchmark's own are under way at once. */
const EDITS_AT_ONCE = 16;
/** A balancer may take so long on average before the round counts as failed; far more than any does. */
const PATIENCE_MS = 200;

/** What one round took. */
export interface Round {
  /** Until all were at rest, from the first request of the benchmark. */
  wallSeconds: number;
  cpuSeconds: number;
  /** Since the operator started. */
  peakMiB: number;
  /** The operator's own. */
  calls: Calls;
}

/** A time in which nothing was to be done. */
export interface Idle {
  seconds: number;
  cpuSeconds: number;
  /** At its end. */
  residentMiB: number;
  calls: Calls;
}

/** From the start of a process until operations that were due were recorded. */
export interface Restart {
  edited: number;
  firstSeconds: number;
  allSeconds: number;
}

/** How long an operator may take to write what Events are left. */
const QUIET_DEADLINE_MS = 120_000;

/** How many balancers are edited while no operator runs. */
const EDITED = 10;

/** The API's verbs as `apiserver_request_total` has them. */
const verbs: Record<string, string> = { create: 'POST', patch: 'PATCH', list: 'LIST', watch: 'WATCH', get: 'GET' };

/** An API server of its own with one operator, and a watch of the benchmark's. */
export class Session {
  readonly #own: Calls = new Map();
  readonly #subject: Subject;
  readonly #controlPlane: ControlPlane;
  readonly #client;
  readonly #observer: Observer;
  #operator: ProcessIdentity | undefined;

  private constructor(subject: Subject, controlPlane: ControlPlane) {
    this.#subject = subject;
    this.#controlPlane = controlPlane;
    const onRequest = ({ verb, resource }: RequestReport) => {
      const what = `${verbs[verb] ?? verb} ${resource}`;
      this.#own.set(what, (this.#own.get(what) ?? 0) + 1);
    };
    this.#client = connect({ kubeconfig: controlPlane.kubeconfigPath }, { userAgent: 'reflavor-bench', onRequest, timeoutMs: 120_000 });
    this.#observer = new Observer(this.#client);
  }

  /** Runs `use` over a fresh API server and operator, and ends both. */
  static async with<T>(subject: Subject, use: (session: Session) => Promise<T>): Promise<T> {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-bench-'));
    await subject.prepare(dir);
    const controlPlane = await startControlPlane({ dir });
    try {
      await applyCrds(controlPlane.kubeconfigPath);
      await kubectl(controlPlane.kubeconfigPath, ['apply', `--filename=${join(root, 'examples/flavors.yaml')}`]);
      const session = new Session(subject, controlPlane);
      try {
        await session.#observer.synced();
        await session.startOperator();
        return await use(session);
      } finally {
        await session.stopOperator();
        await session.#observer.close();
        await session.#client.close();
      }
    } finally {
      await controlPlane.stop();
      await rm(dir, { recursive: true, force: true });
    }
  }

  async startOperator(): Promise<void> {
    const { dir, kubeconfigPath } = this.#controlPlane;
    this.#operator = await this.#subject.start({ dir, kubeconfigPath });
  }

  async stopOperator(): Promise<void> {
    if (this.#operator) await endProcess(this.#operator, { graceMs: 30_000 });
    this.#operator = undefined;
  }

  usage = () => usageOf(this.#operator!.pid);

  /** Creates these at a flavor, all at once. */
  async create(all: Named[], flavorId: string): Promise<Round> {
    for (const name of new Set(all.map(({ namespace }) => namespace)))
      await this.#client.create<KubeObject>(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return this.#round(all, flavorId, (one) => this.#client.create(loadBalancers, balancer(one, flavorId) as KubeObject));
  }

  /** Resizes these to a flavor, all at once. */
  resize(all: Named[], flavorId: string): Promise<Round> {
    return this.#round(all, flavorId, (one) => this.edit(one, flavorId));
  }

  edit = (one: Named, flavorId: string) => this.#client.patchMerge(loadBalancers, one, { spec: { flavorId } });

  /** What the operator uses while there is nothing to do for so long. */
  async idle(seconds: number): Promise<Idle> {
    await this.#quiet();
    const [before, calls, startedAt] = [this.usage(), await this.calls(), performance.now()];
    await sleep(seconds * 1000);
    const after = this.usage();
    return {
      seconds: (performance.now() - startedAt) / 1000,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      residentMiB: after.residentMiB,
      calls: since(calls, await this.calls()),
    };
  }

  /** Until nothing has been asked of the API server for a while: Events are written behind the work that they tell of. */
  async #quiet(): Promise<void> {
    const deadline = performance.now() + QUIET_DEADLINE_MS;
    for (let before = sum(await this.calls()), last = -1; before !== last && performance.now() < deadline; ) {
      await sleep(2000);
      [last, before] = [before, sum(await this.calls())];
    }
  }

  /** Ends the operator, edits some balancers spread over all of these, and starts it again. */
  async restart(all: Named[], flavorId: string): Promise<Restart> {
    await this.stopOperator();
    const chosen = Array.from({ length: EDITED }, (_, index) => all[Math.floor((index * all.length) / EDITED)]!);
    for (const one of chosen) await this.edit(one, flavorId);
    const startedAt = performance.now();
    const recorded = async (one: Named) => {
      await this.#observer.until([keyOf(one)], ({ status }) => status?.operation?.to === flavorId, 120_000);
      return (performance.now() - startedAt) / 1000;
    };
    const [seconds] = await Promise.all([Promise.all(chosen.map(recorded)), this.startOperator()]);
    const rest = chosen.map((one) => keyOf(one));
    await this.#observer.until(rest, (lb) => isAtRest(lb, flavorId), 120_000);
    return { edited: EDITED, firstSeconds: Math.min(...seconds), allSeconds: Math.max(...seconds) };
  }

  async #round(all: Named[], flavorId: string, edit: (one: Named) => Promise<unknown>): Promise<Round> {
    const [before, calls] = [this.usage(), await this.calls()];
    const startedAt = performance.now();
    const waiting = [...all];
    const editor = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) await edit(one);
    };
    const keys = all.map((one) => keyOf(one));
    const rest = this.#observer.until(keys, (lb) => isAtRest(lb, flavorId), 30_000 + PATIENCE_MS * all.length);
    await Promise.all([rest, ...Array.from({ length: EDITS_AT_ONCE }, editor)]);
    const wallSeconds = (performance.now() - startedAt) / 1000;
    const after = this.usage();
    return {
      wallSeconds,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      peakMiB: after.peakMiB,
      calls: since(calls, await this.calls()),
    };
  }

  /** What others than the benchmark have asked of the API server. */
  async calls(): Promise<Calls> {
    return since(this.#own, parseCalls(await this.#client.getText('/metrics')));
  }
}
