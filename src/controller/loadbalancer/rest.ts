import { isDeepStrictEqual } from 'node:util';
import { type Amphora, conditionOf, epoch, rfc3339 } from '../../api/index.ts';
import { isDraining, isLost, serves } from '../amphora/view.ts';
import { refusalOf } from './accept.ts';
import type { Act } from './acts.ts';
import { begun, type Plan, type Verdict } from './decision.ts';
import { names, slotsOf, steer, unconfigured } from './goals.ts';
import { type Book, bookOf, hasFailed, requestsOf, retryDelay } from './operation.ts';
import { listenerPorts } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

/** No operation at hand: begin one if the spec, a request or a loss asks for it; else keep what is in force as it should be. */
export function rest(world: World): Plan {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  const book = bookOf(lb);
  if (book.flavorId === undefined) return adopt(world) ?? create(world);

  const requests = requestsOf(lb);
  const retry = requests.retry !== undefined && requests.retry !== book.handledRequests?.retry;
  const failover = requests.failover !== undefined && requests.failover !== book.handledRequests?.failover;
  const tried = wanted === book.failedFlavorId;
  const refusal = wanted !== book.flavorId && (!tried || retry) ? refusalOf(world, wanted!) : undefined;
  const { fit, unfit, extra, missing } = inForce(world);
  const stale = [...unfit, ...extra].filter((v) => v.object.spec.steering === 'Detached');
  if (stale.length > 0) {
    const message = `Clearing ${names(stale)}, which belongs to nothing any more.`;
    return { acts: steer(stale, 'Draining'), book, verdict: { phase: 'Pending', reason: 'ConfigurationPending', message } };
  }
  const all = [...fit, ...unfit, ...extra].map((v) => v.object.metadata.name);

  if (wanted !== book.flavorId && (!tried || retry) && !refusal) return begun(world, { kind: 'Resize', to: wanted!, replaces: all });
  const again = retry && hasFailed(book, 'Failover', book.flavorId);
  if (failover || again)
    return begun(world, { kind: 'Failover', to: book.flavorId, replaces: all, reason: failover ? 'FailoverRequested' : undefined });

  if (missing > 0) {
    const last = book.operation;
    const delay =
      last && hasFailed(book, 'Failover', book.flavorId) && !retry
        ? (epoch(last.finishedAt) ?? 0) + retryDelay(last.attempt) - world.now
        : 0;
    if (delay <= 0)
      return begun(world, {
        kind: 'Failover',
        to: book.flavorId,
        replaces: unfit.map((v) => v.object.metadata.name),
        reason: 'AmphoraLost',
      });
    const message = `The failover failed and is tried again at ${rfc3339(world.now + delay)}: ${last!.message}`;
    return {
      acts: [...upkeep(fit, extra)],
      book,
      verdict: { phase: 'Failed', reason: 'FailoverFailed', message },
      requeueAfterMs: delay,
    };
  }
  const answered: Book = {
    ...book,
    // A retry that is refused has not been answered yet.
    handledRequests: retry && !refusal ? { ...book.handledRequests, ...requests } : book.handledRequests,
    failedFlavorId: tried ? book.failedFlavorId : undefined,
  };
  return {
    acts: upkeep(fit, extra),
    book: answered,
    verdict: verdictAtRest(world, answered, fit, refusal),
    requeueAfterMs: undefined,
  };
}

/** The status was lost but its amphorae live: the flavor of those behind the VIP is in force; those that serve first, then the one wanted. */
function adopt(world: World): Plan | undefined {
  const rank = (a: Amphora) => (serves(a) ? 2e9 : 0) + (a.spec.flavorId === world.wantedFlavorId ? 1e9 : 0) + a.spec.operation;
  const attached = world.amphorae.map((v) => v.object).filter((a) => a.spec.steering === 'Attached');
  const adopted = attached.sort((a, b) => rank(b) - rank(a))[0];
  if (!adopted) return undefined;
  const book = { ...bookOf(world.loadBalancer), flavorId: adopted.spec.flavorId, topology: adopted.spec.flavorData.loadbalancerTopology };
  const message = `Amphorae of flavor ${adopted.spec.flavorId} are behind the VIP already: taken over.`;
  return { acts: [], book, commits: true, verdict: { phase: 'Pending', reason: 'ConfigurationPending', message }, requeueAfterMs: 0 };
}

function create(world: World): Plan {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  const book = bookOf(lb);
  const refused = (reason: string, message: string): Plan => ({ acts: [], book, verdict: { phase: 'Refused', reason, message } });
  if (wanted === undefined) return refused('FlavorRequired', 'Set spec.flavorId to the name of a flavor: the operator has no default one.');
  const refusal = refusalOf(world, wanted);
  if (refusal) return refused(refusal.reason, refusal.message);
  const left = world.amphorae.filter((v) => !isDraining(v.object));
  if (left.length > 0)
    return {
      acts: steer(left, 'Draining'),
      book,
      verdict: { phase: 'Pending', reason: 'ConfigurationPending', message: 'Clearing what an earlier attempt left.' },
    };
  const { retry } = requestsOf(lb);
  const asked = retry !== undefined && retry !== book.handledRequests?.retry;
  if (hasFailed(book, 'Create', wanted) && !asked) {
    const delay = epoch(book.operation!.finishedAt)! + retryDelay(book.operation!.attempt) - world.now;
    const message = `${ended(book.operation!.message ?? '')} It is tried again by itself, or at once when the annotation reflavor.dev/retry is given a new value.`;
    if (delay > 0) return { acts: [], book, verdict: { phase: 'Failed', reason: 'CreateFailed', message }, requeueAfterMs: delay };
  }
  return begun(world, { kind: 'Create', to: wanted, replaces: [] });
}

