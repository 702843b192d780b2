import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, type Client, translated } from './client.ts';
import { ApiError, NotFound } from './errors.ts';
import { LoadBalancer, type ObjectRef } from './kinds.ts';

/** How long a watch may last. A connection that is dead but not closed is noticed soon after. */
const WATCH_SECONDS = 20;
const GRACE_SECONDS = 5;
/** How often the object is asked for where it can't be watched; milliseconds. */
const POLL_MS = 1000;
/** How long the API server may be away in the middle of it; milliseconds. */
const OUTAGE_MS = 120_000;

/**
 * A load balancer that was read once, as it is now, and again after each change, for ever. It is read before each watch, so that one that was
 * cut, or has gone blind, loses nothing; an API server that is away for up to two minutes is waited for.
 *
 * @throws NotFound once there is none, or another one of the name; ApiError when the API server stays away
 */
export async function* versions(client: Client, known: LoadBalancer, { signal }: CallOptions = {}): AsyncGenerator<LoadBalancer, never> {
  const { name, namespace, uid } = known.metadata;
  let lastHeard = performance.now();
  for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, 5000)) {
    try {
      const loadBalancer = await read(client, { name, namespace }, { signal });
      for await (const seen of withChanges(client, loadBalancer, signal)) {
        if (seen.metadata.uid !== uid) throw new NotFound('NotFound', `load balancer ${name} was deleted, and another one made`);
        lastHeard = performance.now();
        pauseMs = 100;
        yield seen;
      }
    } catch (error) {
      signal?.throwIfAborted();
      const isAway = error instanceof ApiError && error.isTransient;
      if (!isAway || performance.now() - lastHeard > OUTAGE_MS) throw error;
    }
    await pause(pauseMs, signal);
  }
}

/** @throws NotFound, or ApiError */
export async function read(client: Client, ref: ObjectRef, { signal }: CallOptions = {}): Promise<LoadBalancer> {
  try {
    return await client.get(LoadBalancer, ref, { signal });
  } catch (error) {
    throw translated(error);
  }
}

/** The object, then its changes until the watch ends, for whatever reason but the signal's: the caller reads anew. */
async function* withChanges(client: Client, loadBalancer: LoadBalancer, signal: AbortSignal | undefined): AsyncGenerator<LoadBalancer> {
  yield loadBalancer;
  if (!client.watch) return await pause(POLL_MS, signal);
  const deadline = AbortSignal.timeout((WATCH_SECONDS + GRACE_SECONDS) * 1000);
  const { name, namespace, resourceVersion } = loadBalancer.metadata;
  const options = {
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    resourceVersion,
    timeoutSeconds: WATCH_SECONDS,
  };
  try {
    for await (const { type, object } of client.watch(LoadBalancer, { name, namespace }, options)) {
      if (type === 'DELETED') throw new NotFound('NotFound', `load balancer ${name} was deleted`, { loadBalancer: object });
      if (type === 'ERROR') return;
      if (type !== 'BOOKMARK') yield object;
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    // Whoever may read but not watch polls.
    if (error.status === 403) return await pause(POLL_MS, signal);
    if (!error.isTransient && error.status !== 410) throw error;
  }
}

/** @throws the signal's reason */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
  signal?.throwIfAborted();
}
