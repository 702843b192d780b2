import { type Amphora, LOADBALANCER_UID_LABEL, type LoadBalancer } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { find } from '../../kube/find.ts';
import { type AmphoraDriver, DriverError, type ExistingAmphora } from '../../provider/amphora/driver.ts';
import type { Resolved } from '../amphora/configuration.ts';
import { amphoraeOf, type Caches } from '../caches.ts';
import { lookupFlavor } from '../parse.ts';
import type { Resolutions } from '../resolutions.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import { vipRef } from './vip.ts';
import type { World } from './world.ts';

export interface GatherOptions {
  client: Pick<KubeClient, 'get' | 'listAll'>;
  caches: Caches;
  resolutions: Resolutions;
  driver: Pick<AmphoraDriver, 'observeVip' | 'list'>;
  defaultFlavor: string | undefined;
  clock: Pick<Clock, 'monotonic'>;
}

/** The objects that a world is made of. */
export interface Objects {
  loadBalancer: LoadBalancer;
  amphorae: Amphora[];
  /** What exists where amphorae run, listed before the objects were: an amphora's object comes first, so that none of these is too young to have one. */
  existing: ExistingAmphora[];
  /** When they were read from the API server, on the clock of {@link GatherOptions}; undefined where the caches gave them. */
  freshAt?: number;
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
  { client, caches, driver, clock }: GatherOptions,
  before: LoadBalancer,
  signal: AbortSignal,
): Promise<Objects | undefined> {
  const { metadata } = before;
  const freshAt = clock.monotonic();
  const existing = await driver.list(vipRef(before), signal);
  const loadBalancer = await find<LoadBalancer>(client, loadBalancers, metadata, signal);
  if (loadBalancer?.metadata.uid !== metadata.uid || !loadBalancer) return undefined;
  const labelSelector = `${LOADBALANCER_UID_LABEL}=${metadata.uid}`;
  const { items } = await client.listAll<Amphora>(amphorae, { namespace: metadata.namespace, labelSelector, signal });
  caches.loadBalancers.saw(loadBalancer);
  for (const amphora of items) caches.amphorae.saw(amphora);
  return { loadBalancer, amphorae: items, existing, freshAt };
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
  const { caches, resolutions, defaultFlavor } = options;
  const going = objects.loadBalancer.metadata.deletionTimestamp !== undefined;
  const { loadBalancer, resolved } = going
    ? { loadBalancer: objects.loadBalancer, resolved: nothing }
    : resolutions.of(objects.loadBalancer);
  const { namespace, uid } = loadBalancer.metadata;
  const own = [...objects.amphorae].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const views = own.map((object) => ({ object, ...resolutions.digests(resolved, object) }));
  const known = new Set(own.map((a) => a.metadata.name));
  return {
    now,
    visitedSince,
    loadBalancer,
    wantedFlavorId: loadBalancer.spec.flavorId ?? loadBalancer.status?.flavorId ?? defaultFlavor,
    lookup: (flavorId) => lookupFlavor(caches, flavorId),
    amphorae: views,
    isStranger: (name) => (caches.amphorae.get(`${namespace}/${name}`)?.spec.loadBalancer.uid ?? uid) !== uid,
    ...(await seenVip(options, loadBalancer, { mayLag: objects.freshAt === undefined }, signal)),
    problems: resolved.problems,
    notices: resolved.notices,
    strays: objects.existing.filter(({ name }) => !known.has(name)),
  };
}

/** The VIP as it is; or, when it can't be asked, as it last was, and why. */
async function seenVip(
  { driver }: GatherOptions,
  lb: LoadBalancer,
  how: { mayLag: boolean },
  signal: AbortSignal,
): Promise<Pick<World, 'vip' | 'vipProblem'>> {
  try {
    return { vip: await driver.observeVip(vipRef(lb), signal, how) };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const vip = { address: lb.status?.vipAddress ?? '', ports: lb.status?.vipPorts ?? [], attached: [] };
    return { vip, vipProblem: { reason: error.reason, message: error.message } };
  }
}
