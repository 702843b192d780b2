import type { KubeClient, Selection, WatchOptions } from '../../kube/client.ts';
import { errorFromStatus, isGone, isInvalid } from '../../kube/errors.ts';
import { stripManagedFields } from '../../kube/managed-fields.ts';
import { keyOf } from '../../kube/paths.ts';
import type { KubeObject, Resource, WatchEvent } from '../../kube/types.ts';
import { type Backoff, backoffMs } from './backoff.ts';
import { type Clock, realClock, sleep } from './clock.ts';
import { type Log, silentLog } from './log.ts';
import { type IndexFunction, type ReadonlyStore, Store, type StoreEvent } from './store.ts';
import { WatchGuard } from './watch-guard.ts';

export type Handler<T> = (event: StoreEvent<T>) => void;

/** What a reflector tells about itself. */
export interface ReflectorMetrics {
  /** A whole collection was read: by `list` pages or by a `watchlist` stream. */
  synced(how: 'list' | 'watchlist'): void;
  /** A watch was opened; a resource whose count grows fast has connections that don't last. */
  watchOpened(): void;
  event(type: string): void;
  /** A list, a watch or a handler failed. */
  failed(what: 'sync' | 'watch' | 'handler'): void;
}

const noMetrics: ReflectorMetrics = { synced() {}, watchOpened() {}, event() {}, failed() {} };

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'listAll' | 'watch'>;
  resource: Resource;
  /** Namespace and selectors. Default: everything. */
  selection?: Selection;
  /** Named indexes; an index function must not throw. */
  indexes?: Record<string, IndexFunction<T>>;
  /** What is kept of each object. Default: all but `metadata.managedFields`, which nobody reads and which are half of it. */
  transform?: (object: T) => T;
  /** Ask for WatchList streams; where the server refuses them, pages are read instead. Default true. */
  watchList?: boolean;
  clock?: Clock;
  random?: () => number;
  log?: Log;
  metrics?: ReflectorMetrics;
  backoff?: Backoff;
  /** A watch that says nothing for so long, not even a bookmark (the server sends one a minute), is taken for dead. Default 150,000. */
  silenceMs?: number;
}

/** A watch that lived for less has not proved that anything works, unless it brought an event. */
const healthyWatchMs = 5_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/**
 * Keeps a store equal to a collection of the API server, by list and watch, through whatever happens to the connection, and tells
 * handlers of each change, in order. After a break it resumes from the last version seen; only when the server no longer has that
 * version (410) is everything read anew, and then what vanished meanwhile is told as deleted.
 */