/** The amphorae of the flavor in force, one a slot; those that must be replaced; those that nothing needs; how many slots are empty. */
function inForce(world: World): { fit: AmphoraView[]; unfit: AmphoraView[]; extra: AmphoraView[]; missing: number } {
  const { flavorId, topology } = world.loadBalancer.status ?? {};
  const living = world.amphorae.filter((v) => !isDraining(v.object));
  const good = living.filter((v) => !isLost(v.object) && v.object.spec.flavorId === flavorId);
  const rank = (v: AmphoraView) => (v.object.spec.steering === 'Attached' ? 1e9 : 0) + v.object.spec.operation;
  const slots = slotsOf(topology ?? 'SINGLE');
  const fit = slots.flatMap((slot) =>
    good
      .filter((v) => v.object.spec.slot === slot)
      .sort((a, b) => rank(b) - rank(a))
      .slice(0, 1),
  );
  const missing = slots.length - fit.length;
  const rest = living.filter((v) => !fit.includes(v));
  return missing > 0 ? { fit, unfit: rest, extra: [], missing } : { fit, unfit: [], extra: rest, missing };
}

/** What keeps the flavor in force as it should be: attached, and what nothing needs gone. */
function upkeep(fit: AmphoraView[], extra: AmphoraView[]): Act[] {
  const acts = steer(
    fit.filter((v) => v.object.spec.steering !== 'Attached'),
    'Attached',
  );
  if (fit.some((v) => serves(v.object))) acts.push(...steer(extra, 'Draining'));
  return acts;
}

function verdictAtRest(world: World, book: Book, fit: AmphoraView[], refusal: { reason: string; message: string } | undefined): Verdict {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  if (refusal) return { phase: 'Refused', ...refusal };
  if (wanted !== book.flavorId) {
    const cause = [book.operation, ...(book.history ?? [])].find((o) => o?.kind === 'Resize' && o.to === wanted && o.result === 'Failed');
    const message = `The resize to ${wanted} failed: ${ended(cause?.message ?? 'see status.history')} Flavor ${book.flavorId} is in force and serves. Mend the cause and set the annotation reflavor.dev/retry to a new value, or set flavorId back to ${book.flavorId}.`;
    return { phase: 'Failed', reason: cause?.reason ?? 'ResizeFailed', message };
  }
  if (hasFailed(book, 'Failover', book.flavorId!)) {
    const message = `The failover failed: ${ended(book.operation!.message ?? '')} What was in force serves on. Set the annotation reflavor.dev/retry to a new value to try again.`;
    return { phase: 'Failed', reason: book.operation!.reason ?? 'FailoverFailed', message };
  }
  const unready = fit.find((v) => !serves(v.object));
  if (unready)
    return { phase: 'Pending', reason: 'ConfigurationPending', message: `Waiting for amphora ${unready.object.metadata.name} to serve.` };
  for (const view of fit) {
    const unmet = unconfigured(view);
    if (unmet?.paused) {
      const reason = conditionOf(view.object.status?.conditions, 'Configured')?.reason ?? 'ConfigurationRefused';
      return { phase: 'Failed', reason, message: unmet.message };
    }
    if (unmet) return { phase: 'Pending', reason: 'ConfigurationPending', message: unmet.message };
  }
  const problem = world.problems[0] ?? world.notices[0];
  if (problem) {
    const port = listenerPorts(lb).find((l) => l.name === problem.listener)?.port;
    const still =
      port !== undefined && world.vip?.ports.includes(port) ? 'It serves on as it was.' : 'It is closed until then; the others serve.';
    return { phase: 'Failed', reason: problem.reason, message: `Listener ${problem.listener}: ${problem.message} ${still}` };
  }
  const closed = listenerPorts(lb).filter((l) => !world.vip?.ports.includes(l.port));
  if (closed.length > 0) return { phase: 'Pending', reason: 'VipPending', message: `Opening port ${closed[0]!.port} of the VIP.` };
  const remade = remadeFlavor(world, fit);
  return { phase: 'Steady', reason: 'AsSpecified', message: `Flavor ${book.flavorId} is in force; everything is as specified.${remade}` };
}

/** A Flavor that was deleted and made again with other data is told of, not applied: a resize is asked for by flavorId alone. */
function remadeFlavor(world: World, fit: AmphoraView[]): string {
  const id = world.loadBalancer.status?.flavorId;
  const found = id === undefined ? undefined : world.lookup(id);
  if (!found || !('flavor' in found) || fit.every((v) => isDeepStrictEqual(v.object.spec.flavorData, found.flavor.data))) return '';
  return ` Flavor ${id} has other data now than its amphorae run with; that is not applied to them: set flavorId to another flavor to change them.`;
}

/** A sentence that others can follow. */
const ended = (text: string): string => text.replace(/[.\s]*$/, '.');
