import type { Amphora, LoadBalancer } from '../../api/index.ts';
import { LOADBALANCER_UID_LABEL } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/errors.ts';
import type { AmphoraDriver } from '../../provider/amphora/driver.ts';
import { configurationHash, membersRevision } from '../../provider/amphora/haproxy/index.ts';
import { configurationFor, resolve } from '../amphora/configuration.ts';
import { type Caches, sourcesOf } from '../caches.ts';
import { lookupFlavor, parsedAmphora, parsedLoadBalancer } from '../parse.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import { vipRef } from './vip.ts';
import type { World } from './world.ts';

export interface GatherOptions {
  client: Pick<KubeClient, 'get' | 'listAll'>;
  caches: Caches;
  driver: Pick<AmphoraDriver, 'observeVip'>;
  defaultFlavor: string | undefined;
}

/** The objects that a world is made of. */
export interface Objects {
  loadBalancer: LoadBalancer;
  amphorae: Amphora[];
}

/** The objects as the caches have them; they may lag behind. */
export function cachedObjects({ caches }: GatherOptions, key: string): Objects | undefined {
  const loadBalancer = caches.loadBalancers.get(key);
  return loadBalancer && { loadBalancer, amphorae: caches.amphorae.byIndex('loadBalancer', loadBalancer.metadata.uid!) };
}

/** The objects as the API server has them at this moment; undefined when the load balancer is gone or is another one of its name. */
export async function freshObjects(
  { client }: GatherOptions,
  { metadata }: LoadBalancer,
  signal: AbortSignal,
): Promise<Objects | undefined> {
  try {
    const loadBalancer = await client.get<LoadBalancer>(loadBalancers, metadata, { signal });
    if (loadBalancer.metadata.uid !== metadata.uid) return undefined;
    const list = await client.listAll<Amphora>(amphorae, {
      namespace: metadata.namespace,
      labelSelector: `${LOADBALANCER_UID_LABEL}=${metadata.uid}`,
      signal,
    });
    return { loadBalancer, amphorae: list.items };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Makes a world of objects: parses them, reads what the spec refers to, and asks the driver for the VIP. @throws InvalidObject */
export async function gather(
  options: GatherOptions,
  objects: Objects,
  now: number,
  visitedSince: number,
  signal: AbortSignal,
): Promise<World> {
  const { caches, driver, defaultFlavor } = options;
  const loadBalancer = parsedLoadBalancer(objects.loadBalancer);
  const { namespace, uid } = loadBalancer.metadata;
  const resolved = resolve(loadBalancer, sourcesOf(caches, namespace!));
  const own = objects.amphorae.map(parsedAmphora).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const views = own.map((object) => {
    const configuration = configurationFor(resolved, object, own);
    return { object, configurationHash: configurationHash(configuration), membersRevision: membersRevision(configuration) };
  });
  return {
    now,
    visitedSince,
    loadBalancer,
    wantedFlavorId: loadBalancer.spec.flavorId ?? loadBalancer.status?.flavorId ?? defaultFlavor,
    lookup: (flavorId) => lookupFlavor(caches, flavorId),
    amphorae: views,
    isStranger: (name) => (caches.amphorae.get(`${namespace}/${name}`)?.spec.loadBalancer.uid ?? uid) !== uid,
    vip: await driver.observeVip(vipRef(loadBalancer), signal),
    problems: [...resolved.problems, ...resolved.notices],
  };
}
