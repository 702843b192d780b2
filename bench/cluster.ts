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
    const rounds = { quick: { timed: 1, loaded: 1, lost: 0 }, full: { timed: 6, loaded: 2, lost: 2 } }[size];
    return onCluster(async (scene) => ({ tables: [await resizes(scene, rounds.timed, log), await updates(scene, rounds, log)] }), log);
  },
};
