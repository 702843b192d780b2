import {
  type Amphora,
  type ConditionClaim,
  epoch,
  GOALS,
  isReason,
  type LoadBalancerStatus,
  mergeConditions,
  NOT_LOADED,
  type OperatingStatus,
  type Operation,
  type ProvisioningStatus,
  REASONS,
  type Reason,
  rfc3339,
} from '../../api/index.ts';
import { isDraining, isReady, lossOf, readyCondition, serves } from '../amphora/view.ts';
import type { Plan } from './decision.ts';
import { type Book, hasFailed } from './operation.ts';
import { listenerPorts } from './ports.ts';
import type { World } from './world.ts';

/** What went wrong while acting; shown beside the verdict. */
export interface ActProblem {
  reason: string;
  message: string;
}

/** The whole status of a load balancer after a visit: a pure function of what was seen, decided and met with. */
export function statusOf(world: World, plan: Plan, problems: ActProblem[] = []): LoadBalancerStatus {
  const { loadBalancer: lb, now } = world;
  const troubles = [...(world.vipProblem ? [world.vipProblem] : []), ...problems];
  const book = heldUp(plan.book, troubles, now);
  const provisioningStatus = provisioningOf(world, plan);
  const vip = world.vip;
  return {
    ...book,
    observedGeneration: lb.metadata.generation ?? 0,
    provisioningStatus,
    operatingStatus: operatingOf(world),
    // The address is asked for again should its Service be made anew, so that one not seen at the moment stays.
    vipAddress: vip?.address || lb.status?.vipAddress,
    vipPorts: vip?.ports,
    resize: plan.verdict.phase === 'Refused' ? 'Refused' : resizeWord(book.operation),
    amphorae: world.amphorae.map((v) => amphoraLine(v.object, world)),
    listenerProblems: [...world.problems, ...world.notices].map(({ listener, reason, message }) => ({
      listener,
      reason,
      message: message.slice(0, 1024),
    })),
    conditions: mergeConditions(
      lb.status?.conditions,
      claims(world, { ...plan, book }, provisioningStatus, troubles),
      lb.metadata.generation,
      now,
    ),
  };
}

/** An operation at hand whose act did not work says so, and its deadline stands still: somebody must mend what is in the way. */
function heldUp(book: Book, problems: ActProblem[], now: number): Book {
  const { operation } = book;
  if (!operation || operation.finishedAt || operation.result || problems.length === 0) return book;
  const message = [operation.message, ...problems.map((p) => p.message)].join(' ').slice(0, 2048);
  return { ...book, operation: { ...operation, message, pausedAt: operation.pausedAt ?? rfc3339(now) } };
}

/** Octavia's provisioning status. ERROR stays until the change is asked for again, is taken back, or a failover has succeeded. */
function provisioningOf({ loadBalancer: lb }: World, { book, verdict }: Plan): ProvisioningStatus {
  if (lb.metadata.deletionTimestamp) return 'PENDING_DELETE';
  // What has just ended is told of at the next visit, with the conditions that belong to its end.
  const busy = book.operation && (!book.operation.finishedAt || verdict.phase === 'GoingBack' || verdict.phase === 'Operating');
  if (book.operation && busy) return book.operation.kind === 'Create' ? 'PENDING_CREATE' : 'PENDING_UPDATE';
  if (book.flavorId === undefined) return verdict.phase === 'Refused' || verdict.phase === 'Failed' ? 'ERROR' : 'PENDING_CREATE';
  const failedResize =
    book.operation &&
    book.operation.kind === 'Resize' &&
    book.failedFlavorId === book.operation.to &&
    hasFailed(book, 'Resize', book.operation.to);
  const failedFailover = hasFailed(book, 'Failover', book.flavorId);
  if (failedResize || failedFailover || NOT_LOADED.has(verdict.reason)) return 'ERROR';
  return verdict.phase === 'Pending' ? 'PENDING_UPDATE' : 'ACTIVE';
}

/** Octavia's operating status, from what the amphorae that carry the traffic see of the members. */
function operatingOf(world: World): OperatingStatus {
  const { spec, status } = world.loadBalancer;
  const { amphorae, vip } = world;
  if (!spec.adminStateUp) return 'OFFLINE';
  const seen =
    amphorae.map((v) => v.object).find((a) => serves(a) && a.spec.role !== 'BACKUP') ?? amphorae.map((v) => v.object).find(serves);
  if (!seen && amphorae.some((v) => isSilent(v.object, world))) return 'DEGRADED';
  if (!seen) return status?.flavorId === undefined ? 'OFFLINE' : 'ERROR';
  const down = (seen.status?.unhealthyMembers ?? []).filter((m) => m.status === 'ERROR');
  const closed = listenerPorts({ spec }).some((l) => !vip?.ports.includes(l.port));
  if (down.length === 0) return closed ? 'DEGRADED' : 'ONLINE';
  const pools = (spec.pools ?? []).filter((p) => p.adminStateUp && !p.service);
  const dead = pools.some(
    (p) =>
      (p.members?.length ?? 0) > 0 &&
      p.members!.every((m) => down.some((d) => d.pool === p.name && d.address === m.address && d.protocolPort === m.protocolPort)),
  );
  return dead ? 'ERROR' : 'DEGRADED';
}

/** The resize column: the last goal met and how far that is, as in `Verified 5/8`. */
function resizeWord(operation: Operation | undefined): string {
  if (!operation) return '';
  if (!operation.finishedAt && operation.result) return 'GoingBack';
  if (!operation.finishedAt) {
    const met = Number(operation.progress?.split('/')[0] ?? 0);
    return `${GOALS[Math.max(0, met - 1)]} ${operation.progress}`;
  }
  return operation.kind === 'Resize' ? operation.result! : '';
}

