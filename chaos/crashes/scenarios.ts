import type { Goal, Topology } from '../../src/api/index.ts';
import type { MemoryCluster } from '../memory/cluster.ts';
import { unrest } from '../memory/rest.ts';

/** A change, from the rest before it to the rest after. */
export interface Scenario {
  name: string;
  /** Brings the cluster to where it begins. */
  prepare(cluster: MemoryCluster): Promise<void>;
  /** Asks for it; what follows by itself, the operator does. */
  ask(cluster: MemoryCluster): void;
  /** The flavor that is in force in the end; undefined: there is no load balancer any more. */
  ends: 'a' | 'b' | undefined;
}

const spec = {
  flavorId: 'a',
  strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 15, progressDeadlineSeconds: 60 },
  listeners: [
    { name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' },
    { name: 'api', protocol: 'HTTP', protocolPort: 8080, defaultPool: 'web' },
  ],
  pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '10.1.0.1', protocolPort: 8080 }] }],
};

async function active(cluster: MemoryCluster): Promise<void> {
  cluster.createLoadBalancer(spec);
  if (!(await cluster.until(() => unrest(cluster).length === 0, 100_000))) throw new Error(`not created: ${unrest(cluster)}`);
}

/** Acts right after something is first found. */
function onceFound<T>(cluster: MemoryCluster, find: () => T | undefined, act: (found: T) => void): void {
  let done = false;
  cluster.server.onChange.add(() => {
    const found = done ? undefined : find();
    if (found === undefined) return;
    done = true;
    cluster.clock.setTimer(1, () => act(found));
  });
}

/** Sets the flavor back as soon as a resize has met this goal. */
const cancelAt = (goal: Goal): Scenario => ({
  name: `a resize cancelled at ${goal}`,
  prepare: active,
  ask: (cluster) => {
    cluster.edit({ flavorId: 'b' });
    const met = () => {
      const { operation } = cluster.loadBalancer?.status ?? {};
      return operation?.kind === 'Resize' ? operation.goals?.find(({ name }) => name === goal) : undefined;
    };
    onceFound(cluster, met, () => cluster.edit({ flavorId: 'a' }));
  },
  ends: 'a',
});

/** Once the new ones alone take the traffic, one of them is lost, and can't be built anew. */
const breaksLate: Scenario = {
  name: 'a resize that fails once the old amphorae are out',
  prepare: active,
  ask: (cluster) => {
    cluster.edit({ flavorId: 'b' });
    const proved = () => {
      const { operation } = cluster.loadBalancer?.status ?? {};
      const serving = cluster.promises.serving();
      const isProved = operation?.to === 'b' && operation.step === 'Detached' && serving.every(({ flavorId }) => flavorId === 'b');
      return isProved ? serving[0] : undefined;
    };
    onceFound(cluster, proved, ({ name }) => {
      const why = { reason: 'AmphoraBootFailed', message: 'It ended at once.' };
      cluster.amphorae.faults.inject({ kind: 'buildFails', ...why }, { flavorId: 'b' });
      cluster.promises.harmed();
      cluster.amphorae.lose(name);
    });
  },
  ends: 'a',
};

/** What each schedule is one run of, with a crash in it. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'a create', prepare: async () => {}, ask: (cluster) => cluster.createLoadBalancer(spec), ends: 'a' },
  { name: 'a resize', prepare: active, ask: (cluster) => cluster.edit({ flavorId: 'b' }), ends: 'b' },
  cancelAt('Recorded'),
  cancelAt('Built'),
  cancelAt('Configured'),
  cancelAt('Attached'),
  {
    name: 'a resize that fails',
    prepare: active,
    ask: (cluster) => cluster.edit({ flavorId: 'broken' }),
    ends: 'a',
  },
  breaksLate,
  { name: 'a failover', prepare: active, ask: (cluster) => cluster.request('failover'), ends: 'a' },
  {
    name: 'the loss of an amphora',
    prepare: active,
    ask: (cluster) => {
      cluster.promises.harmed();
      cluster.amphorae.lose(cluster.promises.serving()[0]!.name);
    },
    ends: 'a',
  },
  {
    name: 'an edit of listeners and members',
    prepare: active,
    ask: (cluster) =>
      cluster.edit({
        listeners: [
          { name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' },
          { name: 'admin', protocol: 'HTTP', protocolPort: 9090, defaultPool: 'web' },
        ],
        pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '10.1.0.2', protocolPort: 8080 }] }],
      }),
    ends: 'a',
  },
  { name: 'a delete', prepare: active, ask: (cluster) => cluster.deleteLoadBalancer(), ends: undefined },
];

export const TOPOLOGIES: readonly Topology[] = ['SINGLE', 'ACTIVE_STANDBY'];
