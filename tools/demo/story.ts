import { setTimeout as sleep } from 'node:timers/promises';
import { conditionOf, GOALS, type LoadBalancer } from '../../src/api/index.ts';
import { loadBalancers } from '../../src/controller/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/index.ts';
import type { TrafficCounts } from '../traffic/tally.ts';

/** Tells on the terminal what becomes of one load balancer, from its status alone. */
export class Story {
  /** The object as last read. */
  now: LoadBalancer | undefined;
  /** What the clients have counted, once there are some. */
  traffic: (() => TrafficCounts) | undefined;
  readonly #startedAt = performance.now();
  readonly #said = new Set<string>();
  readonly #ended = new AbortController();
  #client: KubeClient | undefined;

  /** A chapter. */
  say(text: string): void {
    console.log(`\n${this.#clock()} ${text}`);
  }

  /** A line below the chapter. */
  detail(text: string): void {
    console.log(`         ${text}`);
  }

  /** Reads the object ten times a second from now on, and prints each goal as it is met and each turn of the conditions. */
  async watch(kubeconfig: string, ref: { namespace: string; name: string }): Promise<void> {
    const client = connect({ kubeconfig });
    this.#client = client;
    const loop = async () => {
      while (!this.#ended.signal.aborted) {
        try {
          this.now = await client.get<LoadBalancer>(loadBalancers, ref, { signal: this.#ended.signal });
          this.#tell(this.now);
        } catch {
          // Not there yet, or the story is over.
        }
        await sleep(100);
      }
    };
    void loop();
  }

  /** @throws Error with the object's conditions when it has not come to that within two minutes */
  async until(what: string, holds: (lb: LoadBalancer) => boolean): Promise<void> {
    const deadline = performance.now() + 120_000;
    while (!this.now || !holds(this.now)) {
      if (performance.now() > deadline)
        throw new Error(`it never came to this: ${what}\n${JSON.stringify(this.now?.status?.conditions, null, 2)}`);
      await sleep(50);
    }
    this.detail(`✔ ${what}`);
  }

  end(): void {
    this.#ended.abort();
    void this.#client?.close();
  }

  #tell({ status }: LoadBalancer): void {
    const operation = status?.operation;
    if (operation) {
      for (const [index, goal] of (operation.goals ?? []).entries()) {
        this.#once(
          `${operation.number} ${goal.name}`,
          `${operation.kind} ${operation.from && operation.from !== operation.to ? `${operation.from} -> ` : ''}${operation.to}  ${index + 1}/${GOALS.length} ${goal.name}`,
        );
      }
      if (operation.result && operation.result !== 'Succeeded')
        this.#once(`${operation.number} ${operation.result}`, `${operation.result}: ${operation.message}`);
    }
    for (const amphora of status?.amphorae ?? []) {
      if (amphora.traffic === 'Draining')
        this.#once(
          `${amphora.name} draining`,
          `${amphora.name} (${amphora.flavorId}) drains, ${amphora.connections ?? 0} connections left`,
        );
    }
    const stalled = conditionOf(status?.conditions, 'Stalled');
    if (stalled) this.#once(stalled.message, `${stalled.reason}: ${stalled.message}`);
  }

  #once(key: string, line: string): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    const counts = this.traffic?.();
    this.detail(`${this.#clock()} ${line}${counts ? `   [${counts.requests} requests, ${counts.failed} failed]` : ''}`);
  }

  #clock(): string {
    return `${((performance.now() - this.#startedAt) / 1000).toFixed(1).padStart(6)} s`;
  }
}
