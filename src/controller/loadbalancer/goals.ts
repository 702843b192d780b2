import {
  conditionOf,
  epoch,
  type FlavorData,
  type Goal,
  type LoadBalancer,
  type Operation,
  type Steering,
  type Topology,
} from '../../api/index.ts';
import { isAttached, isDraining, isLost, isReady, quietFor, readyCondition, serves } from '../amphora/view.ts';
import type { Act } from './acts.ts';
import { amphoraName, freePeer } from './naming.ts';
import { listenerPorts, portsToServe } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

/** What a goal says while it is not met. */
export interface Unmet {
  /** What is being waited for, for people. */
  message: string;
  /** What brings it nearer; nothing when only time or another controller can. */
  acts?: Act[];
  /** When to look again although nothing may have happened; milliseconds. */
  waitMs?: number;
  /** The reason of a condition, where it is a particular one. */
  reason?: string;
  /** It waits for somebody to mend the spec or a Secret: the deadline stands still. */
  paused?: boolean;
  /** It will not be met: go back, for this reason. */
  failure?: { reason: string; message: string };
}

/** An operation at hand, with the amphorae sorted by the part they play in it. */
export interface Flow {
  world: World;
  operation: Operation;
  strategy: LoadBalancer['spec']['strategy'];
  /** The slots that it fills. */
  slots: number[];
  /** Its own amphorae, not draining. */
  fresh: AmphoraView[];
  /** Those that it replaces, still alive, and what an earlier operation left of another flavor. */
  old: AmphoraView[];
  /** Those that stay: the survivor of a pair. */
  kept: AmphoraView[];
}

/** Acts that steer all of these. */
export const steer = (views: AmphoraView[], to: Steering): Act[] => views.map((v) => ({ type: 'Steer', name: v.object.metadata.name, to }));

/** Slots of a topology. */
export const slotsOf = (topology: Topology): number[] => (topology === 'ACTIVE_STANDBY' ? [0, 1] : [0]);

/** The topology of the amphorae that an operation makes. */
export const topologyOf = (world: World, operation: Operation): Topology => {
  const fresh = world.amphorae.find((v) => v.object.spec.operation === operation.number);
  const found = world.lookup(operation.to);
  return (
    world.loadBalancer.status?.topology ??
    fresh?.object.spec.flavorData.loadbalancerTopology ??
    ('flavor' in found ? found.flavor.data.loadbalancerTopology : 'SINGLE')
  );
};

/** Sorts a world by an operation. */
export function flowOf(world: World, operation: Operation, topology: Topology): Flow {
  const living = world.amphorae.filter((v) => !isDraining(v.object));
  const replaced = new Set(operation.replaces);
  const fresh = living.filter((v) => v.object.spec.operation === operation.number);
  const others = living.filter((v) => !fresh.includes(v));
  const isKept = ({ object: { metadata, spec } }: AmphoraView) =>
    operation.kind === 'Failover' && spec.flavorId === operation.to && !replaced.has(metadata.name);
  const kept = others.filter(isKept);
  const held = new Set(kept.map((v) => v.object.spec.slot));
  return {
    world,
    operation,
    strategy: world.loadBalancer.spec.strategy,
    slots: slotsOf(topology).filter((s) => !held.has(s)),
    fresh,
    old: others.filter((v) => !kept.includes(v)),
    kept,
  };
}

const freshIn = (flow: Flow, slot: number): AmphoraView | undefined => flow.fresh.find((v) => v.object.spec.slot === slot);
export const names = (views: AmphoraView[]): string => views.map((v) => v.object.metadata.name).join(', ');

/** Reasons of an amphora that doesn't start which no waiting mends. */
const HOPELESS = new Set(['ImageNotFound', 'AmphoraBootFailed']);

/**
 * The data of the operation's flavor. A failover rebuilds what is in force, so that it takes the copy which a living amphora carries: it
 * works after the Flavor is gone, and does not apply the data of a recreated one.
 */
