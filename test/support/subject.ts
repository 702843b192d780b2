import { type Amphora, conditionOf, type LoadBalancer } from '../../src/api/index.ts';
import { amphorae, loadBalancers } from '../../src/controller/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import { eventually } from './eventually.ts';

/** Generous: the machine may be doing much else. */
const patience = { withinMs: 120_000, everyMs: 100 };

/** What a Subject needs of the cluster that it is in. */
export interface Surroundings {
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  /** Reads only: many a second would be too many kubectls. */
  client: KubeClient;
  /** Default: `default`. */
  namespace?: string;
}

/** One load balancer, as a user with kubectl sees and changes it. */
export class Subject {
  readonly name: string;
  readonly namespace: string;
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings, name: string) {
    this.#surroundings = surroundings;
    this.name = name;
    this.namespace = surroundings.namespace ?? 'default';
  }

  async kubectl(args: string[], options?: { input?: string }): Promise<string> {
    return this.#surroundings.kubectl([`--namespace=${this.namespace}`, ...args], options);
  }

  async create(spec: Record<string, unknown>): Promise<void> {
    await this.apply({ apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: { name: this.name }, spec });
  }

  async apply(...objects: unknown[]): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], { input: objects.map((o) => JSON.stringify(o)).join('\n---\n') });
  }

  async get(): Promise<LoadBalancer> {
    return this.#surroundings.client.get<LoadBalancer>(loadBalancers, this);
  }

  async amphorae(): Promise<Amphora[]> {
    const { items } = await this.#surroundings.client.list<Amphora>(amphorae, { namespace: this.namespace });
    return items.filter((a) => a.spec.loadBalancer.name === this.name);
  }

  async patch(spec: Record<string, unknown>): Promise<void> {
    await this.kubectl(['patch', 'lb', this.name, '--type=merge', '-p', JSON.stringify({ spec })]);
  }

  async annotate(key: string, value: string): Promise<void> {
    await this.kubectl(['annotate', 'lb', this.name, `reflavor.dev/${key}=${value}`, '--overwrite']);
  }

  /** The address and port of a URL of its VIP. */
  async host(port: number): Promise<string> {
    return `${(await this.get()).status?.vipAddress}:${port}`;
  }

  /** Waits until what is asserted of the object holds. */
  async until(assertion: (lb: LoadBalancer) => void | Promise<void>, withinMs = patience.withinMs): Promise<LoadBalancer> {
    return eventually(
      async () => {
        const lb = await this.get();
        await assertion(lb);
        return lb;
      },
      { ...patience, withinMs },
    );
  }

  /** Waits until the flavor is in force, nothing is left to do, and exactly so many amphorae are there. */
  async untilAtRest(flavorId: string, count = 1, withinMs = patience.withinMs): Promise<LoadBalancer> {
    return this.until((lb) => {
      const ready = conditionOf(lb.status?.conditions, 'Ready');
      if (ready?.status !== 'True' || ready.observedGeneration !== lb.metadata.generation)
        throw new Error(`Ready is ${JSON.stringify(ready)}`);
      if (lb.status?.flavorId !== flavorId) throw new Error(`flavor ${lb.status?.flavorId} is in force`);
      if (lb.status.amphorae?.length !== count) throw new Error(`its amphorae are ${JSON.stringify(lb.status.amphorae)}`);
    }, withinMs);
  }
}

/** A listener in front of a pool whose members are health-checked each second. */
export function httpSpec(
  pool: { members: readonly { address: string; port: number }[] } | { service: object },
  port: number,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const members =
    'service' in pool
      ? { service: pool.service }
      : { members: pool.members.map(({ address, port: protocolPort }) => ({ address, protocolPort })) };
  return {
    flavorId: 'small',
    strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 60 },
    listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: port, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } }],
    pools: [
      {
        name: 'web',
        protocol: 'HTTP',
        healthMonitor: { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 2, maxRetriesDown: 2 },
        ...members,
      },
    ],
    ...more,
  };
}

/** What a failed expectation about traffic should show. */
export const verdictOf = ({ failed, moved, retriedOnClosedIdle, failures, moves }: TrafficCounts) => ({
  failed,
  moved,
  retriedOnClosedIdle,
  failures: failures.slice(0, 5),
  moves: moves.slice(0, 5),
});

/** What traffic looks like of which nothing was lost. */
export const unharmed = { failed: 0, moved: 0, retriedOnClosedIdle: 0, failures: [], moves: [] };
