import { createHash } from 'node:crypto';
import {
  conditionOf,
  isTrue,
  type LoadBalancer,
  LoadBalancerSpec,
  NOT_LOADED,
  type NotificationLedger,
  type Operation,
} from '../api/index.ts';
import { stable } from './stable.ts';

/** What an operation is to a receiver: those of the status, and what has no record there. */
export interface Turn {
  kind: Operation['kind'] | 'Update' | 'Delete';
  number?: number;
  from?: string;
  to?: string;
  step?: Operation['step'];
  attempt?: number;
  startedAt?: string;
  finishedAt?: string;
  result?: NonNullable<Operation['result']> | 'Refused';
  reason?: string;
  message?: string;
}

/** One thing to tell of a load balancer. */
export interface Notification {
  /** The same each time it is derived, unique in the life of the load balancer. */
  id: string;
  /** The type of the CloudEvent: `octavia.loadbalancer.` and Octavia's words. */
  type: string;
  /** When it happened, RFC 3339; undefined where the object doesn't tell. */
  time?: string;
  turn: Turn;
}

/**
 * All that the object has to tell of now, told or not, the oldest first. Pure: the same object gives the same ids, in any process.
 *
 * @param known what the sink knows of the spec; without it, edits are not told of
 */
export function notificationsOf(lb: LoadBalancer, known: Pick<NotificationLedger, 'specHash'> | undefined): Notification[] {
  return [...operationsOf(lb.status).flatMap(ofOperation), ...refusal(lb), ...update(lb, known?.specHash), ...deletion(lb)];
}

/** The last of a deleted load balancer; whoever removes the finalizer knows when. */
export const deleted = (time: string): Notification => ({
  ...notification('delete', 'end', { kind: 'Delete', result: 'Succeeded' }, time),
  id: DELETED,
});

/** Id of the last notification of a load balancer. */
export const DELETED = 'delete-end';

/** Type of the notification after which the sink knows of the present spec. */
export const UPDATED = 'octavia.loadbalancer.update.end';

/** Hash of what is told of as an edit: a change of flavor is a resize, and suspending changes nothing that serves. */
export function specHash({ spec }: Pick<LoadBalancer, 'spec'>): string {
  // The defaults filled in, so that cached and parsed objects give the same.
  const { flavorId: _, suspend: __, ...edited } = LoadBalancerSpec.safeParse(spec).data ?? spec;
  return createHash('sha256').update(stable(edited)).digest('hex').slice(0, 16);
}

/** Operations of a status, the oldest first. */
export const operationsOf = ({ history = [], operation }: Partial<NonNullable<LoadBalancer['status']>> = {}): Operation[] =>
  [...(operation ? [operation] : []), ...history].reverse();

const ENDS = { Succeeded: 'end', Failed: 'error', Cancelled: 'cancel', Superseded: 'cancel' } as const;

/** Its start; and its end once it is over, the way back included. */
export function ofOperation(operation: Operation): Notification[] {
  const { number, kind, from, to, step, attempt, startedAt, finishedAt, result, reason, message, cause } = operation;
  const told = (word: Word, turn: Partial<Turn>, time: string) => ({
    ...notification(lower(kind), word, { kind, number, from, to, attempt, startedAt, ...turn }, time),
    id: `${number}-${word}`,
  });
  const start = told('start', { ...cause }, startedAt);
  if (!finishedAt || !result) return [start];
  return [start, told(ENDS[result], { step, finishedAt, result, reason, message }, finishedAt)];
}

/** A flavor that was not taken: nothing began, so that there is no number. */
function refusal({ metadata, spec, status }: LoadBalancer): Notification[] {
  const stalled = conditionOf(status?.conditions, 'Stalled');
  if (status?.resize !== 'Refused' || !stalled || stalled.observedGeneration !== metadata.generation) return [];
  const { reason, message, lastTransitionTime } = stalled;
  // A spec that can't be read leaves the rest of the status as it was.
  if (NOT_LOADED.has(reason)) return [];
  const kind = status.flavorId === undefined ? 'Create' : 'Resize';
  const turn = { kind, from: status.flavorId, to: spec.flavorId, result: 'Refused', reason, message } as const;
  return [{ ...notification(lower(kind), 'error', turn, lastTransitionTime), id: `g${metadata.generation}-${lower(kind)}-error` }];
}

/** An edit of anything but the flavor, in force or not to be had. */
function update(lb: LoadBalancer, known: string | undefined): Notification[] {
  const { metadata, status } = lb;
  const { generation } = metadata;
  if (!known || metadata.deletionTimestamp || !status?.flavorId || status.observedGeneration !== generation) return [];
  const told = (word: Word, turn: Partial<Turn>): Notification[] =>
    known === specHash(lb) ? [] : [{ ...notification('update', word, { kind: 'Update', ...turn }), id: `g${generation}-update-${word}` }];
  if (isTrue(status.conditions, 'Ready')) return told('end', { result: 'Succeeded' });
  const stalled = conditionOf(status.conditions, 'Stalled');
  if (!stalled) return [];
  const { reason, message } = stalled;
  const ofEdit = NOT_LOADED.has(reason) || status.listenerProblems?.some((problem) => problem.reason === reason);
  return ofEdit ? told('error', { result: 'Failed', reason, message }) : [];
}

function deletion({ metadata: { deletionTimestamp } }: LoadBalancer): Notification[] {
  return deletionTimestamp ? [{ ...notification('delete', 'start', { kind: 'Delete' }, deletionTimestamp), id: 'delete-start' }] : [];
}

type Word = 'start' | 'end' | 'error' | 'cancel';

const notification = (what: string, word: Word, turn: Turn, time?: string): Omit<Notification, 'id'> => ({
  type: `octavia.loadbalancer.${what}.${word}`,
  time,
  turn,
});

const lower = (kind: Operation['kind']) => kind.toLowerCase();
