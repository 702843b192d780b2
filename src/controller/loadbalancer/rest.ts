import { isDeepStrictEqual } from 'node:util';
import { type Amphora, conditionOf, epoch, type Operation, type Reason, requestsOf, rfc3339 } from '../../api/index.ts';
import { isDisrupted, isDraining, isLost, lossOf, readyCondition, serves } from '../amphora/view.ts';
import { refusalOf, warningOf } from './accept.ts';
import type { Act } from './acts.ts';
import { begun, type Plan, type Verdict } from './decision.ts';
import { names, slotsOf, steer, unconfigured } from './goals.ts';
import { type Begun, type Book, bookOf, hasFailed, retryDelay, wasDisrupted, withLast } from './operation.ts';
import { listenerPorts, listensOnVip } from './ports.ts';
import type { AmphoraView, World } from './world.ts';

type Cause = NonNullable<Operation['cause']>;

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

  if (wanted !== book.flavorId && (!tried || retry) && !refusal)
    return begun(world, { kind: 'Resize', to: wanted!, replaces: all, warning: warningOf(world, wanted!) });
  const again = retry && hasFailed(book, 'Failover', book.flavorId);
  if (failover) {
    const cause = { reason: 'FailoverRequested', message: 'It was asked for by annotation.' };
    return begun(world, { kind: 'Failover', to: book.flavorId, replaces: all, cause });
  }
  if (again) return begun(world, { kind: 'Failover', to: book.flavorId, replaces: all, cause: book.operation!.cause });

  const need = missing > 0 ? afterLoss(fit, unfit) : beforeDisruption(fit, extra);
  if (need) {
    const delay = untilNext(book, need.cause.reason, world.now);
    if (delay <= 0) return { ...begun(world, { kind: 'Failover', to: book.flavorId, ...need }), isDecisive: true };
    const failed = hasFailed(book, 'Failover', book.flavorId);
    const when = `it is tried again at ${rfc3339(world.now + delay)}`;
    return {
      acts: upkeep(world, fit, extra),
      book,
      verdict: failed
        ? { phase: 'Failed', reason: 'FailoverFailed', message: `The failover failed, ${when}: ${book.operation!.message}` }
        : { phase: 'Pending', reason: need.cause.reason, message: `${need.cause.message} A failover has not helped for long; ${when}.` },
      requeueAfterMs: delay,
    };
  }
  const answered: Book = {
    ...book,
    // A retry that is refused is answered too: like any change that is refused, it is begun as soon as it may be.
    handledRequests: retry ? { ...book.handledRequests, ...requests } : book.handledRequests,
    failedFlavorId: tried && !retry ? book.failedFlavorId : undefined,
    ...forgotten(book),
  };
  return {
    acts: upkeep(world, fit, extra),
    book: answered,
    verdict: verdictAtRest(world, answered, fit, refusal),
    requeueAfterMs: undefined,
  };
}

/** The failover that a loss asks for: what still serves stays. */
function afterLoss(fit: AmphoraView[], unfit: AmphoraView[]): Pick<Begun, 'replaces' | 'cause'> & { cause: Cause } {
  const told = unfit.flatMap((v) => lossTold(v, fit) ?? []);
  const message = told.join(' ') || 'An amphora is gone, and its object too.';
  return { replaces: unfit.map((v) => v.object.metadata.name), cause: causeOf('AmphoraLost', message) };
}

function lossTold(view: AmphoraView, fit: AmphoraView[]): string | undefined {
  const { object } = view;
  if (isLost(object)) return `Amphora ${object.metadata.name} was lost: ${ended(lossOf(object)?.message ?? 'its object was deleted')}`;
  if (fit.every((v) => v.object.spec.role === 'BACKUP') && object.spec.role === 'BACKUP')
    return `Amphorae ${names([...fit, view])} both stand by, so that none is active: ${object.metadata.name} gives way to another.`;
  if (!isActive(view) || !fit.some(isActive)) return undefined;
  return `Amphorae ${names([...fit, view])} are both active, so that none stands by: ${object.metadata.name} gives way to a standby.`;
}

