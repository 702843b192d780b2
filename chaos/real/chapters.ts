import type { KubeObject } from '../../src/kube/types.ts';
import type { Balancer } from './balancer.ts';
import { breakNewAmphorae } from './breaking.ts';

export type Topology = 'SINGLE' | 'ACTIVE_STANDBY';

export const CHAPTERS = ['create', 'resize', 'cancel', 'failed resize', 'late failure', 'failover', 'delete'] as const;
/** A part of a load balancer's life. */
export type Chapter = (typeof CHAPTERS)[number];

/** One load balancer through its life. Each part ends once what is promised of its end holds, and throws `Broken` where it never does. */
export class Life {
  readonly lb: Balancer;
  readonly topology: Topology;
  #flavor: string;
  #tokens = 0;

  constructor(lb: Balancer, topology: Topology) {
    this.lb = lb;
    this.topology = topology;
    this.#flavor = flavorsOf(topology).small;
  }

  /** The flavor in force. */
  get flavor(): string {
    return this.#flavor;
  }

  async live(chapter: Chapter): Promise<void> {
    const { small, large, absent } = flavorsOf(this.topology);
    const here = this.#flavor;
    const other = here === small ? large : small;
    switch (chapter) {
      case 'create':
        await this.lb.create(here);
        await this.lb.untilAtRest(here);
        return this.lb.startTraffic();
      case 'resize':
        await this.lb.patch({ flavorId: other });
        this.#flavor = other;
        return this.lb.untilAtRest(other);
      case 'cancel':
        await this.lb.patch({ flavorId: other, strategy: { verifySeconds: 600 } });
        await this.lb.untilOldAreOut(other);
        await this.lb.patch({ flavorId: here, strategy: { verifySeconds: 1 } });
        return this.lb.untilAtRest(here);
      case 'failed resize':
        await this.lb.patch({ flavorId: absent });
        await this.lb.until('the resize has failed', ({ status }) => status?.provisioningStatus === 'ERROR');
        await this.lb.patch({ flavorId: here });
        return this.lb.untilAtRest(here);
      case 'late failure':
        await this.lb.patch({ flavorId: other, strategy: { verifySeconds: 600 } });
        await this.lb.untilOldAreOut(other);
        await breakNewAmphorae(this.lb);
        await this.lb.forgive();
        await this.lb.until('the failed resize has gone back', ({ status }) => status?.operation?.finishedAt !== undefined);
        await this.lb.patch({ flavorId: here, strategy: { verifySeconds: 1 } });
        return this.lb.untilAtRest(here);
      case 'failover': {
        const token = String(++this.#tokens);
        await this.lb.annotate('failover', token);
        await this.lb.until('the failover is over', ({ status }) => {
          const { operation, handledRequests } = status ?? {};
          return handledRequests?.failover === token && operation?.finishedAt !== undefined;
        });
        return this.lb.untilAtRest(here);
      }
      case 'delete':
        await this.lb.stopTraffic();
        await this.lb.delete();
        return this.lb.untilGone();
    }
  }
}

/** Flavors of this topology: two that differ in size, and one whose image is nowhere. */
export const flavorsOf = (topology: Topology) => {
  const suffix = topology === 'SINGLE' ? '' : '-ha';
  return { small: `small${suffix}`, large: `large${suffix}`, absent: `absent${suffix}` };
};

/** The last of these, for both topologies; the others stand in examples/. */
export const absentFlavors: KubeObject[] = (['SINGLE', 'ACTIVE_STANDBY'] as const).flatMap((loadbalancerTopology) => {
  const metadata = { name: flavorsOf(loadbalancerTopology).absent };
  const object = (kind: string, spec: object) => ({ apiVersion: 'reflavor.dev/v1alpha1', kind, metadata, spec }) as KubeObject;
  return [
    object('FlavorProfile', { flavorData: { loadbalancerTopology, ampImageTag: 'absent' } }),
    object('Flavor', { flavorProfile: metadata.name }),
  ];
});
