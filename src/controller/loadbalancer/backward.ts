import { epoch, type Operation, rfc3339 } from '../../api/index.ts';
import { isDraining, isInRole, isLost, isObserved, isReady, serves } from '../amphora/view.ts';
import type { Plan, Verdict } from './decision.ts';
import { flowOf, names, steer, topologyOf } from './goals.ts';
import { bookOf } from './operation.ts';
import { listensOnVip } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

/** An operation at hand, backwards: the old ones take the traffic again, then the new ones go, then it is over. */
export function goBack(world: World, operation: Operation): Plan {
  const book = bookOf(world.loadBalancer);
  const flow = flowOf(world, operation, topologyOf(world, operation));
  const verdict: Verdict = { phase: 'GoingBack', reason: 'OperationInProgress', message: `Going back: ${operation.message ?? ''}` };
  const { settleSeconds } = world.loadBalancer.spec.strategy;
  const wait = (message: string, waitMs = 1000): Plan => ({
    acts: [],
    book,
    verdict: { ...verdict, message: `${verdict.message} ${message}` },
    requeueAfterMs: waitMs,
  });
  const isInForce = ({ object }: AmphoraView) => object.spec.flavorId === book.flavorId;
  const isOneReady = world.amphorae.some((v) => isInForce(v) && isReady(v.object) && !isDraining(v.object));
  // What an earlier operation left of another flavor counts only where nothing of the one in force can take the traffic.
  const counts = (v: AmphoraView) => isInForce(v) || !isOneReady;
  const alive = flow.old.filter((v) => !isLost(v.object) && counts(v));
  const out = alive.filter((v) => v.object.spec.steering !== 'Attached');
  const serving = world.amphorae.some((v) => serves(v.object));
  // One that runs and lacks a port of the VIP would refuse connections which the others take.
  const unfit = serving ? out.filter((v) => isReady(v.object) && !listensOnVip(world, v)) : [];
  if (out.length > unfit.length)
    return {
      acts: steer(
        out.filter((v) => !unfit.includes(v)),
        'Attached',
      ),
      book,
      verdict,
    };
  if (unfit.length > 0) return wait(`Waiting for ${names(unfit)} to listen on every port of the VIP.`);
  const ready = alive.filter((v) => isReady(v.object));
  // One whose detach was under way is seen behind the VIP for a moment, and goes all the same unless it is attached once more.
  const away = ready.filter((v) => !serves(v.object) || !isInRole(v.object.status!, v.object.spec.role));
  if (away.length > 0) return wait(`Waiting for ${names(away)} to be behind the VIP again.`);
  // One that was to be taken away, and wasn't, may not have been heard of for long.
  const unheard = ready.filter((v) => !isObserved(v.object));
  if (unheard.length > 0) return wait(`Waiting for ${names(unheard)} to be seen to serve.`);
  const closed = ready.filter((v) => !world.vip || !listensOnVip(world, v));
  if (closed.length > 0) return wait(`Waiting for ${names(closed)} to listen on every port of the VIP.`);
  const settled = Math.max(0, ...ready.map((v) => epoch(v.object.status?.steeredAt) ?? 0)) + settleSeconds * 1000;
  if (settled > world.now) return wait(`Settling for ${settleSeconds} s.`, settled - world.now);
  const others = [...flow.old, ...flow.kept].filter((v) => serves(v.object) && counts(v));
  // Of the flavor in force, a new one stays where nobody serves in its slot: the half of a pair that it replaced is lost.
  const isNeeded = ({ object }: AmphoraView) =>
    operation.kind === 'Failover' ? others.every((v) => v.object.spec.slot !== object.spec.slot) : others.length === 0;
  const going = flow.fresh.filter((v) => !serves(v.object) || !isNeeded(v) || book.flavorId === undefined);
  if (going.length > 0) return { acts: steer(going, 'Draining'), book, verdict };
  const failed = operation.kind === 'Resize' && operation.result === 'Failed' ? operation.to : book.failedFlavorId;
  return {
    acts: [],
    book: { ...book, failedFlavorId: failed, operation: { ...operation, deadline: undefined, finishedAt: rfc3339(world.now) } },
    verdict,
    requeueAfterMs: 0,
  };
}