/**
 * The failover that a disruption asks for, while all still serve. Only the standby half of a pair is replaced alone: the other one promoted
 * would leave two active ones should the failover be taken back. What nothing needs any more goes with them: it would hold their slots.
 */
function beforeDisruption(fit: AmphoraView[], extra: AmphoraView[]): (Pick<Begun, 'replaces' | 'cause'> & { cause: Cause }) | undefined {
  const disrupted = fit.filter((v) => isDisrupted(v.object));
  if (disrupted.length === 0) return undefined;
  const standbys = disrupted.every((v) => v.object.spec.role === 'BACKUP');
  const told = disrupted.map(({ object }) => {
    const why = conditionOf(object.status?.conditions, 'DisruptionTarget')!.message;
    return `Amphora ${object.metadata.name} is to leave the place where it runs: ${ended(why)}`;
  });
  const leaving = [...(standbys ? disrupted : fit), ...extra];
  return { replaces: leaving.map((v) => v.object.metadata.name), cause: causeOf('AmphoraDisrupted', told.join(' ')) };
}

const causeOf = (reason: Reason, message: string): Cause => ({ reason, message: message.slice(0, 1024) });

/** Milliseconds until a failover may be begun for this cause: at once, unless the last one was for the same and failed, or didn't help for long. */
function untilNext(book: Book, cause: string, now: number): number {
  const { operation } = book;
  if (!operation || operation.cause?.reason !== cause) return 0;
  if (!hasFailed(book, 'Failover', book.flavorId!) && !(cause === 'AmphoraDisrupted' && wasDisrupted(book, now))) return 0;
  return (epoch(operation.finishedAt) ?? 0) + retryDelay(operation.attempt) - now;
}

/** A failover that failed, of which nothing is in need any more, is history: a disruption passed by, or what was lost is whole again. Unless somebody asked for it. */
function forgotten(book: Book): Partial<Book> {
  if (!hasFailed(book, 'Failover', book.flavorId!) || book.operation!.cause?.reason === 'FailoverRequested') return {};
  return { operation: undefined, history: withLast(book) };
}

/** The status was lost but its amphorae live: the flavor of those behind the VIP is in force; those that serve first, then the one wanted. */
function adopt(world: World): Plan | undefined {
  const rank = (a: Amphora) => (serves(a) ? 2e9 : 0) + (a.spec.flavorId === world.wantedFlavorId ? 1e9 : 0) + a.spec.operation;
  const attached = world.amphorae.map((v) => v.object).filter((a) => a.spec.steering === 'Attached');
  const adopted = attached.sort((a, b) => rank(b) - rank(a))[0];
  if (!adopted) return undefined;
  const book = { ...bookOf(world.loadBalancer), flavorId: adopted.spec.flavorId, topology: adopted.spec.flavorData.loadbalancerTopology };
  const message = `Amphorae of flavor ${adopted.spec.flavorId} are behind the VIP already: taken over.`;
  return { acts: [], book, isDecisive: true, verdict: { phase: 'Pending', reason: 'ConfigurationPending', message }, requeueAfterMs: 0 };
}

function create(world: World): Plan {
  const { loadBalancer: lb, wantedFlavorId: wanted } = world;
  const book = bookOf(lb);
  const left = world.amphorae.filter((v) => !isDraining(v.object));
  const clearing = steer(left, 'Draining');
  const { retry } = requestsOf(lb);
  const refused = (reason: string, message: string): Plan => ({
    acts: clearing,
    book: retry === undefined ? book : { ...book, handledRequests: { ...book.handledRequests, retry } },
    verdict: { phase: 'Refused', reason, message },
  });
  if (wanted === undefined) return refused('FlavorRequired', 'Set spec.flavorId to the name of a flavor: the operator has no default one.');
  const refusal = refusalOf(world, wanted);
  if (refusal) return refused(refusal.reason, refusal.message);
  if (left.length > 0)
    return {
      acts: clearing,
      book,
      verdict: { phase: 'Pending', reason: 'ConfigurationPending', message: 'Clearing what an earlier attempt left.' },
    };
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
  const rank = ({ object: a }: AmphoraView) => (serves(a) ? 2e9 : 0) + (a.spec.steering === 'Attached' ? 1e9 : 0) + a.spec.operation;
  const ranked = good.sort((a, b) => rank(b) - rank(a));
  const slots = slotsOf(topology ?? 'SINGLE');
  // The one that carries the traffic first, whatever its slot: two standbys are no pair, and of two active ones one has to go.
  const active = ranked.find(isActive);
  const others = ranked.filter((v) => !isActive(v));
  const bestOf = (slot: number) => others.find((v) => v.object.spec.slot === slot) ?? [];
  const fit = active
    ? [active, ...slots.filter((slot) => slot !== active.object.spec.slot).flatMap(bestOf)]
    : topology === 'ACTIVE_STANDBY'
      ? others.slice(0, 1)
      : slots.flatMap(bestOf);
  const missing = slots.length - fit.length;
  const rest = living.filter((v) => !fit.includes(v));
  return missing > 0 ? { fit, unfit: rest, extra: [], missing } : { fit, unfit: [], extra: rest, missing };
}

