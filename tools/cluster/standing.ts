/** The cluster that `make cluster` leaves running. */
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { installChart } from './install-chart.ts';

const root = join(import.meta.dirname, '../..');

export const standingDir = join(root, '.reflavor/cluster');

/** Gives a cluster the operator of this checkout and the flavors of the examples. Returns the name of the operator's image. */
export async function equip(cluster: Cluster): Promise<string> {
  const image = await installChart(cluster, { values: { operator: { defaultFlavor: 'small' } } });
  await cluster.kubectl(['apply', `--filename=${join(root, 'examples/flavors.yaml')}`]);
  return image;
}