function flavorDataFor(flow: Flow): FlavorData | { failure: { reason: string; message: string } } {
  const { world, operation } = flow;
  const copies = operation.kind === 'Failover' ? world.amphorae : flow.fresh;
  const copy = copies.find((v) => v.object.spec.flavorId === operation.to);
  if (copy) return copy.object.spec.flavorData;
  const found = world.lookup(operation.to);
  return 'flavor' in found ? found.flavor.data : { failure: { reason: found.refused, message: found.message } };
}

/** New amphorae run. Without it the traffic would go where nothing listens. */
function built(flow: Flow): Unmet | undefined {
  const { world, operation } = flow;
  const acts: Act[] = flow.kept
    .filter((v) => v.object.spec.role === 'BACKUP')
    .map((v) => ({ type: 'Promote', name: v.object.metadata.name }));
  const taken = world.amphorae.map((v) => v.object.spec.peer);
  for (const slot of flow.slots) {
    if (freshIn(flow, slot)) continue;
    const data = flavorDataFor(flow);
    if ('failure' in data) return { message: data.failure.message, failure: data.failure };
    const name = amphoraName(world.loadBalancer, operation.number, slot);
    if (world.isStranger(name)) {
      const message = `An Amphora named ${name} exists that this load balancer does not own; it was not touched. Delete or rename it, then ask for a retry.`;
      return { message, failure: { reason: 'NameConflict', message } };
    }
    if (world.amphorae.some((v) => v.object.metadata.name === name))
      return { message: `Waiting for the lost amphora ${name} to be gone, to build it anew.` };
    const peer = freePeer(taken, operation.number, slot, data.loadbalancerTopology);
    if (peer === undefined) return { message: 'Waiting for draining amphorae to end: as many as can live at once do.', waitMs: 1000 };
    taken.push(peer);
    const paired = data.loadbalancerTopology === 'ACTIVE_STANDBY';
    const role = !paired ? 'STANDALONE' : flow.kept.length > 0 || slot === 1 ? 'BACKUP' : 'MASTER';
    const { name: lb, uid } = world.loadBalancer.metadata;
    acts.push({
      type: 'CreateAmphora',
      name,
      spec: {
        loadBalancer: { name: lb, uid: uid! },
        operation: operation.number,
        slot,
        role,
        peer,
        provider: world.loadBalancer.spec.provider,
        flavorId: operation.to,
        flavorData: data,
        steering: 'Detached',
      },
    });
  }
  if (acts.length > 0) return { message: 'Creating the new amphorae.', acts };
  const unready = flow.fresh.filter((v) => !isReady(v.object));
  if (unready.length === 0) return undefined;
  const [{ object }] = unready as [AmphoraView];
  const condition = readyCondition(object);
  const message = `Waiting for amphora ${object.metadata.name} to run: ${condition?.message ?? 'it has not been started yet.'}`;
  // One that has run is started again, and is lost when it ends again and again.
  const hasRun = object.status?.startedAt !== undefined;
  if (condition?.status === 'False' && HOPELESS.has(condition.reason) && !hasRun)
    return { message, failure: { reason: condition.reason, message: condition.message } };
  if (condition && MENDABLE.has(condition.reason)) return { message, reason: condition.reason, paused: true };
  if (condition?.reason === 'ImagePullFailed') {
    // A registry may fail once: kubelet tries again after 10 and after 20 s more.
    const waitMs = epoch(condition.lastTransitionTime) + PULL_MS - world.now;
    if (waitMs <= 0) return { message, failure: { reason: condition.reason, message: condition.message } };
    return { message, reason: condition.reason, waitMs };
  }
  return { message, reason: condition && condition.reason !== 'Starting' ? condition.reason : undefined };
}

/** How long an image may fail to be pulled; milliseconds. */
const PULL_MS = 35_000;

/** Why an amphora is not configured, where somebody must mend the spec. */
const MENDABLE = new Set(['ConfigurationRefused', 'ConfigurationTooLarge', 'InvalidSpec']);

