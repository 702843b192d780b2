import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node } from '../../src/provider/amphora/kubernetes/objects.ts';
import { attachCluster, type Cluster, type ClusterOptions, startCluster } from '../../tools/cluster/cluster.ts';
import { provideOperatorImage } from '../../tools/cluster/install-chart.ts';
import { kubectl } from '../../tools/kubectl.ts';
import { eventually } from './eventually.ts';
import { use } from './use.ts';

const { TEST_KUBECONFIG, TEST_CLUSTER_DIR, TEST_OPERATOR_IMAGE } = process.env;

/** The cluster that suites run on. */
export interface TestCluster {
  kubeconfigPath: string;
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  /** Names of the nodes that take any pod, sorted; two at least. */
  nodes: string[];
  /** The cluster on this machine, into whose nodes one can reach; undefined for one that `TEST_KUBECONFIG` names. */
  local: Cluster | undefined;
  /** `repository[:tag]` of the operator's image where it is pulled, from `TEST_OPERATOR_IMAGE`; undefined: the chart's own. */
  operatorImage: string | undefined;
  /** Has the nodes take in the operator's image where they can't pull it, and gives its name. It has Node 24. */
  nodeImage(): Promise<string>;
}

/**
 * The cluster of `TEST_KUBECONFIG`; else the one in the folder `TEST_CLUSTER_DIR`, which `make test` starts for all suites together; else one that is
 * started for this suite alone. Its end is an `afterAll`, and these run in the order they stand in: whoever has something to take out of the cluster says
 * so before this is called. `dualStack`, `networkPolicies` (see `ClusterOptions`): one for this suite alone.
 */
export function useTestCluster(own: Pick<ClusterOptions, 'dualStack' | 'networkPolicies'> = {}): TestCluster {
  let ownDir: string | undefined;
  const start = async (): Promise<TestCluster> => {
    let local: Cluster | undefined;
    if (!TEST_KUBECONFIG) {
      if (own.dualStack || own.networkPolicies || !TEST_CLUSTER_DIR) ownDir = await mkdtemp(join(tmpdir(), 'reflavor-test-'));
      local = ownDir ? await startCluster({ dir: ownDir, ...own }) : await attachCluster(TEST_CLUSTER_DIR!);
      if (!local) throw new Error(`no cluster runs in ${TEST_CLUSTER_DIR}, which TEST_CLUSTER_DIR names`);
    }
    const kubeconfigPath = local?.kubeconfigPath ?? TEST_KUBECONFIG!;
    const run: TestCluster['kubectl'] = (args, options) => kubectl(kubeconfigPath, args, options);
    const operatorImage = local ? undefined : TEST_OPERATOR_IMAGE;
    return {
      kubeconfigPath,
      kubectl: run,
      // One that a suite before this one had cordoned or cut off may take a moment.
      nodes: await eventually(
        async () => {
          const { items } = JSON.parse(await run(['get', 'nodes', '--output=json'])) as { items: Node[] };
          const names = nodesForPods(items);
          const found = names.join(', ') || 'none';
          if (names.length < 2)
            throw new Error(`two nodes are needed that take any pod: ready, not cordoned, without taints; found: ${found}`);
          return names;
        },
        { withinMs: 30_000, everyMs: 500 },
      ),
      local,
      operatorImage,
      nodeImage: () => provideOperatorImage(local ?? {}, { image: operatorImage }),
    };
  };
  return use('the cluster', start, async ({ local }) => {
    if (!ownDir) return;
    await local?.stop();
    await rm(ownDir, { recursive: true, force: true });
  });
}

/** Names of the nodes that take any pod: ready, not cordoned, without a taint that a pod would have to tolerate. Sorted. */
export function nodesForPods(nodes: readonly Node[]): string[] {
  return nodes
    .filter(({ spec, status }) => {
      const isReady = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      return isReady && !spec?.unschedulable && !spec?.taints?.some(({ effect }) => effect !== 'PreferNoSchedule');
    })
    .map(({ metadata }) => metadata.name)
    .sort();
}
