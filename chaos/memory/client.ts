import type { CallOptions, DeleteOptions, KubeClient, ListOptions, MergePatch, WatchOptions, WriteOptions } from '../../src/kube/client.ts';
import { apiVersionOf } from '../../src/kube/paths.ts';
import type { KubeList, KubeObject, ObjectRef, Resource, WatchEvent } from '../../src/kube/types.ts';
import type { ApiFaults } from './api-faults.ts';
import { type Change, type MemoryApiServer, type Stored, wire } from './api-server.ts';
import type { Link } from './link.ts';
import { WatchStream } from './watch-stream.ts';

/** One process's client of an API server in memory. */
export class MemoryKubeClient implements KubeClient {
  readonly #server: MemoryApiServer;
  readonly #link: Link;
  readonly #faults: ApiFaults;

  constructor(server: MemoryApiServer, link: Link, faults: ApiFaults) {
    this.#server = server;
    this.#link = link;
    this.#faults = faults;
  }

  get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options: CallOptions = {}): Promise<T> {
    return this.#read(`get ${resource.plural}`, () => this.#server.get(resource, ref) as unknown as T, options);
  }

  list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    const answer = () => ({
      metadata: { resourceVersion: String(this.#server.version) },
      items: this.#server.list(resource, selecting(options)) as unknown as T[],
    });
    return this.#read(`list ${resource.plural}`, answer, options);
  }

  listAll<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    return this.list(resource, options);
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write(`create ${resource.kind}`, () => this.#server.create(resource, object), options);
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write(`replace ${resource.kind}`, () => this.#server.replace(resource, object, options.subresource), options);
  }

  patchMerge<T extends KubeObject>(resource: Resource, ref: ObjectRef, patch: MergePatch, options: WriteOptions = {}): Promise<T> {
    return this.#write(`patch ${resource.kind}`, () => this.#server.patchMerge(resource, ref, patch, options.subresource), options);
  }

  async apply(): Promise<never> {
    throw new Error('the API server in memory knows no server-side apply');
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    await this.#write(`delete ${resource.kind}`, () => this.#server.delete(resource, ref, options.preconditions), options);
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const { signal, resourceVersion, timeoutSeconds = 300, sendInitialEvents } = options;
    const selects = selecting(options);
    await this.#link.call(() => this.#faults.beforeRead(`watch ${resource.plural}`), signal);
    const stream = new WatchStream<WatchEvent<T>>(this.#link, this.#faults, timeoutSeconds * 1000, signal);
    const send = ({ type, object }: Pick<Change, 'type' | 'object'>) => stream.push({ type, object: wire(object) as unknown as T });
    const follow = (change: Change) => {
      if (change.resource.plural === resource.plural && change.resource.group === resource.group && selects(change.object)) send(change);
    };
    const bookmark = (annotations?: Record<string, string>) =>
      ({
        type: 'BOOKMARK',
        object: {
          apiVersion: apiVersionOf(resource),
          kind: resource.kind,
          metadata: { name: '', resourceVersion: String(this.#server.version), annotations },
        },
      }) as unknown as WatchEvent<T>;
    this.#server.onChange.add(follow);
    stream.onClose(() => this.#server.onChange.delete(follow));
    stream.everyMinute(() => stream.push(bookmark()));
    try {
      if (sendInitialEvents) {
        for (const object of this.#server.list(resource, selects)) send({ type: 'ADDED', object });
        stream.push(bookmark({ 'k8s.io/initial-events-end': 'true' }));
      } else {
        for (const change of this.#server.since(resource, Number(resourceVersion))) if (selects(change.object)) send(change);
      }
      yield* stream.events();
    } finally {
      stream.close();
    }
  }

  async getText(): Promise<string> {
    throw new Error('the API server in memory has no pages');
  }

  async close(): Promise<void> {}

  #read<T>(what: string, answer: () => T, { signal }: CallOptions): Promise<T> {
    return this.#link.call(() => {
      this.#faults.beforeRead(what);
      return answer();
    }, signal);
  }

  async #write<T>(what: string, effect: () => unknown, { signal }: CallOptions): Promise<T> {
    const result = await this.#link.call(() => this.#faults.around(what, () => this.#link.write(what, effect)), signal);
    return result as T;
  }
}

function selecting({ namespace, labelSelector }: ListOptions | WatchOptions): (object: Stored) => boolean {
  const labels = (labelSelector ?? '').split(',').filter(Boolean);
  return ({ metadata }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    labels.every((label) => {
      const [key, value] = label.split('=');
      return metadata.labels?.[key!] === value;
    });
}
