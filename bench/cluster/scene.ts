import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/kube/index.ts';
import type { Surroundings } from '../../test/support/subject.ts';
import { startCluster } from '../../tools/cluster/cluster.ts';
import { equip } from '../../tools/cluster/standing.ts';
import { type MemberPods, startMemberPods } from '../../tools/traffic/pods/members.ts';
import type { Place } from '../../tools/traffic/pods/place.ts';

/** A cluster of this run's own, with the operator in its pod, members and a namespace. */
export interface ClusterScene extends Surroundings {
  namespace: string;
  place: Place;
  members: MemberPods;
  /** kubectl in the namespace. */
  inside(args: readonly string[], options?: { input?: string }): Promise<string>;
  apply(...objects: object[]): Promise<void>;
}

/** Starts it for `work`, and ends it after that, whatever comes of it. */
export async function onCluster<T>(work: (scene: ClusterScene) => Promise<T>, log: (line: string) => void): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-bench-'));
  try {
    const cluster = await startCluster({ dir, log });
    try {
      const image = await equip(cluster);
      const namespace = 'bench';
      await cluster.kubectl(['create', 'namespace', namespace]);
      const { kubeconfigPath, kubectl } = cluster;
      const place = { kubeconfigPath, kubectl, namespace, image };
      const inside: ClusterScene['inside'] = (args, options) => kubectl([`--namespace=${namespace}`, ...args], options);
      const client = connect({ kubeconfig: kubeconfigPath });
      try {
        const members = await startMemberPods(place);
        const apply = async (...objects: object[]) =>
          void (await inside(['apply', '--filename=-'], { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') }));
        return await work({ kubectl, client, namespace, place, members, inside, apply });
      } finally {
        await client.close();
      }
    } finally {
      await cluster.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
