/** What needs a real cluster: how long a resize takes there, and what clients notice of it. */
import { clusterObstacle } from '../tools/cluster/obstacle.ts';
import type { Benchmark } from './benchmark.ts';
import { resizes } from './cluster/resizes.ts';
import { onCluster } from './cluster/scene.ts';
import { updates } from './cluster/updates.ts';

export const cluster: Benchmark = {
  name: 'cluster',
  needsRoot: true,
  async run(size, log) {
    const obstacle = clusterObstacle();
    if (obstacle) {
      log(`SKIPPED: ${obstacle}`);
      return { tables: [] };
    }
    return onCluster(async (scene) => {
      if (size === 'quick') return { tables: [await resizes(scene, 1, log)] };
      return { tables: [await resizes(scene, 15, log), await updates(scene, { loaded: 2, lost: 2 }, log)] };
    }, log);
  },
};
