import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachCluster, type Cluster, startCluster } from '../../tools/cluster/cluster.ts';
import { use } from './use.ts';

/** A cluster whose nodes one can reach into: that of the folder `TEST_CLUSTER_DIR`, or else one for this suite alone. */
export function useLocalCluster(): Cluster {
  const shared = process.env.TEST_CLUSTER_DIR;
  const start = async () => {
    if (!shared) return startCluster({ dir: await mkdtemp(join(tmpdir(), 'reflavor-test-')) });
    const cluster = await attachCluster(shared);
    if (!cluster) throw new Error(`no cluster runs in ${shared}, which TEST_CLUSTER_DIR names`);
    return cluster;
  };
  return use('the cluster', start, async (cluster) => {
    if (shared) return;
    await cluster.stop();
    await rm(cluster.dir, { recursive: true, force: true });
  });
}
