import { type Clock, realClock, sleep } from '../controller/runtime/clock.ts';
import { type Log, silentLog } from '../controller/runtime/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { isNotFound, isTransient } from '../kube/errors.ts';
import type { KubeObject, Resource } from '../kube/types.ts';

const eventResource: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

/** What happened to an object, for `kubectl describe` and `kubectl events`. */
export interface EventContent {
  type: 'Normal' | 'Warning';
  /** CamelCase: why, such as `FlavorNotFound`. */
  reason: string;
  /** CamelCase: what was done or tried, such as `Resize`. */
  action: string;
  /** A sentence for people; cut at 1,024 bytes, as the API demands. */
  note: string;
  /** Another object that has a part in it. */
  related?: KubeObject;
}

export interface EventRecorder {
  /** Never throws, never waits: what can't be sent is dropped and logged. */
  record(regarding: KubeObject, content: EventContent): void;
}

export interface KubeEventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'patchMerge'>;
  /** Whose events these are, such as `reflavor.dev/operator`. */
  controller: string;
  /** Which of its processes. */
  instance: string;
  clock?: Clock;
  log?: Log;
  /** How many events may wait to be sent. Default 1,000; what comes on top is dropped. */
  capacity?: number;
}

/** An event that was, or is to be, written: the same thing happening again raises its count rather than making another. */
interface Series {
  key: string;
  regarding: Reference;
  content: Omit<EventContent, 'related'> & { related?: Reference };
  namespace: string;
  name: string;
  firstAt: number;
  lastAt: number;
  count: number;
  created: boolean;
}

/** The same thing happening again after so long is a new event. */
const seriesWindowMs = 6 * 60_000;
const maxAttempts = 4;
const maxNoteBytes = 1024;

/**
 * Writes events.k8s.io/v1 Events, one call at a time, behind the back of whoever records them. Repetitions that come while an event
 * waits to be sent cost nothing; those that come later are one patch of its `series`.
 */
export class KubeEventRecorder implements EventRecorder {
  readonly #options: Required<KubeEventRecorderOptions>;
  readonly #clock: Clock;
  /** By what makes events the same, least recently seen first. */
  readonly #known = new Map<string, Series>();
  /** To be sent, oldest first. */
  readonly #pending = new Set<Series>();
  readonly #closing = new AbortController();
  #sending: Promise<void> | undefined;
  #dropped = 0;
  #sequence = 0;

  constructor(options: KubeEventRecorderOptions) {
    this.#options = { clock: realClock, log: silentLog, capacity: 1000, ...options };
    this.#clock = this.#options.clock;
  }

  record(regarding: KubeObject, content: EventContent): void {
    if (this.#closing.signal.aborted) return;
    const series = this.#seriesOf(regarding, content);
    if (!this.#pending.has(series) && this.#pending.size >= this.#options.capacity) {
      this.#dropped++;
      this.#known.delete(series.key);
      return;
    }
    this.#pending.add(series);
    this.#sending ??= this.#sendAll();
  }

  /** How many events were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sends what waits, for at most `graceMs`; then forgets the rest and records nothing more. */
  async close(graceMs: number): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([this.#sending, sleep(this.#clock, graceMs, waiting.signal)]);
    waiting.abort();
    this.#closing.abort();
    await this.#sending;
  }

  #seriesOf(regarding: KubeObject, content: EventContent): Series {
    const { kind, metadata } = regarding;
    const { type, reason, action, note, related } = content;
    const key = JSON.stringify([
      metadata.uid ?? [kind, metadata.namespace, metadata.name],
      type,
      reason,
      action,
      note,
      related?.metadata.uid,
    ]);
    const now = this.#clock.now();
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known && now - known.lastAt < seriesWindowMs) {
      known.count++;
      known.lastAt = now;
      this.#known.set(key, known);
      return known;
    }
    const series: Series = {
      key,
      // No more of the objects than that: thousands are remembered.
      regarding: referenceTo(regarding),
      content: { ...content, related: related && referenceTo(related) },
      // Events of what has no namespace live in `default`, as the API demands.
      namespace: metadata.namespace ?? 'default',
      name: this.#nameFor(metadata.name, now),
      firstAt: now,
      lastAt: now,
      count: 1,
      created: false,
    };
    this.#known.set(key, series);
    if (this.#known.size > 4 * this.#options.capacity) this.#known.delete(this.#known.keys().next().value!);
    return series;
  }

  /** Unique among processes by time and chance-free count; a name may have 253 characters. */
  #nameFor(subject: string, now: number): string {
    const stem = subject.slice(0, 200).replace(/[^a-z0-9]+$/, '');
    return `${stem}.${now.toString(16)}${(this.#sequence++ & 0xffff).toString(16).padStart(4, '0')}`;
  }

  async #sendAll(): Promise<void> {
    // In a turn of its own, so that `record` returns before anything is sent.
    await Promise.resolve();
    for (let series = first(this.#pending); series && !this.#closing.signal.aborted; series = first(this.#pending)) {
      this.#pending.delete(series);
      await this.#send(series);
    }
    this.#sending = undefined;
  }

  async #send(series: Series): Promise<void> {
    const { log } = this.#options;
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      try {
        await this.#write(series);
        return;
      } catch (error) {
        if (isNotFound(error) && series.created && attempt < maxAttempts) {
          // The server keeps events for an hour: this one has been forgotten.
          series.created = false;
          continue;
        }
        if (!isTransient(error) || attempt >= maxAttempts) {
          log.debug({ err: error, reason: series.content.reason }, 'an event could not be written and is dropped');
          this.#known.delete(series.key);
          return;
        }
        await sleep(this.#clock, 1000 * 2 ** (attempt - 1), this.#closing.signal);
      }
    }
  }

  async #write(series: Series): Promise<void> {
    const { client } = this.#options;
    const signal = this.#closing.signal;
    const { namespace, name, count, lastAt } = series;
    const repeated = count > 1 ? { series: { count, lastObservedTime: microTime(lastAt) } } : {};
    if (series.created) {
      await client.patchMerge(eventResource, { namespace, name }, repeated, { signal });
    } else {
      await client.create(eventResource, { ...this.#eventOf(series), ...repeated }, { signal });
      series.created = true;
    }
  }

  #eventOf({ regarding, content, namespace, name, firstAt }: Series): KubeObject {
    const { controller, instance } = this.#options;
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name },
      eventTime: microTime(firstAt),
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      type: content.type,
      reason: content.reason,
      action: content.action,
      note: cut(content.note, maxNoteBytes),
      regarding,
      related: content.related,
    };
    return event;
  }
}

type Reference = ReturnType<typeof referenceTo>;

function referenceTo({ apiVersion, kind, metadata }: KubeObject) {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, namespace, uid, resourceVersion };
}

function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  // The ellipsis has three bytes; a character cut in two decodes as one or more replacement characters.
  const head = Buffer.from(text)
    .subarray(0, maxBytes - 3)
    .toString('utf8');
  return `${head.replace(/\uFFFD+$/, '')}…`;
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
