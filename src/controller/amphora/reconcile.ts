import { AMPHORA_FINALIZER, type Amphora, type AmphoraStatus, epoch, type LoadBalancer } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { find } from '../../kube/find.ts';
import type { EventRecorder } from '../../notify/events.ts';
import type { Configuration, PoolConfiguration } from '../../provider/amphora/configuration.ts';
import { type AmphoraDriver, type AmphoraObservation, ConfigurationRefused, DriverError } from '../../provider/amphora/driver.ts';
import { type Caches, sistersOf } from '../caches.ts';
import { vipRef } from '../loadbalancer/vip.ts';
import { InvalidObject } from '../parse.ts';
import type { Resolutions } from '../resolutions.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from '../runtime/controller.ts';
import { isSame } from '../same.ts';
import { writeStatus } from '../write-status.ts';
import { configurationFor, configurationSize, keeping } from './configuration.ts';
import { amphoraStatus, hasRestarted, isWorthWriting, type Trouble, unseenStatus } from './status.ts';
import { isDrained, isInRole, lossOf, readyCondition } from './view.ts';

export interface AmphoraReconcilerOptions {
  client: KubeClient;
  caches: Caches;
  resolutions: Resolutions;
  driver: AmphoraDriver;
  clock: Clock;
  /** After how long one that serves is asked again how it is; milliseconds. */
  observeMs(): number;
  events: EventRecorder;
  /** How often one is asked on which something waits; milliseconds. */
  progressMs: number;
}

const FIELD_MANAGER = 'reflavor-amphora';

/** How soon something that didn't work is tried again although nothing has changed. */
const REFUSED_MS = 5000;
/** How soon one is looked at again that can't be asked how it is. */
const UNSEEN_MS = 2000;

/** A Secret holds 1 MiB at most, the rest of it included. */
const MAX_CONFIGURATION_BYTES = 1_000_000;

/**
 * Brings the driver's amphora to what its object says, and the object's status to what the driver sees. What takes away (detach, drain,
 * destroy) is done on a fresh read of the object alone.
 */
export function amphoraReconciler(options: AmphoraReconcilerOptions): Reconcile {
  const { client, caches } = options;
  return async (key, context) => {
    const amphora = caches.amphorae.get(key);
    if (!amphora) return;
    const loadBalancer = await ownerOf(options, amphora, context.signal);
    if (amphora.metadata.deletionTimestamp && (await mayGo(options, amphora, loadBalancer, context))) return;
    if (!loadBalancer) {
      // Nobody is left who would ask for it: it goes, and what it stands for with it.
      await client.delete(amphorae, amphora.metadata, { preconditions: { uid: amphora.metadata.uid }, signal: context.signal });
      return;
    }
    const wanted = wantedOf(options, loadBalancer, amphora);
    const visit: Visit = { amphora, loadBalancer, wanted, drained: amphora.status?.drainStartedAt !== undefined };
    if (!loadBalancer.spec.suspend) {
      try {
        await act(options, visit, context.signal);
      } catch (error) {
        visit.failure = error;
      }
    }
    return report(options, visit, context.signal);
  };
}

/** What an amphora is to have loaded, and the present members of what it keeps. */
interface Wanted {
  configuration: Configuration;
  hash: string;
  revision: string;
  spare: PoolConfiguration[];
}

/** Whether that is what the running one reports, and what it has beside it is up to date too. */
const isLoaded = (seen: AmphoraObservation, { hash, revision }: Wanted): boolean =>
  seen.configurationHash === hash && seen.membersRevision === revision && !seen.renewalDue;

/** Whether nothing else is loaded either: no listener is kept that the spec no longer has, or that has a problem. */
const isAllLoaded = (seen: AmphoraObservation, wanted: Wanted): boolean =>
  seen.running &&
  isLoaded(seen, wanted) &&
  seen.listeners.length === wanted.configuration.listeners.length &&
  wanted.configuration.problems.length === 0;