/** Why an amphora has not loaded what it should; undefined when it has. */
export function unconfigured(view: AmphoraView): Unmet | undefined {
  const { metadata, status } = view.object;
  const cause = conditionOf(status?.conditions, 'Configured');
  const current = status?.configurationHash === view.configurationHash;
  if (!current && cause?.status === 'False' && MENDABLE.has(cause.reason)) {
    return { message: cause.message, reason: cause.reason, paused: true };
  }
  if (!current) return { message: `Waiting for amphora ${metadata.name} to load the present configuration.` };
  if (status?.membersRevision !== view.membersRevision)
    return { message: `Waiting for amphora ${metadata.name} to have the present members.` };
  return undefined;
}

/** Each has loaded what the present spec says. Without it clients would get an older configuration, or lose their persistence. */
function configured(flow: Flow): Unmet | undefined {
  for (const view of flow.fresh) {
    const unmet = unconfigured(view);
    if (unmet) return unmet;
    if (!view.object.status?.stickTablesSynced && flow.old.some((o) => isReady(o.object))) {
      return { message: `Waiting for the stick tables to come over to amphora ${view.object.metadata.name}.` };
    }
  }
  return undefined;
}

/** Listeners are open and members up. Without it the new ones would refuse what the old ones serve. */
function verified(flow: Flow): Unmet | undefined {
  const { world } = flow;
  const askable = [...flow.old, ...flow.kept].filter((v) => isReady(v.object));
  const asked = askable[0];
  const broken = new Set(world.problems.map((p) => p.listener));
  // A listener that can't be served as the spec says is demanded only where one of the present amphorae serves it still.
  const served = (port: number) => askable.some((v) => v.object.status?.listeners?.some((l) => l.protocolPort === port && l.open));
  const wanted = listenerPorts(world.loadBalancer).filter((l) => !broken.has(l.name) || served(l.port));
  const key = (m: { pool: string; address: string; protocolPort: number }) => `${m.pool} ${m.address} ${m.protocolPort}`;
  const downBefore = new Set(asked?.object.status?.unhealthyMembers?.map(key));
  for (const { object } of flow.fresh) {
    for (const { name, port } of wanted) {
      if (object.status?.listeners?.some((l) => l.protocolPort === port && l.open)) continue;
      const problem = world.problems.find((p) => p.listener === name);
      if (problem)
        return {
          message: `Listener ${name} serves, and can’t be opened on the new amphora: ${problem.message}`,
          reason: problem.reason,
          paused: true,
        };
      return { message: `Waiting for listener ${name} (port ${port}) to be open on amphora ${object.metadata.name}.` };
    }
    const closed = world.vip?.ports.find((port) => !object.status?.listeners?.some((l) => l.protocolPort === port && l.open));
    if (closed !== undefined)
      return { message: `Waiting for the VIP to let port ${closed} go, on which ${object.metadata.name} does not listen.`, waitMs: 500 };
    if (!asked) continue;
    const unchecked = object.status?.uncheckedMembers ?? 0;
    if (unchecked > 0) {
      return {
        message: `Waiting for the first health check of ${unchecked} member${unchecked === 1 ? '' : 's'} by amphora ${object.metadata.name}.`,
      };
    }
    const worse = object.status?.unhealthyMembers?.find((m) => !downBefore.has(key(m)) && m.status === 'ERROR');
    if (worse) {
      return {
        message: `Member ${worse.address}:${worse.protocolPort} of pool ${worse.pool} is up for the present amphora but not for the new one, ${object.metadata.name}: check that the new amphora may reach it.`,
      };
    }
  }
  return undefined;
}

