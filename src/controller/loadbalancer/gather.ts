import type { Amphora, LoadBalancer } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { find } from '../../kube/find.ts';
import { type AmphoraDriver, DriverError } from '../../provider/amphora/driver.ts';
import { configurationHash, membersRevision } from '../../provider/amphora/haproxy/index.ts';
import { configurationFor, type Resolved, resolve } from '../amphora/configuration.ts';
import { freshAmphorae } from '../amphora/list.ts';
import { amphoraeOf, type Caches, sourcesOf } from '../caches.ts';
import { lookupFlavor, parsedLoadBalancer } from '../parse.ts';
import { loadBalancers } from '../resources.ts';
import { vipRef } from './vip.ts';
import type { World } from './world.ts';

export interface GatherOptions {
  client: Pick<KubeClient, 'get' | 'listAll'>;
  caches: Caches;
  driver: Pick<AmphoraDriver, 'observeVip' | 'list'>;
  defaultFlavor: string | undefined;
}

/** The objects that a world is made of. */
export interface Objects {
  loadBalancer: LoadBalancer;
  amphorae: Amphora[];
  /** Names of what exists where amphorae run, listed before the objects were: an amphora's object comes first, so that none of these is too young to have one. */
  existing: string[];
}

/** The objects as the caches have them; they may lag behind. */
export async function cachedObjects({ caches, driver }: GatherOptions, key: string, signal: AbortSignal): Promise<Objects | undefined> {
  const before = caches.loadBalancers.get(key);
  if (!before) return undefined;
  const existing = await driver.list(vipRef(before), signal);
  const loadBalancer = caches.loadBalancers.get(key);
  return loadBalancer && { loadBalancer, amphorae: amphoraeOf(caches, before.metadata), existing };
}

/** The objects as the API server has them at this moment; undefined when the load balancer is gone or is another one of its name. */
export async function freshObjects(
  { client, driver }: GatherOptions,
  before: LoadBalancer,
  signal: AbortSignal,
): Promise<Objects | undefined> {
  const { metadata } = before;
  const existing = await driver.list(vipRef(before), signal);
  const loadBalancer = await find<LoadBalancer>(client, loadBalancers, metadata, signal);
  if (loadBalancer?.metadata.uid !== metadata.uid || !loadBalancer) return undefined;
  return { loadBalancer, amphorae: await freshAmphorae(client, loadBalancer, signal), existing };
}

const nothing: Resolved = {
  loadBalancer: { namespace: '', name: '', uid: '' },
  listeners: [],
  problems: [],
  pools: [],
  secrets: {},
  spare: [],
  notices: [],
};

/**
 * Makes a world of objects: parses them, reads what the spec refers to, and asks the driver for the VIP. One that is being deleted needs no valid spec.
 * @throws InvalidObject
 */
export async function gather(
  options: GatherOptions,
  objects: Objects,
  now: number,
  visitedSince: number,
  signal: AbortSignal,
): Promise<World> {
  const { caches, defaultFlavor } = options;
  const going = objects.loadBalancer.metadata.deletionTimestamp !== undefined;
  const loadBalancer = going ? objects.loadBalancer : parsedLoadBalancer(objects.loadBalancer);
  const { namespace, uid } = loadBalancer.metadata;
  const resolved = going ? nothing : resolve(loadBalancer, sourcesOf(caches, namespace!));
  const own = [...objects.amphorae].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const views = own.map((object) => {
    const configuration = configurationFor(resolved, object, own);
    return { object, configurationHash: configurationHash(configuration), membersRevision: membersRevision(configuration) };
  });
  const known = new Set(own.map((a) => a.metadata.name));
  return {
    now,
    visitedSince,
    loadBalancer,
    wantedFlavorId: loadBalancer.spec.flavorId ?? loadBalancer.status?.flavorId ?? defaultFlavor,
    lookup: (flavorId) => lookupFlavor(caches, flavorId),
    amphorae: views,
    isStranger: (name) => (caches.amphorae.get(`${namespace}/${name}`)?.spec.loadBalancer.uid ?? uid) !== uid,
    ...(await seenVip(options, loadBalancer, signal)),
    problems: resolved.problems,
    notices: resolved.notices,
    strays: objects.existing.filter((name) => !known.has(name)),
  };
}

/** The VIP as it is; or, when it can't be asked, as it last was, and why. */
async function seenVip({ driver }: GatherOptions, lb: LoadBalancer, signal: AbortSignal): Promise<Pick<World, 'vip' | 'vipProblem'>> {
  try {
    return { vip: await driver.observeVip(vipRef(lb), signal) };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const vip = { address: lb.status?.vipAddress ?? '', ports: lb.status?.vipPorts ?? [], attached: [] };
    return { vip, vipProblem: { reason: error.reason, message: error.message } };
  }
}