/** One visit to an amphora, as far as it has come. */
interface Visit {
  amphora: Amphora;
  loadBalancer: LoadBalancer;
  /** What it is to have loaded; or why that can't be told. */
  wanted: Wanted | DriverError;
  /** Its connections have been asked to end. */
  drained: boolean;
  failure?: unknown;
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
  const fresh = await find<LoadBalancer>(client, loadBalancers, { namespace, name }, signal);
  return fresh?.metadata.uid === uid ? fresh : undefined;
}

/** Destroys a deleted amphora once nothing needs it: its load balancer goes too, or it is drained, and another is reached. Until then it serves on. */
async function mayGo(
  options: AmphoraReconcilerOptions,
  stale: Amphora,
  lb: LoadBalancer | undefined,
  { signal, log }: ReconcileContext,
): Promise<boolean> {
  const { client, caches, driver, clock } = options;
  // Its object goes by itself then.
  if (!stale.metadata.finalizers?.includes(AMPHORA_FINALIZER)) return true;
  const stays = (amphora: Amphora) => lb && !lb.metadata.deletionTimestamp && !isDrained(amphora, lb.spec.strategy, clock.now());
  if (stays(stale)) return false;
  const fresh = await freshly(options, stale, signal);
  if (!fresh) return true;
  if (stays(fresh)) return false;
  // An attach that was under way when it was last looked at may have put it behind the VIP since.
  if (lb && !lossOf(fresh) && (await isLastReached(options, lb, fresh, signal))) return false;
  await driver.detach(fresh, signal);
  await driver.destroy(fresh, signal);
  const finalizers = (fresh.metadata.finalizers ?? []).filter((f) => f !== AMPHORA_FINALIZER);
  const { namespace, name, resourceVersion } = fresh.metadata;
  const patch = { metadata: { resourceVersion, finalizers } };
  caches.amphorae.saw(await client.patchMerge<Amphora>(amphorae, { namespace, name }, patch, { fieldManager: FIELD_MANAGER, signal }));
  log.info({ loadBalancer: fresh.spec.loadBalancer.name, operation: fresh.spec.operation }, 'destroyed');
  return true;
}

/** The object as it is now; undefined when this very one is gone. */
async function freshly({ client }: AmphoraReconcilerOptions, amphora: Amphora, signal: AbortSignal): Promise<Amphora | undefined> {
  const fresh = await find<Amphora>(client, amphorae, amphora.metadata, signal);
  return fresh?.metadata.uid === amphora.metadata.uid ? fresh : undefined;
}

/** What an amphora is to have loaded; or, as an error with its reason, why that can't be told: then it goes on with what it has. */
function wantedOf({ caches, resolutions }: AmphoraReconcilerOptions, cached: LoadBalancer, amphora: Amphora): Wanted | DriverError {
  try {
    const { resolved } = resolutions.of(cached);
    const configuration = configurationFor(resolved, amphora, sistersOf(caches, amphora));
    const { configurationHash: hash, membersRevision: revision } = resolutions.digests(resolved, amphora);
    // What has been loaded was not too large.
    const size =
      amphora.status?.configurationHash === hash && amphora.status.membersRevision === revision ? 0 : configurationSize(configuration);
    if (size <= MAX_CONFIGURATION_BYTES) return { configuration, hash, revision, spare: resolved.spare };
    const message = `The configuration takes ${size} bytes and a Secret holds ${MAX_CONFIGURATION_BYTES}: use fewer or smaller certificates, members or L7 policies, or split the load balancer.`;
    return new DriverError('ConfigurationTooLarge', message);
  } catch (error) {
    if (error instanceof InvalidObject) return new DriverError('InvalidSpec', error.message);
    throw error;
  }
}

/** One step nearer: run, load, and be steered. A configuration that can't be had or is refused keeps nothing from being steered. */
async function act(options: AmphoraReconcilerOptions, visit: Visit, signal: AbortSignal): Promise<void> {
  const { driver } = options;
  const { amphora } = visit;
  const { role, steering } = amphora.spec;
  const seen = await driver.observe(amphora, signal);
  if (seen.lost || (steering === 'Draining' && !seen.attached)) return takeAway(options, visit, seen, signal);
  let failure: unknown;
  try {
    await load(options, visit, seen, signal);
  } catch (error) {
    failure = error;
  }
  if (steering !== 'Attached') await takeAway(options, visit, seen, signal);
  else if (seen.running && (!seen.attached || !isInRole(seen, role))) await driver.attach(amphora, signal);
  if (failure) throw failure;
}

