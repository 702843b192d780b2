import { LOADBALANCER_FINALIZER, rfc3339 } from '../../api/index.ts';
import { isDrained } from '../amphora/view.ts';
import type { Act } from './acts.ts';
import { goBack } from './backward.ts';
import type { Plan } from './decision.ts';
import { goOn } from './forward.ts';
import { type Book, bookOf } from './operation.ts';
import { mayClose, portsToServe } from './ports.ts';
import { rest } from './rest.ts';
import type { World } from './world.ts';

/** Decides one visit. Pure: the same world gives the same plan. */
export function plan(world: World): Plan {
  const { loadBalancer: lb } = world;
  if (lb.metadata.deletionTimestamp) return deletion(world);
  if (lb.spec.suspend) return suspension(world);
  if (!lb.metadata.finalizers?.includes(LOADBALANCER_FINALIZER)) {
    return {
      acts: [{ type: 'AddFinalizer' }],
      book: bookOf(lb),
      verdict: { phase: 'Pending', reason: 'ConfigurationPending', message: 'Taking the load balancer on.' },
    };
  }
  const { operation } = bookOf(lb);
  const running = operation && !operation.finishedAt;
  const decided = running ? (operation.result ? goBack(world, operation) : goOn(world, operation)) : rest(world);
  return { ...decided, acts: [...decided.acts, ...vipPorts(world, decided.book), ...housekeeping(world), ...clearStrays(world)] };
}

/** Deletion: the VIP first, so that no new connection comes; then the amphorae; then the object may go. */
function deletion(world: World): Plan {
  const { loadBalancer: lb, amphorae, vip, strays } = world;
  const acts: Act[] = [];
  if (vip) acts.push({ type: 'ReleaseVip' });
  else if (amphorae.length > 0) {
    for (const { object } of amphorae)
      if (!object.metadata.deletionTimestamp) acts.push({ type: 'DeleteAmphora', name: object.metadata.name });
  } else if (strays.length > 0)
    acts.push(...strays.filter(({ isEnding }) => !isEnding).map(({ name }): Act => ({ type: 'DestroyStray', name })));
  else if (lb.metadata.finalizers?.includes(LOADBALANCER_FINALIZER)) acts.push({ type: 'RemoveFinalizer' });
  const left = amphorae.length + strays.length;
  const message = vip ? 'Releasing the VIP.' : left > 0 ? `Waiting for ${left} amphorae to end.` : 'Everything of it is gone.';
  return { acts, book: bookOf(lb), verdict: { phase: 'Deleting', reason: 'Deleting', message } };
}

/** Nothing is done; the deadline of an operation at hand stands still. */
function suspension(world: World): Plan {
  const book = bookOf(world.loadBalancer);
  const { operation } = book;
  const running = operation && !operation.finishedAt;
  const message = running
    ? `Suspended in the middle of operation ${operation.number}; what serves goes on. Set spec.suspend to false to go on with it.`
    : 'Suspended; what serves goes on. Set spec.suspend to false to let the operator act.';
  const paused = running ? { ...operation, pausedAt: operation.pausedAt ?? rfc3339(world.now) } : operation;
  return { acts: [], book: { ...book, operation: paused }, verdict: { phase: 'Suspended', reason: 'Suspended', message } };
}

/** Amphorae that belong neither to the flavor in force nor to the operation at hand: destroyed once drained. Never holds anything up. */
function housekeeping(world: World): Act[] {
  const { strategy } = world.loadBalancer.spec;
  return world.amphorae
    .map((v) => v.object)
    .filter((a) => !a.metadata.deletionTimestamp && isDrained(a, strategy, world.now))
    .map((a) => ({ type: 'DeleteAmphora', name: a.metadata.name }));
}

/** What runs though no object stands for it, as after a restore: it goes as soon as new connections reach another one. */
function clearStrays(world: World): Act[] {
  const reached = world.vip?.attached ?? [];
  const isOther = (name: string) => !world.strays.some((stray) => stray.name === name);
  const free = world.strays.filter(({ name, isEnding }) => !isEnding && (!reached.includes(name) || reached.some(isOther)));
  return free.map(({ name }) => ({ type: 'DestroyStray', name }));
}

/** The VIP is as it should be at every visit, also in the middle of an operation: listeners may be edited at any time. */
function vipPorts(world: World, book: Book): Act[] {
  if (book.flavorId === undefined && !book.operation) return [];
  const ports = portsToServe(world);
  const now = world.vip?.ports ?? [];
  if (world.vip && !world.vip.outdated && !world.vipProblem && ports.join() === now.join()) return [];
  return [{ type: 'EnsureVip', ports, closes: mayClose(world, ports) }];
}
