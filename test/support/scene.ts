import { afterAll, beforeAll } from '@jest/globals';
import { type Amphora, conditionOf, type LoadBalancer } from '../../src/api/index.ts';
import type { Stack } from '../../tools/stack.ts';
import { type Members, type MembersOptions, startMembers } from '../../tools/traffic/members.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import { eventually } from './eventually.ts';
import { useStack } from './stack.ts';

/** Generous: the machine may be doing much else. */
const patience = { withinMs: 120_000, everyMs: 100 };

/** One load balancer of a stack, as a user with kubectl sees and changes it. */
export class Subject {
  readonly name: string;
  readonly #stack: Stack;

  constructor(stack: Stack, name: string) {
    this.#stack = stack;
    this.name = name;
  }

  async create(spec: Record<string, unknown>): Promise<void> {
    await this.apply({ apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: { name: this.name }, spec });
  }

  async apply(...objects: unknown[]): Promise<void> {
    await this.#stack.kubectl(['apply', '-f', '-'], { input: objects.map((o) => JSON.stringify(o)).join('\n---\n') });
  }

  async get(): Promise<LoadBalancer> {
    return JSON.parse(await this.#stack.kubectl(['get', 'lb', this.name, '-o', 'json'])) as LoadBalancer;
  }

  async amphorae(): Promise<Amphora[]> {
    const { items } = JSON.parse(await this.#stack.kubectl(['get', 'amp', '-o', 'json'])) as { items: Amphora[] };
    return items.filter((a) => a.spec.loadBalancer.name === this.name);
  }

  async patch(spec: Record<string, unknown>): Promise<void> {
    await this.#stack.kubectl(['patch', 'lb', this.name, '--type=merge', '-p', JSON.stringify({ spec })]);
  }

  async annotate(key: string, value: string): Promise<void> {
    await this.#stack.kubectl(['annotate', 'lb', this.name, `reflavor.dev/${key}=${value}`, '--overwrite']);
  }

  /** The address and port of a URL of its VIP. */
  async host(port: number): Promise<string> {
    return `${(await this.get()).status?.vipAddress}:${port}`;
  }

  /** Waits until what is asserted of the object holds. */
  async until(assertion: (lb: LoadBalancer) => void | Promise<void>): Promise<LoadBalancer> {
    return eventually(async () => {
      const lb = await this.get();
      await assertion(lb);
      return lb;
    }, patience);
  }

  /** Waits until the flavor is in force, nothing is left to do, and exactly so many amphorae are there. */
  async untilAtRest(flavorId: string, amphorae = 1): Promise<LoadBalancer> {
    return this.until((lb) => {
      const ready = conditionOf(lb.status?.conditions, 'Ready');
      if (ready?.status !== 'True' || ready.observedGeneration !== lb.metadata.generation)
        throw new Error(`Ready is ${JSON.stringify(ready)}`);
      if (lb.status?.flavorId !== flavorId) throw new Error(`flavor ${lb.status?.flavorId} is in force`);
      if (lb.status.amphorae?.length !== amphorae) throw new Error(`its amphorae are ${JSON.stringify(lb.status.amphorae)}`);
    });
  }
}

/** A stack of this suite's own with member servers. The values may be read inside hooks and tests only. */
export function useScene(options: MembersOptions = {}, operatorFlags: string[] = []): { stack: Stack; members: () => Members } {
  const stack = useStack({ operatorFlags: ['--progress-ms=100', '--observe-seconds=1', ...operatorFlags] });
  let members: Members;
  beforeAll(async () => {
    members = await startMembers(options);
  });
  afterAll(async () => {
    await members?.close();
  });
  return { stack, members: () => members };
}

/** A listener in front of all members, health-checked each second. */
export function httpSpec(members: Members, port: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    flavorId: 'small',
    strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 60 },
    listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: port, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } }],
    pools: [
      {
        name: 'web',
        protocol: 'HTTP',
        healthMonitor: { type: 'HTTP', urlPath: '/health', delay: 1, timeout: 1, maxRetries: 2, maxRetriesDown: 2 },
        members: members.members.map(({ address, port: protocolPort }) => ({ address, protocolPort })),
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
