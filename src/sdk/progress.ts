import { GOALS } from '../api/names.ts';
import type { LoadBalancer } from './kinds.ts';
import { runningOperation } from './outcome.ts';
import type { Goal, Operation } from './types.ts';

/** A goal of an operation. */
export interface GoalProgress {
  name: Goal;
  met: boolean;
  /** Seconds from the operation's start until it was first met, by the operator's clock, which tells whole seconds. */
  afterSeconds?: number;
}

/** How far an operation is. */
export interface Progress {
  /** The object that this was read from. */
  loadBalancer: LoadBalancer;
  /**
   * `Waiting`: the operator has not taken the request up, or ends another operation first. `Suspended`: nothing happens until `spec.suspend`
   * is false. `Running`, `GoingBack`: the operation is under way, forwards or back. `Finishing`: the last goal is met, the end not yet told.
   */
  state: 'Waiting' | 'Suspended' | 'Running' | 'GoingBack' | 'Finishing';
  /** The operation that is waited for, once it has begun. */
  operation?: Operation;
  /** All eight, in their order. */
  goals: GoalProgress[];
  /** The goal being worked on. */
  goal?: Goal;
  /** What is being waited for, for people. */
  message: string;
  /** Seconds since this wait began. */
  elapsedSeconds: number;
  /** Open connections of the amphorae that are replaced, or drain. */
  connectionsLeft: { amphora: string; connections: number; draining: boolean }[];
}

/** What an object says of its last operation, if that has a number larger than `since`. Pure. */
export function progressOf(loadBalancer: LoadBalancer, since: number, elapsedSeconds: number): Progress {
  const { status } = loadBalancer;
  const operation = status?.operation && status.operation.number > since ? status.operation : undefined;
  const state = stateOf(loadBalancer, operation);
  const replaced = operation?.replaces ?? [];
  return {
    loadBalancer,
    state,
    operation,
    goals: goalsOf(operation),
    goal: operation?.finishedAt ? undefined : operation?.step,
    message: messageOf(loadBalancer, state, operation),
    elapsedSeconds,
    connectionsLeft: (status?.amphorae ?? [])
      .filter(({ name, traffic }) => traffic === 'Draining' || replaced.includes(name))
      .map(({ name, traffic, connections = 0 }) => ({ amphora: name, connections, draining: traffic === 'Draining' })),
  };
}

function stateOf({ spec }: LoadBalancer, operation: Operation | undefined): Progress['state'] {
  if (spec.suspend) return 'Suspended';
  if (!operation) return 'Waiting';
  if (operation.finishedAt) return 'Finishing';
  return operation.result ? 'GoingBack' : 'Running';
}

/** The goals of an operation, in their order. */
export function goalsOf(operation: Operation | undefined): GoalProgress[] {
  return GOALS.map((name) => {
    const metAt = operation?.goals?.find((goal) => goal.name === name)?.metAt;
    return metAt === undefined ? { name, met: false } : { name, met: true, afterSeconds: secondsBetween(operation!.startedAt, metAt) };
  });
}

/** Seconds between two moments in RFC 3339; never less than 0. */
export const secondsBetween = (from: string, to: string): number => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

function messageOf(loadBalancer: LoadBalancer, state: Progress['state'], operation: Operation | undefined): string {
  const { status } = loadBalancer;
  const earlier = runningOperation(loadBalancer);
  if (state === 'Suspended') return 'Suspended: nothing is done until spec.suspend is false.';
  if (state === 'Waiting' && earlier) return `Waiting for operation ${earlier.number} to end: ${earlier.message ?? ''}`;
  if (state === 'Waiting') return 'Waiting for the operator to take it up.';
  if (state === 'Finishing') return status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
  return operation?.message ?? '';
}