async function load(
  options: AmphoraReconcilerOptions,
  { amphora, loadBalancer, wanted }: Visit,
  seen: AmphoraObservation,
  signal: AbortSignal,
): Promise<void> {
  const { driver } = options;
  if (!(wanted instanceof DriverError) && isAllLoaded(seen, wanted)) return;
  const last = await driver.lastConfiguration(amphora, signal);
  const mayBeBehindVip = seen.attached || amphora.spec.steering === 'Attached';
  const next = wanted instanceof DriverError ? last : await keepingServed(options, loadBalancer, mayBeBehindVip, wanted, last, signal);
  if (!seen.running && next) {
    await driver.build(amphora, next, { serversState: await stateOfSister(options, amphora, signal) }, signal);
  }
  if (wanted instanceof DriverError) throw wanted;
  if (!seen.running || !next) return;
  if (isLoaded(seen, wanted) && isSame(next.kept, last?.kept)) return;
  await driver.configure(amphora, next, signal);
}

/** Detaching and draining, as a fresh read of the object says. */
async function takeAway(options: AmphoraReconcilerOptions, visit: Visit, seen: AmphoraObservation, signal: AbortSignal): Promise<void> {
  const { driver } = options;
  const { amphora: stale, loadBalancer } = visit;
  const due = stale.spec.steering === 'Draining' && stale.status?.drainStartedAt === undefined;
  if (!seen.attached && !due) return;
  const fresh = await freshly(options, stale, signal);
  if (!fresh || fresh.spec.steering === 'Attached') return;
  if (seen.attached) {
    if (!seen.lost && (await isLastReached(options, loadBalancer, fresh, signal))) {
      const message = `Amphora ${fresh.metadata.name} stays behind the VIP: new connections reach no other one now.`;
      throw new DriverError('LastAmphora', message);
    }
    await driver.detach(fresh, signal);
  } else if (fresh.spec.steering === 'Draining') {
    if (!seen.lost) await askToEnd(options, visit, fresh, signal);
    visit.drained = true;
  }
}

/** Has its connections asked to end. One that says nothing may serve all the same: it is asked again, for as long as they may take to end. */
async function askToEnd({ driver, clock }: AmphoraReconcilerOptions, { loadBalancer }: Visit, amphora: Amphora, signal: AbortSignal) {
  try {
    await driver.drain(amphora, signal);
  } catch (error) {
    const since = epoch(amphora.status?.steeredAt) ?? 0;
    if (clock.now() - since < loadBalancer.spec.strategy.drainSeconds * 1000) throw error;
  }
}

/**
 * Whether new connections reach this amphora and no other, whatever was decided a moment ago, and whether it answers the operator or not. One that is
 * itself to leave, or lost as its driver sees it now, is no other.
 */
async function isLastReached(
  { client, driver }: AmphoraReconcilerOptions,
  lb: LoadBalancer,
  amphora: Amphora,
  signal: AbortSignal,
): Promise<boolean> {
  if (lb.metadata.deletionTimestamp || lb.status?.flavorId === undefined) return false;
  const reached = (await driver.observeVip(vipRef(lb), signal))?.attached ?? [];
  if (!reached.includes(amphora.metadata.name)) return false;
  const { namespace } = amphora.metadata;
  for (const name of reached) {
    if (name === amphora.metadata.name) continue;
    const other = await find<Amphora>(client, amphorae, { namespace, name }, signal);
    if (other?.spec.steering === 'Attached' && !(await isLostNow(driver, other, signal))) return false;
  }
  return true;
}

async function isLostNow(driver: AmphoraDriver, amphora: Amphora, signal: AbortSignal): Promise<boolean> {
  try {
    return (await driver.observe(amphora, signal)).lost;
  } catch (error) {
    if (error instanceof DriverError) return false;
    throw error;
  }
}

