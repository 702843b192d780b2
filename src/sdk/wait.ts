import { type CallOptions, type Client, translated } from './client.ts';
import { Timeout } from './errors.ts';
import type { LoadBalancer, ObjectRef } from './kinds.ts';
import { type Aim, aimOf, outcomeOf } from './outcome.ts';
import { type Progress, progressOf } from './progress.ts';
import { read, versions } from './versions.ts';

export interface WaitOptions extends CallOptions {
  /** Seconds after which it rejects with {@link Timeout}; what was asked for goes on. Default: never. */
  timeoutSeconds?: number;
}

export interface WaitOptionsWithProgress extends WaitOptions {
  /** Called for each change of what {@link Progress} says. */
  onProgress?: (progress: Progress) => void;
}

/**
 * Waits for a resize: until the flavor that the object asks for is in force, and the operator has nothing of it left to do but to let the old
 * amphorae drain. Never returns early: a status that tells of the time before the request does not count, nor does a watch that was cut.
 *
 * @param target what {@link resize}, {@link cancel} or {@link retry} gave back; with an address alone, what the object asks for when it is read
 * @returns the load balancer as it was then
 * @throws Refused, Failed, Cancelled, Superseded, NotFound, {@link Timeout}, ApiError; the signal's reason once that has aborted
 */
export async function waitForResize(
  client: Client,
  target: LoadBalancer | ObjectRef,
  options: WaitOptionsWithProgress = {},
): Promise<LoadBalancer> {
  return drained(resizeProgress(client, target, options), options);
}

/**
 * The same for a failover: until all its amphorae are new.
 *
 * @param target what {@link failover} gave back
 * @throws as {@link waitForResize}
 */
export async function waitForFailover(
  client: Client,
  target: LoadBalancer | ObjectRef,
  options: WaitOptionsWithProgress = {},
): Promise<LoadBalancer> {
  return drained(failoverProgress(client, target, options), options);
}

/**
 * {@link waitForResize} as an async iterator: each change of the progress; ends when the resize is done, and throws as that does.
 *
 * ```ts
 * for await (const { goal, message, connectionsLeft } of resizeProgress(client, loadBalancer)) console.log(goal, message, connectionsLeft);
 * ```
 */
export function resizeProgress(
  client: Client,
  target: LoadBalancer | ObjectRef,
  options: WaitOptions = {},
): AsyncGenerator<Progress, LoadBalancer> {
  return progress(client, target, 'Resize', options);
}

/** {@link waitForFailover} as an async iterator. */
export function failoverProgress(
  client: Client,
  target: LoadBalancer | ObjectRef,
  options: WaitOptions = {},
): AsyncGenerator<Progress, LoadBalancer> {
  return progress(client, target, 'Failover', options);
}

async function drained(steps: AsyncGenerator<Progress, LoadBalancer>, { onProgress }: WaitOptionsWithProgress): Promise<LoadBalancer> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
    onProgress?.(value);
  }
}

async function* progress(
  client: Client,
  target: LoadBalancer | ObjectRef,
  kind: Aim['kind'],
  { signal, timeoutSeconds }: WaitOptions,
): AsyncGenerator<Progress, LoadBalancer> {
  const startedAt = performance.now();
  const late = new AbortController();
  const left = new AbortController();
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(() => late.abort(), timeoutSeconds * 1000);
  const any = AbortSignal.any([late.signal, left.signal, ...(signal ? [signal] : [])]);
  let seen: LoadBalancer | undefined;
  let aim: Aim | undefined;
  try {
    seen = 'metadata' in target ? target : await read(client, target, { signal: any });
    aim = aimOf(seen, kind);
    let shown = '';
    for await (const loadBalancer of versions(client, seen, { signal: any })) {
      seen = loadBalancer;
      const step = progressOf(loadBalancer, aim.since, (performance.now() - startedAt) / 1000);
      const text = JSON.stringify([step.state, step.goals, step.message, step.connectionsLeft]);
      if (text !== shown) yield step;
      shown = text;
      const outcome = outcomeOf(loadBalancer, aim);
      if (outcome.is === 'Done') return loadBalancer;
      if (outcome.is === 'Over') throw outcome.error;
    }
    throw new Error('the versions of an object never end');
  } catch (error) {
    signal?.throwIfAborted();
    if (!late.signal.aborted) throw translated(error);
    const { name } = 'metadata' in target ? target.metadata : target;
    const words = seen && aim ? ` ${progressOf(seen, aim.since, 0).message}` : '';
    const message = `load balancer ${name}: not done within ${timeoutSeconds} s; it goes on.${words}`;
    throw new Timeout('Timeout', message, { loadBalancer: seen });
  } finally {
    clearTimeout(timer);
    left.abort();
  }
}
