import type { LoadBalancer as ParsedLoadBalancer } from '../api/loadbalancer.ts';
import { isAwaitingOperator } from '../api/requests.ts';
import { Cancelled, Failed, NotFound, type ReflavorError, Refused, Superseded } from './errors.ts';
import type { LoadBalancer } from './kinds.ts';
import type { Operation } from './types.ts';

/** What is waited for: a flavor to be in force, or a failover to be over. */
export interface Aim {
  kind: 'Resize' | 'Failover';
  flavorId: string | undefined;
  /** Operations up to this number were over when it was asked for: what came of them says nothing. */
  since: number;
}

/** Whether the wait is over: not yet, well, or with an error. */
export type Outcome = { is: 'Waiting' } | { is: 'Done' } | { is: 'Over'; error: ReflavorError };

const WAITING: Outcome = { is: 'Waiting' };
const over = (error: ReflavorError): Outcome => ({ is: 'Over', error });

/** The aim of a wait that begins with this object, as the request left it or as it was read. */
export function aimOf(loadBalancer: LoadBalancer, kind: Aim['kind']): Aim {
  const { status } = loadBalancer;
  const running = runningOperation(loadBalancer);
  const last = status?.lastOperationNumber ?? 0;
  return { kind, flavorId: wantedFlavor(loadBalancer), since: running ? Math.min(last, running.number - 1) : last };
}

/** The operation at hand, going back included. */
export function runningOperation({ status }: LoadBalancer): Operation | undefined {
  return status?.operation && !status.operation.finishedAt ? status.operation : undefined;
}

/** Whether the operator has not taken up yet what was asked for. */
export const isAwaited = (loadBalancer: LoadBalancer): boolean => isAwaitingOperator(loadBalancer as ParsedLoadBalancer);

/** All operations that the object tells of, the newest first. */
export const operationsOf = ({ status }: LoadBalancer): Operation[] => [
  ...(status?.operation ? [status.operation] : []),
  ...(status?.history ?? []),
];

/** The last try to enter the flavor, if that failed, or goes back since it did, and nothing but a retry begins another. */
export function failedTry(loadBalancer: LoadBalancer, flavorId: string | undefined): Operation | undefined {
  const { status } = loadBalancer;
  const last = operationsOf(loadBalancer).find(({ kind, to }) => kind !== 'Failover' && to === flavorId);
  if (last?.result !== 'Failed') return undefined;
  return !last.finishedAt || status?.failedFlavorId === flavorId || last.kind === 'Create' ? last : undefined;
}

/** What the object says of the wait. Pure; never Done while the operator has something of it to do. */
export function outcomeOf(loadBalancer: LoadBalancer, aim: Aim): Outcome {
  const { metadata, status } = loadBalancer;
  if (metadata.deletionTimestamp) {
    return over(new NotFound('Deleting', `load balancer ${metadata.name} is being deleted`, { loadBalancer }));
  }
  if (isAwaited(loadBalancer)) return WAITING;
  const running = runningOperation(loadBalancer);
  // Nobody has to wait for the end of a resize that somebody else asked for.
  const foreign = aim.kind === 'Resize' && running?.kind === 'Resize' && ![running.to, wantedFlavor(loadBalancer)].includes(aim.flavorId);
  if (!foreign && (running || status?.provisioningStatus?.startsWith('PENDING_'))) return WAITING;
  return aim.kind === 'Failover' ? failoverOutcome(loadBalancer, aim) : resizeOutcome(loadBalancer, aim);
}

/** What the spec asks for; unset keeps what is in force. */
const wantedFlavor = ({ spec, status }: LoadBalancer): string | undefined => spec.flavorId ?? status?.flavorId;

function resizeOutcome(loadBalancer: LoadBalancer, aim: Aim): Outcome {
  const { metadata, status } = loadBalancer;
  const fresh = operationsOf(loadBalancer).filter(({ number }) => number > aim.since);
  if (status?.flavorId !== undefined && (aim.flavorId ?? status.flavorId) === status.flavorId) {
    // A retry of a failover that failed asks for no other flavor.
    return fresh[0]?.kind === 'Failover' && fresh[0].result === 'Failed' ? over(failure(loadBalancer, fresh[0])) : { is: 'Done' };
  }
  const own = fresh.find(({ kind, to }) => kind !== 'Failover' && to === aim.flavorId);
  const wanted = wantedFlavor(loadBalancer);
  if (wanted === aim.flavorId) {
    const refusal = refusalIn(loadBalancer, aim);
    if (refusal) return over(refusal);
    const failed = failedTry(loadBalancer, aim.flavorId);
    return failed ? over(failure(loadBalancer, failed)) : WAITING;
  }
  if (own?.result === 'Succeeded') return { is: 'Done' };
  if (own?.result === 'Failed') return over(failure(loadBalancer, own));
  const what = `the resize of load balancer ${metadata.name} to ${aim.flavorId}`;
  if (own?.result === 'Cancelled' || wanted === status?.flavorId) {
    const words = `${what} was cancelled: flavorId was set back to ${status?.flavorId}`;
    return over(new Cancelled('ResizeCancelled', words, { loadBalancer }));
  }
  return over(new Superseded('ResizeSuperseded', `${what} gave way to one to ${wanted}`, { loadBalancer }));
}

function failoverOutcome(loadBalancer: LoadBalancer, { since }: Aim): Outcome {
  const { name } = loadBalancer.metadata;
  // A create or resize that begins answers the request too: all its amphorae are new.
  const last = operationsOf(loadBalancer).find(({ number }) => number > since);
  if (!last) return WAITING;
  if (last.result === 'Succeeded') return { is: 'Done' };
  if (last.result === 'Failed') return over(failure(loadBalancer, last));
  const words = `the failover of load balancer ${name} gave way to another change: ask for it again`;
  return over(new Superseded('FailoverSuperseded', words, { loadBalancer }));
}

/** The operator's refusal of the flavor that is aimed at. */
function refusalIn(loadBalancer: LoadBalancer, { flavorId }: Aim): Refused | undefined {
  const { spec, status } = loadBalancer;
  if (status?.resize !== 'Refused' || spec.flavorId !== flavorId) return undefined;
  const said = status.conditions?.find(({ type }) => type === 'Ready');
  return said && new Refused(said.reason, said.message, { loadBalancer });
}

function failure(loadBalancer: LoadBalancer, { kind, to, reason = 'ResizeFailed', message = 'see status.history' }: Operation): Failed {
  const { metadata, status } = loadBalancer;
  const what = kind === 'Failover' ? 'the failover' : kind === 'Create' ? 'the creation' : `the resize to ${to}`;
  const rest = status?.flavorId ? ` Flavor ${status.flavorId} is in force and serves.` : '';
  return new Failed(reason, `${what} of load balancer ${metadata.name} failed: ${message.replace(/[.\s]*$/, '.')}${rest}`, {
    loadBalancer,
  });
}