/** `show servers state` of a sister that runs, so that members known to be down don't start as up. */
async function stateOfSister(
  { caches, driver }: AmphoraReconcilerOptions,
  amphora: Amphora,
  signal: AbortSignal,
): Promise<string | undefined> {
  const sisters = sistersOf(caches, amphora);
  const sister = sisters.find((s) => s.metadata.uid !== amphora.metadata.uid && s.status?.attached);
  return sister && (await driver.serversState(sister, signal));
}

/** What is wanted, and listeners on ports that the VIP serves, where it is behind it or on its way there: it keeps them until the VIP has let them go. */
async function keepingServed(
  { driver }: AmphoraReconcilerOptions,
  lb: LoadBalancer,
  mayBeBehindVip: boolean,
  { configuration, spare }: Wanted,
  last: Configuration | undefined,
  signal: AbortSignal,
): Promise<Configuration> {
  const had = [...(last?.listeners ?? []), ...(last?.kept?.listeners ?? [])];
  const lapses = had.some((l) => !configuration.listeners.some((o) => o.protocolPort === l.protocolPort));
  // The VIP is asked only where the answer matters: this is on the way of every visit.
  const ports = mayBeBehindVip && lapses ? (await driver.observeVip(vipRef(lb), signal))?.ports : undefined;
  return keeping(configuration, last, spare, new Set(ports));
}

/** HAProxy's first alert, without the file and line that only it sees; the others follow from that. */
function refusalOf({ message }: ConfigurationRefused): string {
  const [alert = ''] = message
    .replaceAll(/parsing \[[^\]]*\] ?: ?/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return `HAProxy refuses the configuration: ${alert.replace(/\.?$/, '.')} Correct the listener, policy or rule that it names.`;
}

function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof ConfigurationRefused) return { reason: 'ConfigurationRefused', message: refusalOf(error) };
  if (error instanceof DriverError) return { reason: error.reason, message: error.message };
  return undefined;
}

async function write(
  { client, caches }: AmphoraReconcilerOptions,
  amphora: Amphora,
  status: AmphoraStatus,
  signal: AbortSignal,
): Promise<void> {
  caches.amphorae.saw(await writeStatus(client, amphorae, amphora, status, { fieldManager: FIELD_MANAGER, signal }));
}

/** Writes what is seen now, and says when to look again. */
async function report(options: AmphoraReconcilerOptions, visit: Visit, signal: AbortSignal): Promise<ReconcileResult> {
  const { driver, clock, observeMs, progressMs } = options;
  const { amphora, wanted, failure } = visit;
  const trouble = troubleOf(failure);
  let seen: AmphoraObservation;
  try {
    seen = await driver.observe(amphora, signal);
  } catch (error) {
    const why = troubleOf(error);
    if (!why) throw error;
    const status = unseenStatus(amphora, why, clock.now());
    if (!isSame(status, amphora.status ?? {})) await write(options, amphora, status, signal);
    return { requeueAfterMs: UNSEEN_MS };
  }
  const known = wanted instanceof DriverError ? undefined : wanted;
  const drained = visit.drained && amphora.spec.steering === 'Draining';
  const status = amphoraStatus(amphora, seen, known, trouble, drained, clock.now());
  if (isWorthWriting(amphora, status, visit.loadBalancer.spec.strategy.settleSeconds * 1000)) await write(options, amphora, status, signal);
  if (hasRestarted(amphora, status) && amphora.spec.steering === 'Attached') {
    const before = readyCondition(amphora);
    const why = before?.status === 'False' && before.reason !== 'Starting' ? `: ${before.message}` : '.';
    const note = `Amphora ${amphora.metadata.name} had ended and was started again${why}`;
    options.events.record(visit.loadBalancer, { type: 'Warning', reason: 'AmphoraRestarted', action: 'Build', note });
  }
  if (failure && !trouble) throw failure;
  const attached = amphora.spec.steering === 'Attached';
  if (attached && seen.attached && known && isLoaded(seen, known)) return { requeueAfterMs: observeMs() };
  // What was refused is refused again: a change of what it was made of brings the next visit, and only something outside needs the clock.
  return { requeueAfterMs: trouble && seen.attached === attached ? REFUSED_MS : progressMs };
}