export class Reflector<T extends KubeObject> {
  readonly resource: Resource;
  /** For people: `secrets`, or `secrets of team-a`. */
  readonly name: string;
  readonly #store: Store<T>;
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #metrics: ReflectorMetrics;
  readonly #handlers: Handler<T>[] = [];
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  /** Where to resume; undefined when the collection must be read first. */
  #version: string | undefined;
  #useWatchList: boolean;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.resource = options.resource;
    const { namespace, labelSelector } = options.selection ?? {};
    const what = labelSelector ? `${options.resource.plural} (${labelSelector})` : options.resource.plural;
    this.name = namespace ? `${what} of ${namespace}` : what;
    this.#store = new Store(options.indexes);
    this.#clock = options.clock ?? realClock;
    this.#random = options.random ?? Math.random;
    this.#log = (options.log ?? silentLog).child({ reflector: this.name });
    this.#metrics = options.metrics ?? noMetrics;
    this.#useWatchList = options.watchList ?? true;
  }

  get store(): ReadonlyStore<T> {
    return this.#store;
  }

  /** An index function must not throw. */
  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values);
  }

  /** Whether the store has ever been whole. From then on it may lag behind, but never has holes. */
  hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves when the store is whole for the first time. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** From now on `handler` is told of every change; first of all objects already there, as added. It must be quick and may throw. */
  onEvent(handler: Handler<T>): void {
    this.#handlers.push(handler);
    for (const object of this.#store.list()) this.#tell(handler, { type: 'added', object });
  }

  /** Reflects until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = this.#options.backoff ?? { baseMs: 200, maxMs: 30_000, jitter: 0.5 };
    let failures = 0;
    let hasExpired = false;
    while (!signal.aborted) {
      const cycle = { startedAt: this.#clock.monotonic(), sawEvents: false };
      let failed = false;
      try {
        if (this.#version === undefined && !this.#useWatchList) await this.#list(signal);
        await this.#watch(signal, cycle);
      } catch (error) {
        if (signal.aborted) return;
        failed = this.#handleFailure(error);
        // The server is there and answers: what an outage before it has cost in patience is no reason to stay blind. Where it goes on so, it is.
        if (isGone(error) && !hasExpired) failures = 0;
        hasExpired = isGone(error);
      }
      const lived = this.#clock.monotonic() - cycle.startedAt;
      const worked = cycle.sawEvents || lived >= healthyWatchMs;
      if (worked) {
        failures = 0;
        hasExpired = false;
      }
      if (!failed && worked) continue;
      failures++;
      await sleep(this.#clock, backoffMs(failures, backoff, this.#random), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, resource, selection } = this.#options;
    const list = await client.listAll<T>(resource, { ...selection, signal });
    this.#becomeWhole(
      'list',
      list.items.map((item) => this.#transform(item)),
      list.metadata.resourceVersion,
    );
  }

  /** One watch, from the version last seen, or a WatchList stream that brings the collection first. Returns when it is time for the next. */
  async #watch(signal: AbortSignal, cycle: { sawEvents: boolean }): Promise<void> {
    const { client, resource, selection, silenceMs = 150_000 } = this.#options;
    // The server ends each watch after 5 to 10 minutes, not all at the same time; should it forget to, we do.
    const timeoutSeconds = 300 + Math.floor(this.#random() * 300);
    const guard = new WatchGuard(this.#clock, signal, { silenceMs, deadlineMs: timeoutSeconds * 1000 + 10_000 });
    let initial = this.#version === undefined ? new Map<string, T>() : undefined;
    const from: WatchOptions = initial
      ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: this.#version };
    this.#metrics.watchOpened();
    try {
      const managedFields = this.#options.transform !== undefined;
      for await (const event of client.watch<T>(resource, { ...selection, ...from, timeoutSeconds, managedFields, signal: guard.signal })) {
        guard.heard();
        this.#metrics.event(event.type);
        if (event.type === 'ERROR') throw errorFromStatus(`watch ${resource.plural}`, event.object.code ?? 500, event.object);
        const version = event.object.metadata.resourceVersion;
        if (!initial) {
          cycle.sawEvents = true;
          this.#change(event);
          this.#version = version;
        } else if (event.type === 'BOOKMARK') {
          if (event.object.metadata.annotations?.[initialEventsEnd] !== 'true') continue;
          this.#becomeWhole('watchlist', initial.values(), version);
          initial = undefined;
        } else {
          const object = this.#transform(event.object);
          if (event.type === 'DELETED') initial.delete(keyOf(object));
          else initial.set(keyOf(object), object);
        }
      }
    } catch (error) {
      if (!guard.hasEnded) throw error;
      this.#log.debug({ because: guard.signal.reason }, 'watch given up, opening another');
    } finally {
      guard.release();
    }
    // A server that opens the stream and never closes the initial events doesn't know WatchList.
    if (initial && !signal.aborted) this.#fallBackToPages('the stream ended before its initial events did');
  }

  /** Returns whether to back off before the next try. */
  #handleFailure(error: unknown): boolean {
    const initial = this.#version === undefined;
    if (initial && this.#useWatchList && isInvalid(error)) {
      this.#fallBackToPages(error instanceof Error ? error.message : String(error));
      return true;
    }
    this.#metrics.failed(initial ? 'sync' : 'watch');
    if (isGone(error)) {
      this.#log.info({ err: error }, 'the version last seen is no longer kept: reading everything anew');
      this.#version = undefined;
    } else {
      const still = this.#hasSynced ? 'what is known stays in use' : 'nothing is known yet';
      this.#log.warn({ err: error }, `cannot ${initial ? 'read' : 'watch'} ${this.name}, trying again; ${still}`);
    }
    return true;
  }

  #fallBackToPages(because: string): void {
    this.#useWatchList = false;
    this.#log.info({ because }, 'the server streams no initial lists: reading pages');
  }

  #becomeWhole(how: 'list' | 'watchlist', objects: Iterable<T>, version: string | undefined): void {
    const events = this.#store.replace(objects);
    this.#version = version;
    this.#metrics.synced(how);
    for (const event of events) this.#tellAll(event);
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #change(event: Exclude<WatchEvent<T>, { type: 'ERROR' }>): void {
    if (event.type === 'BOOKMARK') return;
    const object = this.#transform(event.object);
    for (const change of event.type === 'DELETED' ? this.#store.remove(object) : this.#store.put(object)) this.#tellAll(change);
  }

  #transform(object: T): T {
    return (this.#options.transform ?? stripManagedFields)(object);
  }

  #tellAll(event: StoreEvent<T>): void {
    for (const handler of this.#handlers) this.#tell(handler, event);
  }

  #tell(handler: Handler<T>, event: StoreEvent<T>): void {
    try {
      handler(event);
    } catch (error) {
      this.#metrics.failed('handler');
      this.#log.error({ err: error, object: keyOf(event.object) }, `a handler of ${event.type} failed; the others and the watch go on`);
    }
  }
}
