import { API_VERSION, conditionOf, type LoadBalancer } from '../../src/api/index.ts';

/** How many balancers a namespace has: about as many as a large tenant. Nothing that is asked for concerns more than one namespace. */
const PER_NAMESPACE = 100;

/** The name of a benchmark's balancer, which no other has. */
export interface Named {
  namespace: string;
  name: string;
}

/** `count` balancers of a round, in as many namespaces as they need. */
export const named = (round: string, count: number): Named[] =>
  Array.from({ length: count }, (_, index) => ({
    namespace: `${round}-${Math.floor(index / PER_NAMESPACE)}`,
    name: `lb-${String(index).padStart(5, '0')}`,
  }));

/** A web site of two members; settle and verify times are left out, since only they take time of their own. */
export const balancer = ({ namespace, name }: Named, flavorId: string) => ({
  apiVersion: API_VERSION,
  kind: 'LoadBalancer' as const,
  metadata: { namespace, name },
  spec: {
    flavorId,
    strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 10 },
    listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' }],
    pools: [{ name: 'web', protocol: 'HTTP', members: ['192.0.2.1', '192.0.2.2'].map((address) => ({ address, protocolPort: 8080 })) }],
  },
});

/** Whether a balancer has come to rest at a flavor: it is in force, nothing is left to do, and no amphora but its one is left. */
export function isAtRest({ metadata, status }: Pick<LoadBalancer, 'metadata' | 'status'>, flavorId: string): boolean {
  const ready = conditionOf(status?.conditions, 'Ready');
  return (
    status?.flavorId === flavorId &&
    status.amphorae?.length === 1 &&
    status.amphorae[0]!.flavorId === flavorId &&
    ready?.status === 'True' &&
    ready.observedGeneration === metadata.generation
  );
}
