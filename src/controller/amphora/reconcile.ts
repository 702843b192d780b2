import { AMPHORA_FINALIZER, type Amphora, API_VERSION, type LoadBalancer } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/errors.ts';
import type { Configuration } from '../../provider/amphora/configuration.ts';
import { type AmphoraDriver, type AmphoraObservation, ConfigurationRefused, DriverError } from '../../provider/amphora/driver.ts';
import { configurationHash, membersRevision } from '../../provider/amphora/haproxy/index.ts';
import { type Caches, sourcesOf } from '../caches.ts';
import { vipRef } from '../loadbalancer/vip.ts';
import { InvalidObject, parsedAmphora, parsedLoadBalancer } from '../parse.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../runtime/controller.ts';
import { configurationFor, configurationSize, keeping, resolve } from './configuration.ts';
import { amphoraStatus, isWorthWriting, type Trouble } from './status.ts';
import { isDrained } from './view.ts';

export interface AmphoraReconcilerOptions {
  client: KubeClient;
  caches: Caches;
  driver: AmphoraDriver;
  clock: Clock;
  /** How often one that serves is asked how it is; milliseconds. */
  observeMs: number;
  /** How often one is asked on which something waits; milliseconds. */
  progressMs: number;
}

const FIELD_MANAGER = 'reflavor-amphora';

/** A Secret holds 1 MiB at most, the rest of it included. */
const MAX_CONFIGURATION_BYTES = 1_000_000;

/**
 * Brings the driver's amphora to what its object says, and the object's status to what the driver sees. What takes away (detach, drain,
 * destroy) is done on a fresh read of the object alone.
 */
export function amphoraReconciler(options: AmphoraReconcilerOptions): Reconcile {
  const { client, caches, clock } = options;
  return async (key, context) => {
    const cached = caches.amphorae.get(key);
    if (!cached) return;
    const amphora = parsedAmphora(cached);
    const loadBalancer = await ownerOf(options, amphora, context.signal);
    if (amphora.metadata.deletionTimestamp && (await mayGo(options, amphora, loadBalancer, context))) return;
    if (!loadBalancer) {
      // Nobody is left who would ask for it: it goes, and what it stands for with it.
      await client.delete(amphorae, amphora.metadata, { preconditions: { uid: amphora.metadata.uid }, signal: context.signal });
      return;
    }
    let trouble: Trouble | undefined;
    let failure: unknown;
    let wanted: Configuration | undefined;
    let drained = amphora.status?.drainStartedAt !== undefined;
    if (!loadBalancer.spec.suspend) {
      try {
        wanted = wantedConfiguration(options, loadBalancer, amphora);
        drained = (await act(options, amphora, loadBalancer, wanted, context.signal)) || drained;
      } catch (error) {
        trouble = troubleOf(error);
        if (!trouble) failure = error;
      }
    }
    const result = await report(options, amphora, { wanted, trouble, drained }, clock.now(), context.signal);
    if (failure) throw failure;
    return result;
  };
}

