/** The chart of this checkout, with the operator's image of this checkout, on a cluster. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../binaries.ts';
import { kubectl } from '../kubectl.ts';
import type { Cluster } from './cluster.ts';
import { OPERATOR_REPOSITORY, operatorImage } from './images/operator.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

export interface ChartOptions {
  /** Merged over the chart's own, as `--values` does. */
  values?: Record<string, unknown>;
  /** Of the operator's image; default the version of package.json. Another one is another build of the same checkout. */
  tag?: string;
  /** The operator's image, `repository[:tag]`, for a cluster that pulls it; default the chart's own repository, and `tag`. */
  image?: string;
  /** Default `reflavor-system`; made when it is missing. */
  namespace?: string;
  /** How long the operator may take to become ready; default 120. */
  timeoutSeconds?: number;
}

export const RELEASE = 'reflavor';
export const CHART_NAMESPACE = 'reflavor-system';

/** A cluster that can take in an image is given it; any other one must be able to pull it. */
type ImageTarget = Partial<Pick<Cluster, 'loadImage'>>;

/** Sees to it that the cluster has the operator's image, as far as can be done from here, and returns its name. */
export async function provideOperatorImage(cluster: ImageTarget, options: Pick<ChartOptions, 'tag' | 'image'> = {}): Promise<string> {
  const { repository, tag } = imageOf(options);
  if (cluster.loadImage) await cluster.loadImage(await operatorImage(tag));
  return `${repository}:${tag}`;
}

function imageOf({ tag = version, image = OPERATOR_REPOSITORY }: Pick<ChartOptions, 'tag' | 'image'>): { repository: string; tag: string } {
  // A colon before the last slash is that of a registry's port.
  const [, repository, ownTag] = /^(.+?)(?::([^:/]+))?$/.exec(image) as unknown as [string, string, string?];
  return { repository, tag: ownTag ?? tag };
}

/**
 * Installs or upgrades the release, waits until the operator is ready, and returns the name of its image.
 * @throws with helm's words and the state of the operator's pods
 */
export async function installChart(
  cluster: Pick<Cluster, 'kubeconfigPath'> & ImageTarget,
  { values = {}, namespace = CHART_NAMESPACE, timeoutSeconds = 120, ...options }: ChartOptions = {},
): Promise<string> {
  const name = await provideOperatorImage(cluster, options);
  const { repository, tag } = imageOf(options);
  const args = [
    ...['upgrade', '--install', RELEASE, join(root, 'charts/reflavor')],
    ...[`--kubeconfig=${cluster.kubeconfigPath}`, `--namespace=${namespace}`, '--create-namespace'],
    ...[`--set-string=image.repository=${repository},image.tag=${tag}`, '--values=-', '--wait', `--timeout=${timeoutSeconds}s`],
  ];
  const running = exec(findBinaries().helm, args, { maxBuffer: 16 * 2 ** 20 });
  running.child.stdin?.end(JSON.stringify(values));
  try {
    await running;
  } catch (error) {
    const pods = await kubectl(cluster.kubeconfigPath, ['describe', 'pods', `--namespace=${namespace}`]).catch(() => '');
    throw new Error(`helm can't install the chart: ${(error as { stderr?: string }).stderr ?? error}\n${pods.slice(-4_000)}`);
  }
  return name;
}

/** Takes the release away. What it served is not part of it. */
export async function uninstallChart(cluster: Pick<Cluster, 'kubeconfigPath'>, namespace = CHART_NAMESPACE): Promise<void> {
  await exec(findBinaries().helm, ['uninstall', RELEASE, `--kubeconfig=${cluster.kubeconfigPath}`, `--namespace=${namespace}`, '--wait']);
}