/** Old and new are both behind the VIP. Without it there would be a moment with neither. */
function attached(flow: Flow): Unmet | undefined {
  const { world, strategy } = flow;
  const toSteer = flow.fresh.filter((v) => v.object.spec.steering !== 'Attached');
  if (toSteer.length > 0) {
    return { message: 'Putting the new amphorae behind the VIP.', acts: steer(toSteer, 'Attached') };
  }
  const missing = flow.fresh.filter((v) => !isAttached(v.object));
  if (missing.length > 0) return { message: `Waiting for ${names(missing)} to be seen behind the VIP.` };
  const ports = portsToServe(world);
  if (!world.vip || ports.some((p) => !world.vip!.ports.includes(p))) return { message: 'Opening the ports of the VIP.', waitMs: 500 };
  if (flow.old.length === 0) return undefined;
  const since = Math.max(...flow.fresh.map((v) => epoch(v.object.status?.steeredAt) ?? world.now));
  const left = since + strategy.settleSeconds * 1000 - world.now;
  return left > 0
    ? { message: `Old and new amphorae are behind the VIP; settling for ${strategy.settleSeconds} s.`, waitMs: left }
    : undefined;
}

/** The old ones are out, and the new ones alone have served well. Without it the flavor would be written before it has proved itself. */
function detached(flow: Flow): Unmet | undefined {
  const { world, strategy, operation } = flow;
  const reached = (v: AmphoraView) => world.vip?.attached.includes(v.object.metadata.name) ?? false;
  const unreached = flow.fresh.filter((v) => !reached(v) || !serves(v.object));
  const toSteer = flow.old.filter((v) => v.object.spec.steering === 'Attached');
  if (unreached.length > 0) return { message: `Waiting for new connections to reach ${names(unreached)}.`, waitMs: 500 };
  if (toSteer.length > 0) return { message: 'Taking the old amphorae from behind the VIP.', acts: steer(toSteer, 'Detached') };
  // Also what an earlier operation left, if it is slow to go: it would serve beside the flavor that is then in force.
  const stay = [...flow.fresh, ...flow.kept].map((v) => v.object.metadata.name);
  const still = world.amphorae.filter((v) => !stay.includes(v.object.metadata.name) && (isAttached(v.object) || reached(v)));
  if (still.length > 0) return { message: `Waiting for ${names(still)} to be seen out of the VIP.`, waitMs: 500 };
  const settle = strategy.settleSeconds * 1000;
  const alive = flow.old.filter((v) => !isLost(v.object));
  for (const { object } of alive) {
    const quiet = isReady(object) ? quietFor(object) : settle;
    if (quiet === undefined) return { message: `Clients may still be queued at amphora ${object.metadata.name}.`, waitMs: 500 };
    if (quiet < settle)
      return {
        message: `Waiting until no new connection has come to ${object.metadata.name} for ${strategy.settleSeconds} s.`,
        waitMs: settle - quiet,
      };
  }
  // Where nothing is left to go back to, a create or a failover has nothing to wait for.
  if (alive.length === 0 && operation.kind !== 'Resize') return undefined;
  const since = Math.max(
    ...flow.old.map((v) => epoch(v.object.status?.steeredAt) ?? 0),
    ...flow.fresh.map((v) => Math.max(epoch(v.object.status?.startedAt) ?? 0, epoch(v.object.status?.steeredAt) ?? 0)),
  );
  const left = since + strategy.verifySeconds * 1000 - world.now;
  return left > 0
    ? { message: `The new amphorae alone take the traffic; watching them for ${strategy.verifySeconds} s.`, waitMs: left }
    : undefined;
}

/**
 * The goals in their order, each with what tells whether it is met. Accepted and Recorded are met by an operation's being there: it is
 * recorded only once its flavor was accepted. Committed is met by the write that ends the operation.
 */
export const CHECKS: { name: Goal; unmet(flow: Flow): Unmet | undefined }[] = [
  { name: 'Accepted', unmet: () => undefined },
  { name: 'Recorded', unmet: () => undefined },
  { name: 'Built', unmet: built },
  { name: 'Configured', unmet: configured },
  { name: 'Verified', unmet: verified },
  { name: 'Attached', unmet: attached },
  { name: 'Detached', unmet: detached },
];

/** The first goal that is not met, by its place in the order; none is when only the commit is left. */
export function firstUnmet(flow: Flow): { index: number; unmet?: Unmet } {
  for (const [index, check] of CHECKS.entries()) {
    const unmet = check.unmet(flow);
    if (unmet) return { index, unmet };
  }
  return { index: CHECKS.length };
}