/** The load balancer of an amphora; undefined when the API server says that there is none of this uid. */
async function ownerOf(
  { client, caches }: AmphoraReconcilerOptions,
  amphora: Amphora,
  signal: AbortSignal,
): Promise<LoadBalancer | undefined> {
  const { name, uid } = amphora.spec.loadBalancer;
  const { namespace } = amphora.metadata;
  const cached = caches.loadBalancers.get(`${namespace}/${name}`);
  if (cached?.metadata.uid === uid) return cached;
  try {
    const fresh = await client.get<LoadBalancer>(loadBalancers, { namespace, name }, { signal });
    return fresh.metadata.uid === uid ? fresh : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Destroys a deleted amphora once nothing needs it: its load balancer goes too, or it is drained. Until then it serves on. */
async function mayGo(
  options: AmphoraReconcilerOptions,
  stale: Amphora,
  lb: LoadBalancer | undefined,
  { signal, log }: ReconcileContext,
): Promise<boolean> {
  const { client, driver, clock } = options;
  const fresh = await freshly(options, stale, signal);
  if (!fresh) return true;
  const drainSeconds = lb?.spec.strategy?.drainSeconds ?? 0;
  if (lb && !lb.metadata.deletionTimestamp && !isDrained(fresh, drainSeconds, clock.now())) return false;
  await driver.detach(fresh, signal);
  await driver.destroy(fresh, signal);
  const finalizers = (fresh.metadata.finalizers ?? []).filter((f) => f !== AMPHORA_FINALIZER);
  const { namespace, name, resourceVersion } = fresh.metadata;
  await client.patchMerge(
    amphorae,
    { namespace, name },
    { metadata: { resourceVersion, finalizers } },
    { fieldManager: FIELD_MANAGER, signal },
  );
  log.info({ amphora: name }, 'destroyed');
  return true;
}

/** The object as it is now; undefined when this very one is gone. */
async function freshly({ client }: AmphoraReconcilerOptions, amphora: Amphora, signal: AbortSignal): Promise<Amphora | undefined> {
  try {
    const fresh = parsedAmphora(await client.get<Amphora>(amphorae, amphora.metadata, { signal }));
    return fresh.metadata.uid === amphora.metadata.uid ? fresh : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function wantedConfiguration({ caches }: AmphoraReconcilerOptions, cached: LoadBalancer, amphora: Amphora): Configuration {
  const loadBalancer = parsedLoadBalancer(cached);
  const resolved = resolve(loadBalancer, sourcesOf(caches, amphora.metadata.namespace!));
  const configuration = configurationFor(resolved, amphora, caches.amphorae.byIndex('loadBalancer', amphora.spec.loadBalancer.uid));
  const size = configurationSize(configuration);
  if (size <= MAX_CONFIGURATION_BYTES) return configuration;
  const message = `The configuration takes ${size} bytes and a Secret holds ${MAX_CONFIGURATION_BYTES}: use fewer or smaller certificates, members or L7 policies, or split the load balancer. The amphora goes on with the configuration that it has.`;
  throw new DriverError('ConfigurationTooLarge', message);
}

/** One step nearer: run, load, then be steered. Returns whether its connections have been asked to end. */
async function act(
  options: AmphoraReconcilerOptions,
  amphora: Amphora,
  lb: LoadBalancer,
  wanted: Configuration,
  signal: AbortSignal,
): Promise<boolean> {
  const { driver } = options;
  const seen = await driver.observe(amphora, signal);
  if (seen.lost || amphora.spec.steering === 'Draining') return takeAway(options, amphora, seen, signal);
  const next = keeping(wanted, await driver.lastConfiguration(amphora, signal));
  if (!seen.running) {
    await driver.build(amphora, next, { serversState: await stateOfSister(options, amphora, signal) }, signal);
  } else if (seen.configurationHash !== configurationHash(wanted) || seen.membersRevision !== membersRevision(wanted)) {
    if (!(await closesServedPort(options, lb, seen, next, signal))) await driver.configure(amphora, next, signal);
  }
  if (amphora.spec.steering === 'Detached') return takeAway(options, amphora, seen, signal);
  if (!seen.attached && seen.running) await driver.attach(amphora, signal);
  return false;
}

/** Detaching and draining, as a fresh read of the object says. Returns whether its connections have been asked to end. */
async function takeAway(
  options: AmphoraReconcilerOptions,
  stale: Amphora,
  seen: AmphoraObservation,
  signal: AbortSignal,
): Promise<boolean> {
  const { driver } = options;
  const due = stale.spec.steering === 'Draining' && stale.status?.drainStartedAt === undefined;
  if (!seen.attached && !due) return false;
  const fresh = await freshly(options, stale, signal);
  if (!fresh || fresh.spec.steering === 'Attached') return false;
  if (seen.attached) {
    await driver.detach(fresh, signal);
    return false;
  }
  if (fresh.spec.steering !== 'Draining') return false;
  if (seen.running) await driver.drain(fresh, signal);
  return true;
}

/** `show servers state` of a sister that runs, so that members known to be down don't start as up. */
async function stateOfSister(
  { caches, driver }: AmphoraReconcilerOptions,
  amphora: Amphora,
  signal: AbortSignal,
): Promise<string | undefined> {
  const sisters = caches.amphorae.byIndex('loadBalancer', amphora.spec.loadBalancer.uid);
  const sister = sisters.find((s) => s.metadata.uid !== amphora.metadata.uid && s.status?.attached);
  return sister && (await driver.serversState(sister, signal));
}

/** A port leaves the VIP before an amphora behind it stops listening: such a configuration waits until the VIP has let the port go. */
async function closesServedPort(
  { driver }: AmphoraReconcilerOptions,
  lb: LoadBalancer,
  seen: AmphoraObservation,
  next: Configuration,
  signal: AbortSignal,
): Promise<boolean> {
  const stays = new Set([...next.listeners, ...(next.kept?.listeners ?? [])].map((l) => l.protocolPort));
  const closing = seen.listeners.map((l) => l.protocolPort).filter((port) => !stays.has(port));
  if (!seen.attached || closing.length === 0) return false;
  const vip = await driver.observeVip(vipRef(lb), signal);
  return closing.some((port) => vip?.ports.includes(port));
}

function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof ConfigurationRefused) return { reason: 'ConfigurationRefused', message: error.message, refused: true };
  if (error instanceof DriverError) return { reason: error.reason, message: error.message };
  if (error instanceof InvalidObject) return { reason: 'InvalidSpec', message: error.message };
  return undefined;
}

async function report(
  options: AmphoraReconcilerOptions,
  amphora: Amphora,
  { wanted, trouble, drained }: { wanted: Configuration | undefined; trouble: Trouble | undefined; drained: boolean },
  now: number,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { client, driver, observeMs, progressMs } = options;
  const seen = await driver.observe(amphora, signal);
  const hash = wanted && { hash: configurationHash(wanted), revision: membersRevision(wanted) };
  const status = amphoraStatus(amphora, seen, hash, trouble, drained && amphora.spec.steering === 'Draining', now);
  if (isWorthWriting(amphora, status)) {
    const { namespace, name } = amphora.metadata;
    const object = { apiVersion: API_VERSION, kind: 'Amphora', metadata: { namespace, name }, status };
    await client.apply(amphorae, object, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true, signal });
  }
  const loaded = hash !== undefined && seen.configurationHash === hash.hash && seen.membersRevision === hash.revision;
  const settled = amphora.spec.steering === 'Attached' && seen.attached && loaded;
  return { requeueAfterMs: settled ? observeMs : progressMs };
}
