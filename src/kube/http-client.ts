import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListOptions,
  MergePatch,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import type { Connection } from './connection.ts';
import { isGone } from './errors.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { apiVersionOf, collectionPath, keyOf, objectPath, queryString } from './paths.ts';
import { type Call, Sender, type SenderOptions } from './sender.ts';
import type { KubeList, KubeObject, ObjectRef, Resource, WatchEvent } from './types.ts';

const pageSize = 500;

/** `KubeClient` over HTTP: each method says which request it is; the sender does the rest. */
export class HttpKubeClient implements KubeClient {
  readonly #sender: Sender;

  constructor(connection: Connection, options: SenderOptions = {}) {
    this.#sender = new Sender(connection, options);
  }

  get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options: CallOptions & { subresource?: string } = {}): Promise<T> {
    const { subresource } = options;
    const path = objectPath(resource, ref, subresource);
    return this.#json({ verb: 'get', method: 'GET', path, resource, subresource, subject: keyOf(ref), repeatable: true }, options);
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, signal: _signal, timeoutMs: _timeoutMs, ...query } = options;
    const path = collectionPath(resource, namespace) + queryString(query);
    const call: Call = { verb: 'list', method: 'GET', path, resource, subject: namespace ?? '', repeatable: true };
    const list = await this.#json<KubeList<T>>(call, options);
    // Items of built-in kinds come without their own kind; a watch's objects have it.
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    list.items = (list.items ?? []).map((item) => (item.kind ? item : { ...type, ...item }));
    return list;
  }

  async listAll<T extends KubeObject>(resource: Resource, options: Omit<ListOptions, 'continue'> = {}): Promise<KubeList<T>> {
    // A continue token carries the version to list at; giving one as well is refused.
    const { resourceVersion, resourceVersionMatch, limit = pageSize, ...selection } = options;
    const list = await this.list<T>(resource, { ...selection, limit, resourceVersion, resourceVersionMatch });
    while (list.metadata.continue) {
      try {
        const page = await this.list<T>(resource, { ...selection, limit, continue: list.metadata.continue });
        list.items.push(...page.items);
        list.metadata.continue = page.metadata.continue;
      } catch (error) {
        if (isGone(error)) return await this.list<T>(resource, { ...selection, resourceVersion, resourceVersionMatch });
        throw error;
      }
    }
    return { metadata: { resourceVersion: list.metadata.resourceVersion }, items: list.items };
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    if (resource.namespaced && !namespace) throw new TypeError(`${resource.kind} ${name}: a namespaced object needs a namespace`);
    const { subresource } = options;
    const path =
      (subresource ? objectPath(resource, object.metadata, subresource) : collectionPath(resource, namespace)) + writeQuery(options);
    const subject = keyOf(object);
    return this.#json(
      { verb: 'create', method: 'POST', path, resource, subresource, subject, ...json(object), repeatable: false },
      options,
    );
  }

  replace<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#write('update', 'PUT', resource, object.metadata, json(object), options);
  }

  patchMerge<T extends KubeObject>(resource: Resource, ref: ObjectRef, patch: MergePatch, options: WriteOptions = {}): Promise<T> {
    return this.#write('patch', 'PATCH', resource, ref, json(patch, 'application/merge-patch+json'), options);
  }

  apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T> {
    return this.#write('apply', 'PATCH', resource, object.metadata, json(object, 'application/apply-patch+yaml'), options);
  }

  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { preconditions, propagationPolicy, gracePeriodSeconds, signal, timeoutMs } = options;
    const content = json({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions, propagationPolicy, gracePeriodSeconds });
    await this.#write('delete', 'DELETE', resource, ref, content, { signal, timeoutMs });
  }

  async *watch<T extends KubeObject>(resource: Resource, options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>, void, void> {
    const { namespace, signal, allowWatchBookmarks = true, managedFields = true, ...selection } = options;
    const path = collectionPath(resource, namespace) + queryString({ watch: true, allowWatchBookmarks, ...selection });
    const call: Call = { verb: 'watch', method: 'GET', path, resource, subject: namespace ?? '', repeatable: true };
    for await (const line of this.#sender.stream(call, signal)) yield JSON.parse(managedFields ? line : withoutManagedFields(line));
  }

  getText(path: string, options: CallOptions = {}): Promise<string> {
    return this.#sender.text({ verb: 'get', method: 'GET', path, subject: path, repeatable: true }, options);
  }

  close(): Promise<void> {
    return this.#sender.connection.close();
  }

  #write<T>(
    verb: string,
    method: Call['method'],
    resource: Resource,
    ref: ObjectRef,
    content: Pick<Call, 'body' | 'contentType'>,
    options: WriteOptions & { force?: boolean },
    { repeatable } = { repeatable: true },
  ): Promise<T> {
    const { subresource } = options;
    const path = objectPath(resource, ref, subresource) + writeQuery(options);
    return this.#json({ verb, method, path, resource, subresource, subject: keyOf(ref), ...content, repeatable }, options);
  }

  async #json<T>(call: Call, options: CallOptions): Promise<T> {
    return JSON.parse(await this.#sender.text(call, options)) as T;
  }
}

function json(body: unknown, contentType = 'application/json'): Pick<Call, 'body' | 'contentType'> {
  return { body: JSON.stringify(body), contentType };
}

function writeQuery({ fieldManager, fieldValidation, force, dryRun }: WriteOptions & { force?: boolean }): string {
  return queryString({ fieldManager, fieldValidation, force, dryRun: dryRun ? 'All' : undefined });
}
