import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Amphora, API_VERSION, GOALS, type Goal, type LoadBalancer, type Operation } from '../../src/api/index.ts';
import { amphorae, loadBalancers } from '../../src/controller/resources.ts';
import type { MergePatch } from '../../src/kube/client.ts';
import { isTransient } from '../../src/kube/errors.ts';
import { find } from '../../src/kube/find.ts';
import { haproxiesIn } from '../../test/support/haproxies.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import { startTraffic, type Traffic } from '../../tools/traffic/traffic.ts';
import { type Found, inWords, wrongObjects, wrongProcesses } from './at-rest.ts';
import { Service } from './service.ts';
import type { Stage } from './stage.ts';

export const PORT = 8080;

/** Generous, since the machine may be busy, and an operator backs off from what fails. */
const PATIENCE_MS = 150_000;

/** How long a crash may be felt, on a busy machine too: until HAProxy is seen to be dead and another runs. */
const OUTAGE_MS = 30_000;

/** Asks the API server until it answers: it may be away for a moment, on purpose. */
async function persistently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isTransient(error) || performance.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

/** Something that the operator promises was not so. */
export class Broken extends Error {}

/** What a promise gives, unless that takes too long. @throws Broken with `what` */
export async function within<T>(promise: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  const waiting = new AbortController();
  const late = sleep(ms, undefined, { signal: waiting.signal }).then(() => {
    throw new Broken(`it never came to this: ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    waiting.abort();
  }
}

/** Looks until there is nothing to say against it. @throws Broken with `otherwise` and what there is, once the patience is over */
async function untilNothing(look: () => Promise<string | undefined>, otherwise: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const wrong = await look();
    if (wrong === undefined) return;
    if (performance.now() > deadline) throw new Broken(`${otherwise}: ${wrong}`);
    await sleep(50);
  }
}

/** One load balancer in a namespace of its own, with clients that notice all that is lost. */
export class Balancer {
  readonly name = 'web';
  readonly namespace: string;
  readonly #stage: Stage;
  #uid: string | undefined;
  #isPair = false;
  #traffic: Traffic | undefined;
  #final: TrafficCounts | undefined;
  #told = { failed: 0, retriedOnClosedIdle: 0 };

  constructor(stage: Stage, namespace: string) {
    this.#stage = stage;
    this.namespace = namespace;
  }

  /** Creates it with this flavor; further parts of its spec as given. */
  async create(flavorId: string, more: Record<string, unknown> = {}): Promise<void> {
    const { namespace, name } = this;
    const spec = { ...specFor(this.#stage.members.members), flavorId, ...more };
    const object = { apiVersion: API_VERSION, kind: 'LoadBalancer', metadata: { namespace, name }, spec };
    const created = await this.#stage.client.create<LoadBalancer>(loadBalancers, object as unknown as LoadBalancer);
    this.#uid = created.metadata.uid;
    this.#isPair = flavorId.endsWith('-ha');
  }

  async patch(spec: MergePatch): Promise<void> {
    await persistently(() => this.#stage.client.patchMerge(loadBalancers, this, { spec }));
  }

  async annotate(key: string, value: string): Promise<void> {
    const patch = { metadata: { annotations: { [`reflavor.dev/${key}`]: value } } };
    await persistently(() => this.#stage.client.patchMerge(loadBalancers, this, patch));
  }

  async delete(): Promise<void> {
    await persistently(() => this.#stage.client.delete(loadBalancers, this));
  }

  get(): Promise<LoadBalancer> {
    return persistently(() => this.#stage.client.get<LoadBalancer>(loadBalancers, this));
  }

  async amphorae(): Promise<Amphora[]> {
    const { namespace } = this;
    return (await persistently(() => this.#stage.client.list<Amphora>(amphorae, { namespace }))).items;
  }

  /** The folder of an amphora, or of the VIP. */
  folder(amphora?: string): string {
    const own = join(this.#stage.stateDir, 'loadbalancers', this.#uid!);
    return amphora === undefined ? join(own, 'vip') : join(own, 'amphorae', amphora);
  }

  /** Waits until it is so. @throws Broken with what it is instead */
  async until(what: string, holds: (lb: LoadBalancer) => boolean): Promise<LoadBalancer> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const lb = await this.get();
      if (holds(lb)) return lb;
      if (performance.now() > deadline) throw new Broken(`it never came to this: ${what}; it is ${inWords(lb)}`);
      await sleep(50);
    }
  }

  /** Waits until the operation on its way to `to` has come to a goal or past it. */
  async untilStep(to: string, step: Goal): Promise<void> {
    await this.until(`${step} on the way to ${to}`, ({ status }) => hasComeTo(status?.operation, to, step));
  }

  /** Waits until the operation to `to` has taken the old ones from the VIP: its own alone carry the traffic, watched until it is committed. */
  async untilOldAreOut(to: string): Promise<void> {
    const what = `those of ${to} alone carry the traffic`;
    await this.until(what, ({ status }) => {
      const carrying = (status?.amphorae ?? []).filter(({ traffic }) => traffic === 'Carries' || traffic === 'Standby');
      const { operation } = status ?? {};
      return (
        operation?.to === to && operation.step === 'Detached' && carrying.length > 0 && carrying.every(({ flavorId }) => flavorId === to)
      );
    });
  }

  /** Two clients make requests from now on, one with a new connection for each. */
  async startTraffic(): Promise<void> {
    const { status } = await this.get();
    const url = `http://${status?.vipAddress}:${PORT}/`;
    this.#traffic = startTraffic({ url, newConnections: 1, keepAlive: 1, rate: 40, maxSeconds: 3600 });
    await this.#traffic.waitFor(10);
  }

  /** Once is enough. */
  async stopTraffic(): Promise<void> {
    this.#final = await this.#traffic?.stop();
  }

  /**
   * Waits until both clients are answered again and again. What was lost up to then was taken by the fault itself; what is lost later counts.
   * @throws Broken when that takes longer than it may
   */
  async forgive(): Promise<void> {
    if (!this.#traffic || this.#final) return;
    const service = new Service(this.#traffic.counts(), performance.now());
    const counts = await within(
      this.#traffic.waitFor((now) => service.isBack(now, performance.now())),
      'clients are served again after what was killed',
    );
    const { failed, retriedOnClosedIdle, longestGapMs } = counts;
    this.#told = { failed, retriedOnClosedIdle };
    if (longestGapMs > OUTAGE_MS) throw new Broken(`nothing was answered for ${Math.round(longestGapMs / 1000)} s`);
  }

  /** What was broken since this was asked last, in words: requests that were lost, flavors that came into force too early. */
  async wrongs(): Promise<string[]> {
    return [...this.#stage.commits.wrong(this.namespace), ...(await this.#lost())];
  }

  async #lost(): Promise<string[]> {
    if (this.#final) return this.#newFailures(this.#final);
    if (!this.#traffic) return [];
    const before = this.#traffic.counts();
    // One more of each: what was under way has ended then.
    const counts = await this.#traffic.waitFor((now) => now.requests > before.requests + 2);
    return this.#newFailures(counts);
  }

  #newFailures({ failed, retriedOnClosedIdle, failures }: TrafficCounts): string[] {
    const before = this.#told;
    this.#told = { failed, retriedOnClosedIdle };
    const count = failed - before.failed;
    const again = retriedOnClosedIdle - before.retriedOnClosedIdle;
    // Of very many the last are not kept.
    const examples = failures.slice(before.failed).slice(0, 3);
    const words = examples.map(({ at, kind, error }) => `${new Date(at).toISOString()} ${kind}: ${error}`);
    return [
      ...(count > 0 ? [`${count} requests of the running traffic failed: ${words.join('; ') || 'many had before'}`] : []),
      ...(again > 0 ? [`${again} requests had to be sent again`] : []),
    ];
  }

  /**
   * Waits until the flavor is in force with nothing left to do, and the amphorae, their processes and their folders are those that it needs.
   * @throws Broken with what is wrong once the patience is over
   */
  async untilAtRest(flavorId: string): Promise<void> {
    await untilNothing(() => this.#wrongAtRest(flavorId), `it did not come to rest at ${flavorId}`);
  }

  async #wrongAtRest(flavorId: string): Promise<string | undefined> {
    const lb = await this.get();
    const objects = await this.amphorae();
    const names = objects.map((a) => a.metadata.name);
    return wrongObjects(lb, objects, flavorId, this.#isPair) ?? wrongProcesses(names, await this.#found(names));
  }

  async #found(names: readonly string[]): Promise<Found> {
    const own = join(this.#stage.stateDir, 'loadbalancers', this.#uid!);
    const folders = await readdir(join(own, 'amphorae')).catch(() => []);
    const needed = await Promise.all([haproxiesIn(this.folder()), ...names.map((name) => haproxiesIn(this.folder(name)))]);
    return { folders, needed, all: await haproxiesIn(own) };
  }

  /** Waits until nothing of it is left. @throws Broken with what is */
  async untilGone(): Promise<void> {
    await untilNothing(() => this.#left(), 'it was deleted, and something of it stays');
  }

  async #left(): Promise<string | undefined> {
    const lb = await persistently(() => find<LoadBalancer>(this.#stage.client, loadBalancers, this));
    if (lb) return `the object, with finalizers ${lb.metadata.finalizers}`;
    const objects = await this.amphorae();
    if (objects.length > 0) return `amphorae ${objects.map((a) => a.metadata.name)}`;
    const own = join(this.#stage.stateDir, 'loadbalancers', this.#uid!);
    const pids = await haproxiesIn(own);
    if (pids.length > 0) return `HAProxies ${pids}`;
    const files = await readdir(own).catch(() => []);
    return files.length > 0 ? `files of the driver: ${files}` : undefined;
  }
}

/** Whether an operation on its way to `to` is at a step, or past it. */
export const hasComeTo = (operation: Operation | undefined, to: string, step: Goal): boolean =>
  operation?.to === to && GOALS.indexOf(operation.step ?? 'Accepted') >= GOALS.indexOf(step);

function specFor(members: readonly { address: string; port: number }[]): Record<string, unknown> {
  return {
    strategy: { settleSeconds: 1, verifySeconds: 1, drainSeconds: 30 },
    listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: PORT, defaultPool: 'web' }],
    pools: [
      {
        name: 'web',
        protocol: 'HTTP',
        healthMonitor: { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 2, maxRetriesDown: 2 },
        members: members.map(({ address, port }) => ({ address, protocolPort: port })),
      },
    ],
  };
}