/** The active half of a pair. There are two where a standby was promoted when its active one was lost, which then came back. */
const isActive = ({ object }: AmphoraView): boolean => object.spec.role === 'MASTER';

/**
 * What keeps the flavor in force as it should be: attached, and what nothing needs gone. One that does not listen on each port of the VIP, as where a
 * status was lost in the middle of an operation, waits until it does or nothing else serves.
 */
function upkeep(world: World, fit: AmphoraView[], extra: AmphoraView[]): Act[] {
  const serving = fit.filter((v) => serves(v.object)).length;
  const acts = steer(
    fit.filter((v) => v.object.spec.steering !== 'Attached' && (serving === 0 || listensOnVip(world, v))),
    'Attached',
  );
  if (serving === fit.length) acts.push(...steer(extra, 'Draining'));
  return acts;
}

/** Why an amphora that has loaded what it should is out of the operator's hands, until somebody mends it. */
const UNCONTROLLED = new Set<string>(['IdentityBroken', 'NameConflict'] satisfies Reason[]);

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
  if (unready) {
    const cause = readyCondition(unready.object);
    const known = cause?.status === 'False' && cause.reason !== 'Starting' ? cause : undefined;
    const message = `Waiting for amphora ${unready.object.metadata.name} to serve${known ? `: ${known.message}` : '.'}`;
    return { phase: 'Pending', reason: known?.reason ?? 'ConfigurationPending', message };
  }
  for (const view of fit) {
    const unmet = unconfigured(view);
    if (unmet?.paused) {
      const reason = conditionOf(view.object.status?.conditions, 'Configured')?.reason ?? 'ConfigurationRefused';
      return { phase: 'Failed', reason, message: unmet.message };
    }
    if (unmet) return { phase: 'Pending', reason: 'ConfigurationPending', message: unmet.message };
    const control = conditionOf(view.object.status?.conditions, 'Configured');
    if (control?.status === 'False' && UNCONTROLLED.has(control.reason)) {
      const message = `The operator can't control amphora ${view.object.metadata.name}, which goes on with what it has: ${control.message}`;
      return { phase: 'Failed', reason: control.reason, message };
    }
  }
  const problem = world.problems[0] ?? world.notices.find((notice) => !notice.warning);
  if (problem) {
    const port = listenerPorts(lb).find((l) => l.name === problem.listener)?.port;
    const still =
      port !== undefined && world.vip?.ports.includes(port) ? 'It serves on as it was.' : 'It is closed until then; the others serve.';
    return { phase: 'Failed', reason: problem.reason, message: `Listener ${problem.listener}: ${problem.message} ${still}` };
  }
  if (world.vip?.problem) return { phase: 'Pending', ...world.vip.problem };
  const closed = listenerPorts(lb).filter((l) => !world.vip?.ports.includes(l.port));
  if (closed.length > 0) return { phase: 'Pending', reason: 'VipPending', message: `Opening port ${closed[0]!.port} of the VIP.` };
  const warnings = world.notices.map(({ listener, message }) => ` Listener ${listener}: ${message}`).join('');
  const message = `Flavor ${book.flavorId} is in force; everything is as specified.${remadeFlavor(world, fit)}${warnings}`;
  return { phase: 'Steady', reason: 'AsSpecified', message };
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
