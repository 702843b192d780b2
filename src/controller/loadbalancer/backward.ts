import { type Operation, rfc3339 } from '../../api/index.ts';
import { isLost, isReady, serves } from '../amphora/view.ts';
import { type Plan, steer, type Verdict } from './decision.ts';
import { flowOf, topologyOf } from './goals.ts';
import { bookOf } from './operation.ts';
import type { World } from './world.ts';

/** An operation at hand, backwards: the old ones take the traffic again, then the new ones go, then it is over. */
export function goBack(world: World, operation: Operation): Plan {
  const book = bookOf(world.loadBalancer);
  const flow = flowOf(world, operation, topologyOf(world, operation));
  const verdict: Verdict = { phase: 'GoingBack', reason: 'OperationInProgress', message: `Going back: ${operation.message ?? ''}` };
  const alive = flow.old.filter((v) => !isLost(v.object));
  const out = alive.filter((v) => v.object.spec.steering !== 'Attached');
  if (out.length > 0) return { acts: steer(out, 'Attached'), book, verdict };
  if (alive.some((v) => isReady(v.object) && !serves(v.object))) return { acts: [], book, verdict, requeueAfterMs: 1000 };
  const others = [...flow.old, ...flow.kept].some((v) => serves(v.object));
  const going = flow.fresh.filter((v) => others || !serves(v.object) || book.flavorId === undefined);
  if (going.length > 0) return { acts: steer(going, 'Draining'), book, verdict };
  const failed = operation.kind === 'Resize' && operation.result === 'Failed' ? operation.to : book.failedFlavorId;
  return {
    acts: [],
    book: { ...book, failedFlavorId: failed, operation: { ...operation, deadline: undefined, finishedAt: rfc3339(world.now) } },
    verdict,
    requeueAfterMs: 0,
  };
}
