import {
  AMPHORA_FINALIZER,
  type Amphora,
  API_VERSION,
  LOADBALANCER_FINALIZER,
  LOADBALANCER_UID_LABEL,
  type LoadBalancer,
  rfc3339,
} from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import { unlessGone } from '../../kube/unless-gone.ts';
import type { AmphoraDriver } from '../../provider/amphora/driver.ts';
import type { Caches } from '../caches.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import { type Act, takesAway } from './acts.ts';
import { vipRef } from './vip.ts';
import type { World } from './world.ts';

/** Who the fields that this controller writes belong to. */
export const FIELD_MANAGER = 'reflavor-loadbalancer';

export interface ExecuteOptions {
  client: Pick<KubeClient, 'create' | 'patchMerge' | 'delete'>;
  driver: Pick<AmphoraDriver, 'ensureVip' | 'releaseVip' | 'detach' | 'destroy'>;
  caches: Pick<Caches, 'amphorae'>;
}

/** What an act has made of an object, for the rest of the visit. */
export type Written = { loadBalancer: LoadBalancer } | { amphora: Amphora };

/**
 * Does one act. What takes away carries the resourceVersion of the world that it was decided on: if that has moved on, it is refused.
 * @returns the object that it has changed, if that is known
 */
export async function execute(
  { client, driver, caches }: ExecuteOptions,
  world: World,
  act: Act,
  signal: AbortSignal,
): Promise<Written | undefined> {
  const { loadBalancer } = world;
  const { namespace, name, uid, resourceVersion, finalizers = [] } = loadBalancer.metadata;
  const write = { fieldManager: FIELD_MANAGER, signal };
  const target = (wanted: string): Amphora => world.amphorae.find((v) => v.object.metadata.name === wanted)!.object;
  switch (act.type) {
    case 'AddFinalizer':
      return {
        loadBalancer: await client.patchMerge<LoadBalancer>(
          loadBalancers,
          { namespace, name },
          { metadata: { resourceVersion, finalizers: [...finalizers, LOADBALANCER_FINALIZER] } },
          write,
        ),
      };
    case 'RemoveFinalizer':
      await client.patchMerge(
        loadBalancers,
        { namespace, name },
        { metadata: { resourceVersion, finalizers: finalizers.filter((f) => f !== LOADBALANCER_FINALIZER) } },
        write,
      );
      return;
    case 'EnsureVip':
      await driver.ensureVip(vipRef(loadBalancer), act.ports, signal);
      return;
    case 'ReleaseVip':
      await driver.releaseVip(vipRef(loadBalancer), signal);
      return;
    case 'CreateAmphora': {
      const amphora: Amphora = {
        apiVersion: API_VERSION,
        kind: 'Amphora',
        metadata: {
          namespace,
          name: act.name,
          labels: { [LOADBALANCER_UID_LABEL]: uid!, 'app.kubernetes.io/managed-by': 'reflavor', 'app.kubernetes.io/instance': name },
          finalizers: [AMPHORA_FINALIZER],
          ownerReferences: [{ apiVersion: API_VERSION, kind: 'LoadBalancer', name, uid: uid!, controller: true, blockOwnerDeletion: true }],
        },
        spec: act.spec,
      };
      try {
        return { amphora: await client.create(amphorae, amphora, write) };
      } catch (error) {
        // Made by an earlier visit that died, or this cache lags: the next visit sees whose it is.
        if (!isAlreadyExists(error)) throw error;
        return;
      }
    }
    case 'Steer':
    case 'Promote': {
      const before = target(act.name);
      const { metadata } = before;
      const spec = act.type === 'Steer' ? { steering: act.to } : { role: 'MASTER' };
      const guard = takesAway(act) ? { metadata: { resourceVersion: metadata.resourceVersion } } : {};
      const amphora = await client.patchMerge<Amphora>(amphorae, { namespace, name: act.name }, { ...guard, spec }, write);
      caches.amphorae.saw(amphora);
      return { amphora };
    }
    case 'DestroyStray': {
      const stray = strayOf(world, act.name);
      await driver.detach(stray, signal);
      await driver.destroy(stray, signal);
      return;
    }
    case 'DeleteAmphora': {
      const amphora = target(act.name);
      const { metadata } = amphora;
      const preconditions = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
      await unlessGone(client.delete(amphorae, { namespace, name: act.name }, { preconditions, propagationPolicy: 'Background', signal }));
      return { amphora: { ...amphora, metadata: { ...metadata, deletionTimestamp: rfc3339(world.now) } } };
    }
  }
}

/** As much of an object as a driver needs to find what is left of an amphora. */
function strayOf({ loadBalancer: { metadata } }: World, name: string): Amphora {
  const flavorData = { loadbalancerTopology: 'SINGLE' as const, threads: 1, maxConnections: 1 };
  return {
    apiVersion: API_VERSION,
    kind: 'Amphora',
    metadata: { namespace: metadata.namespace, name },
    spec: {
      loadBalancer: { name: metadata.name, uid: metadata.uid! },
      operation: 1,
      slot: 0,
      role: 'STANDALONE',
      peer: 0,
      provider: 'amphora',
      flavorId: 'unknown',
      flavorData,
      steering: 'Draining',
    },
  };
}