function amphoraLine(a: Amphora, world: World): NonNullable<LoadBalancerStatus['amphorae']>[number] {
  const takes = (o: Amphora) => serves(o) || (o.spec.steering === 'Attached' && isSilent(o, world));
  const active = world.amphorae.some(({ object: o }) => takes(o) && o.spec.role !== 'BACKUP');
  const past = a.spec.steering === 'Detached' && a.status?.steeredAt !== undefined;
  const traffic = isDraining(a)
    ? 'Draining'
    : takes(a)
      ? a.spec.role === 'BACKUP' && active
        ? 'Standby'
        : 'Carries'
      : past
        ? 'NoLonger'
        : 'NotYet';
  return {
    name: a.metadata.name,
    flavorId: a.spec.flavorId,
    role: a.spec.role,
    traffic,
    ready: isReady(a),
    address: a.status?.address,
    connections: a.status?.connections?.current,
  };
}

/**
 * It doesn't answer the operator, and new connections reach it all the same by what the VIP says: whoever runs it (its kubelet, the checks of the VIP) knows
 * better whether it serves. What is planned rests on amphorae that answer.
 */
const isSilent = (a: Amphora, { vip }: World): boolean =>
  !isReady(a) && lossOf(a) === undefined && (vip?.attached.includes(a.metadata.name) ?? false);

/** The conditions. Reconciling and Stalled are there only while True, and never both (kstatus). */
function claims(world: World, plan: Plan, provisioning: ProvisioningStatus, problems: ActProblem[]): ConditionClaim[] {
  const { verdict, book } = plan;
  const hurt = problems.map((p) => ` ${p.message}`).join('');
  const message = `${verdict.message}${hurt}`;
  const reason = verdict.phase === 'Steady' && problems[0] ? problems[0].reason : verdict.reason;
  const steady = verdict.phase === 'Steady' && problems.length === 0;
  const result: ConditionClaim[] = [
    { type: 'Ready', status: steady ? 'True' : 'False', reason, message },
    available(world),
    resizing(book.operation, book.history),
  ];
  if (verdict.phase === 'Refused' || verdict.phase === 'Failed' || verdict.stalled) {
    // A failed create or failover is tried again by itself: that is progress to come, not a dead end.
    const again = verdict.reason === 'CreateFailed' || verdict.reason === 'FailoverFailed';
    result.push({ type: again ? 'Reconciling' : 'Stalled', status: 'True', reason, message });
  } else if (!steady && verdict.phase !== 'Suspended') {
    result.push({ type: 'Reconciling', status: 'True', reason, message: provisioning === 'PENDING_DELETE' ? verdict.message : message });
  }
  return result;
}

function available(world: World): ConditionClaim {
  const serving = world.amphorae.filter((v) => serves(v.object));
  if (world.vipProblem) return { type: 'Available', status: 'Unknown', ...world.vipProblem };
  const open = world.vip !== undefined && (world.vip.ports.length > 0 || listenerPorts(world.loadBalancer).length === 0);
  if (serving.length > 0 && !open)
    return { type: 'Available', status: 'False', reason: 'VipPending', message: 'The VIP has no open port.' };
  const silent = world.amphorae.map((v) => v.object).filter((a) => isSilent(a, world));
  if (serving.length === 0 && silent.length > 0) return { type: 'Available', status: 'Unknown', ...silence(silent) };
  if (serving.length === 0) return { type: 'Available', status: 'False', reason: 'NoAmphora', message: REASONS.NoAmphora };
  const connections = serving.map((v) => v.object.metadata.name).join(', ');
  return {
    type: 'Available',
    status: 'True',
    reason: 'Serving',
    message: `The VIP${world.vip?.address ? ` ${world.vip.address}` : ''} is served by ${connections}.`,
  };
}

/** What happened to amphorae that don't answer the operator, what goes on, and what to do. */
function silence(silent: Amphora[]): { reason: Reason; message: string } {
  const told = silent.map(readyCondition).find((ready) => ready && ready.reason !== 'Starting');
  const who = silent.map((a) => a.metadata.name).join(', ');
  const message = `New connections reach ${who} as before, by what is seen of the VIP, but the operator gets no answer there${told ? `: ${told.message}` : '.'} Traffic goes on; edits wait until it answers. If that lasts, have the operator reach it again, or replace it: set the annotation reflavor.dev/failover to a new value.`;
  return { reason: 'AmphoraSilent', message };
}

/** The condition Resizing is always there; once a resize is over it says what came of it. */
function resizing(operation: Operation | undefined, history: Operation[] = []): ConditionClaim {
  const last = [operation, ...history].find((o) => o?.kind === 'Resize');
  if (!last) return { type: 'Resizing', status: 'False', reason: 'NeverResized', message: REASONS.NeverResized };
  const way = `from ${last.from} to ${last.to}`;
  if (!last.finishedAt) {
    if (last.result) return { type: 'Resizing', status: 'True', reason: 'GoingBack', message: `Going back ${way}: ${last.message}` };
    return {
      type: 'Resizing',
      status: 'True',
      reason: 'ResizeInProgress',
      message: `Resizing ${way}, ${last.progress} goals met, now ${last.step}: ${last.message ?? ''}${last.warning ? ` ${last.warning.message}` : ''}`,
    };
  }
  const took = Math.max(0, (epoch(last.finishedAt) - epoch(last.startedAt)) / 1000);
  const reason = `Resize${last.result}`;
  if (last.result === 'Succeeded') return { type: 'Resizing', status: 'False', reason, message: `Resized ${way} in ${took} s.` };
  return {
    type: 'Resizing',
    status: 'False',
    reason: isReason(reason) ? reason : 'ResizeFailed',
    message: `Resize ${way}: ${last.message ?? REASONS.ResizeFailed}`,
  };
}
