import { conditionOf, type LoadBalancerStatus, type Operation } from '../api/index.ts';
import type { EventContent } from './events.ts';

/** What there is to tell when a status turned from one into another: an operation's start, each goal, its end, and refusals. Pure. */
export function turnsOf(before: LoadBalancerStatus | undefined, after: LoadBalancerStatus): EventContent[] {
  return [...operationTurns(before?.operation, after.operation), ...stalledTurn(before, after), ...warningTurns(before, after)];
}

function operationTurns(before: Operation | undefined, after: Operation | undefined): EventContent[] {
  if (!after) return [];
  const same = before?.number === after.number ? before : undefined;
  const what = `${after.kind}${after.from && after.from !== after.to ? ` from ${after.from}` : ''} to ${after.to} (operation ${after.number})`;
  const normal = (reason: string, note: string): EventContent => ({ type: 'Normal', reason, action: after.kind, note });
  const turns: EventContent[] = [];
  // Accepted and Recorded are met by the record itself.
  const first = `Accepted and Recorded, 2 of 8 goals met.${after.cause ? ` ${after.cause.message}` : ''}`;
  if (!same) turns.push(normal(`${after.kind}Started`, `${what} started: ${first}`));
  if (!same && after.warning)
    turns.push({ type: 'Warning', reason: after.warning.reason, action: after.kind, note: after.warning.message });
  const known = same?.goals?.length ?? 2;
  for (const [index, goal] of (after.goals ?? []).entries()) {
    if (index >= known) turns.push(normal(goal.name, `${what}: ${goal.name}, ${index + 1} of 8 goals met.`));
  }
  if (after.result && !same?.result) {
    const { result, message = '' } = after;
    if (result === 'Failed')
      turns.push({ type: 'Warning', reason: `${after.kind}Failed`, action: after.kind, note: `${what} failed: ${message}` });
    else turns.push(normal(`${after.kind}${result}`, result === 'Succeeded' ? `${what} is done.` : `${what}: ${message}`));
  }
  if (after.finishedAt && !same?.finishedAt && after.result !== 'Succeeded')
    turns.push(normal(`${after.kind}Ended`, `${what} was taken back; what it had built is gone or going.`));
  return turns;
}

/** A refusal or another dead end, once. */
function stalledTurn(before: LoadBalancerStatus | undefined, after: LoadBalancerStatus): EventContent[] {
  const stalled = conditionOf(after.conditions, 'Stalled');
  const known = conditionOf(before?.conditions, 'Stalled');
  if (!stalled || (known?.reason === stalled.reason && known.message === stalled.message)) return [];
  return [{ type: 'Warning', reason: stalled.reason, action: 'Reconcile', note: stalled.message }];
}

/** A listener that is as specified, and yet may not do what was meant, once. */
function warningTurns(before: LoadBalancerStatus | undefined, after: LoadBalancerStatus): EventContent[] {
  const warnings = ({ listenerProblems = [] }: Partial<LoadBalancerStatus> = {}) =>
    listenerProblems.filter(({ reason }) => reason === 'ClientAddressTranslated');
  const known = new Set(warnings(before).map(({ listener }) => listener));
  return warnings(after)
    .filter(({ listener }) => !known.has(listener))
    .map(({ listener, reason, message }) => ({ type: 'Warning', reason, action: 'Reconcile', note: `Listener ${listener}: ${message}` }));
}
