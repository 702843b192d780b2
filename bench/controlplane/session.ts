import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBalancers } from '../../src/controller/resources.ts';
import { connect } from '../../src/kube/index.ts';
import { keyOf } from '../../src/kube/paths.ts';
import type { RequestReport } from '../../src/kube/sender.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { type ControlPlane, startControlPlane } from '../../tools/controlplane.ts';
import { applyCrds, kubectl } from '../../tools/kubectl.ts';
import { endProcess, type ProcessIdentity } from '../../tools/processes.ts';
import { balancer, isAtRest, type Named } from './balancers.ts';
import { type Calls, parseCalls, since } from './calls.ts';
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
