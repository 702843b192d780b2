import type { KubeObject } from '../../../../kube/types.ts';
import type { Watch, Watched } from '../../../../kube/watched.ts';
import type { AmphoraDriver } from '../../driver.ts';
import { LABELS, MANAGED_BY, vipServiceName } from '../names.ts';
import { type EndpointSlice, endpointSlices, type Pod, type Service, services } from '../objects.ts';
import { isOf, type Owner } from './metadata.ts';
import { changedPods, isReady, SERVICE_NAME, standingOf } from './slices.ts';

/** Whether an amphora is behind its VIP, as `AmphoraObservation` has it. */
export interface Seen {
  attached: boolean;
  standby?: boolean;
}

export const DETACHED: Readonly<Seen> = Object.freeze({ attached: false });

/**
 * Attached: the endpoint controller lists it, whatever its label says, since the slices tell where connections go. `standby` is left out while
 * that isn't settled (it is listed for one address family only, or as draining too, or its label is off): another `attach` or `detach` settles it.
 */
export function seenIn(pod: Pod, service: Service, slices: readonly EndpointSlice[]): Seen {
  const { listed, listedWhole, draining } = standingOf(pod, service, slices);
  if (!listed) return DETACHED;
  const { [LABELS.vip]: vip, [LABELS.role]: role } = pod.metadata.labels ?? {};
  return listedWhole && !draining && vip !== undefined ? { attached: true, standby: role === 'BACKUP' } : { attached: true };
}

/** Whether new connections reach it now, or would as soon as its active one is gone; not while it is a matter of chance. */
export function isReached(pod: Pod, service: Service, slices: readonly EndpointSlice[]): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const { listedWhole, ready, draining } = standingOf(pod, service, slices);
  if (draining || !listedWhole) return false;
  if (ready && isReady(pod)) return true;
  // That a standby isn't ready is what it should be; that it runs, its kubelet says.
  const { phase, containerStatuses = [] } = pod.status ?? {};
  const runs = phase === 'Running' && containerStatuses.some(({ state }) => state?.running);
  return pod.metadata.labels?.[LABELS.role] === 'BACKUP' && runs;
}

/** The VIPs as the watches have them. */
export class WatchedVips {
  readonly #services: Watched<Service>;
  readonly #slices: Watched<EndpointSlice>;

  constructor(watch: Watch) {
    // The endpoint controller puts a Service's labels on its slices.
    const labelSelector = `${LABELS.managedBy}=${MANAGED_BY}`;
    this.#services = watch<Service>(services, { labelSelector });
    this.#slices = watch<EndpointSlice>(endpointSlices, {
      labelSelector,
      indexes: { service: ({ metadata: { namespace, labels } }) => [`${namespace}/${labels?.[SERVICE_NAME]}`] },
    });
  }

  seen(pod: Pod): Seen {
    const { [LABELS.loadBalancer]: name, [LABELS.loadBalancerUid]: uid } = pod.metadata.labels ?? {};
    if (name === undefined || uid === undefined) return DETACHED;
    const { namespace = '' } = pod.metadata;
    const service = this.#services.get(`${namespace}/${vipServiceName(name)}`);
    return service && isOf(uid, service) ? seenIn(pod, service, this.slicesOf({ namespace, name })) : DETACHED;
  }

  /** The slices of a VIP's Service, whoever writes them. */
  slicesOf({ namespace, name }: Pick<Owner, 'namespace' | 'name'>): EndpointSlice[] {
    return this.#slices.byIndex('service', `${namespace}/${vipServiceName(name)}`);
  }

  onChange(visit: Visit): void {
    this.#services.onEvent(({ object }) => visitOwner(object, visit));
    this.#slices.onEvent(({ object, oldObject }) => {
      visitOwner(object, visit);
      const { namespace } = object.metadata;
      if (namespace !== undefined) for (const name of changedPods(object, oldObject)) visit({ kind: 'Amphora', namespace, name });
    });
  }
}

export type Visit = Parameters<NonNullable<AmphoraDriver['onChange']>>[0];

/** Has the load balancer visited that an object was made for. */
export function visitOwner({ metadata: { namespace, labels } }: KubeObject, visit: Visit): void {
  const name = labels?.[LABELS.loadBalancer];
  if (namespace !== undefined && name !== undefined) visit({ kind: 'LoadBalancer', namespace, name });
}
