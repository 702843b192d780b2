import {
  type Amphora,
  epoch,
  GOALS,
  type LoadBalancer,
  type LoadBalancerStatus,
  type Operation,
  requestsOf,
  rfc3339,
  type Strategy,
} from '../../api/index.ts';
import { nextOperationNumber } from './naming.ts';

/** The part of the status that decisions rest on, carried from visit to visit. */
export type Book = Pick<
  LoadBalancerStatus,
  'flavorId' | 'topology' | 'operation' | 'history' | 'lastOperationNumber' | 'handledRequests' | 'failedFlavorId'
>;

/** How many operations that are over the status keeps. */
const HISTORY = 10;

export function bookOf({ status = { observedGeneration: -1 } }: LoadBalancer): Book {
  const { flavorId, topology, operation, history, lastOperationNumber, handledRequests, failedFlavorId } = status;
  return { flavorId, topology, operation, history, lastOperationNumber, handledRequests, failedFlavorId };
}

/** Whether the last operation, of this kind, is one that failed on its way to this flavor. */
export const hasFailed = (book: Book, kind: Operation['kind'], to: string): boolean =>
  book.operation?.kind === kind &&
  book.operation.to === to &&
  book.operation.result === 'Failed' &&
  book.operation.finishedAt !== undefined;

/** The history with the last operation in it. */
export const withLast = ({ operation, history = [] }: Book): Book['history'] =>
  operation ? [operation, ...history].slice(0, HISTORY) : history;

/** What an operation is begun with. */
export type Begun = Pick<Operation, 'kind' | 'to' | 'replaces' | 'cause' | 'warning'>;

/** How long ago a failover before a disruption may have ended for the next one to be its repetition; milliseconds. */
const REPEATED_MS = 600_000;

/** Whether the last operation made way for a disruption as well, and not long ago: however it ended, it didn't help for long. */
export const wasDisrupted = ({ operation }: Book, now: number): boolean =>
  operation?.cause?.reason === 'AmphoraDisrupted' && now - (epoch(operation.finishedAt) ?? now) < REPEATED_MS;

/**
 * The book with a new operation in it. Its number is one that was never used, all requests made up to now are answered by it, and the
 * operation before goes into the history.
 */
export function record(lb: LoadBalancer, amphorae: Amphora[], now: number, operation: Begun): Book {
  const book = bookOf(lb);
  const number = nextOperationNumber(lb, amphorae);
  const again =
    hasFailed(book, operation.kind, operation.to) || (operation.cause?.reason === 'AmphoraDisrupted' && wasDisrupted(book, now));
  const attempt = again ? book.operation!.attempt + 1 : 1;
  return {
    ...book,
    history: withLast(book),
    lastOperationNumber: number,
    handledRequests: { ...book.handledRequests, ...requestsOf(lb) },
    failedFlavorId: operation.kind === 'Failover' ? book.failedFlavorId : undefined,
    operation: {
      number,
      ...operation,
      reason: operation.cause?.reason,
      from: book.flavorId,
      attempt,
      startedAt: rfc3339(now),
      deadline: rfc3339(now + lb.spec.strategy.progressDeadlineSeconds * 1000),
      goals: GOALS.slice(0, 2).map((name) => ({ name, metAt: rfc3339(now) })),
      step: 'Built',
      progress: `2/${GOALS.length}`,
    },
  };
}

/**
 * The operation with the goals met so far (a first time is kept), the step at hand and the deadline: it counts from the last goal met,
 * leaves out the times that settling and verifying take, and stands still while paused.
 *
 * @param met how many goals are met now
 */
export function advanced(
  operation: Operation,
  strategy: Strategy,
  met: number,
  now: number,
  message: string | undefined,
  paused: boolean,
): Operation {
  const goals = operation.goals ?? [];
  const added = GOALS.slice(0, met).filter((name) => !goals.some((g) => g.name === name));
  const waits: Record<string, number> = { Attached: strategy.settleSeconds, Detached: strategy.settleSeconds + strategy.verifySeconds };
  const step = GOALS[Math.min(met, GOALS.length - 1)]!;
  let deadline = epoch(operation.deadline) ?? now;
  if (added.length > 0) deadline = now + (strategy.progressDeadlineSeconds + (waits[step] ?? 0)) * 1000;
  const pausedAt = epoch(operation.pausedAt);
  if (!paused && pausedAt !== undefined) deadline += now - pausedAt;
  return {
    ...operation,
    goals: [...goals, ...added.map((name) => ({ name, metAt: rfc3339(now) }))],
    step,
    progress: `${met}/${GOALS.length}`,
    message: message?.slice(0, 2048),
    deadline: rfc3339(deadline),
    pausedAt: paused ? (operation.pausedAt ?? rfc3339(now)) : undefined,
  };
}

/** Whether the next goal is overdue; never before a process that was away has had a while to look. */
export function isOverdue(operation: Operation, strategy: Strategy, visitedSince: number, now: number): boolean {
  if (operation.pausedAt !== undefined) return false;
  const look = Math.min(strategy.progressDeadlineSeconds, 60) * 1000;
  return now > Math.max(epoch(operation.deadline) ?? 0, visitedSince + look);
}

/** Milliseconds to wait before an operation that nobody can be expected to retry is tried again; doubles from 10 s to 5 min. */
export const retryDelay = (attempt: number): number => Math.min(10_000 * 2 ** (attempt - 1), 300_000);
