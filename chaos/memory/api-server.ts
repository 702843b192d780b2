import { isSame } from '../../src/controller/same.ts';
import { errorFromStatus } from '../../src/kube/errors.ts';
import { apiVersionOf, keyOf } from '../../src/kube/paths.ts';
import type { KubeObject, ObjectRef, Resource } from '../../src/kube/types.ts';
import { KINDS, nameOf } from './kinds.ts';

/** An object as the server handles it: any field may be there. */
export interface Stored extends KubeObject {
  spec?: unknown;
  status?: unknown;
}

/** A change, in the order of all changes. */
export interface Change {
  resource: Resource;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  version: number;
  object: Stored;
  before?: Stored;
}

/** What a write has to be about, where it says so. */
export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/** A trip over the wire: a copy of its own, without what is undefined. */
export const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/**
 * An API server in memory, as far as the operator can tell: versions, uids, generations, compare and swap, finalizers, the status subresource,
 * schemas with their defaults, garbage collection by owner, and a log of changes for watches. Every call takes effect at once or throws a KubeError.
 * CEL rules and admission are not evaluated.
 */
export class MemoryApiServer {
  /** Asked after each change, in order. */
  readonly onChange = new Set<(change: Change) => void>();
  readonly #now: () => number;
  readonly #collections = new Map<string, Map<string, Stored>>();
  readonly #resources = new Map<string, Resource>();
  #log: Change[] = [];
  #version = 1;
  /** Changes up to this version are no longer kept. */
  #compacted = 0;
  #uids = 0;

  /** @param now wall clock, milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get version(): number {
    return this.#version;
  }

  find<T extends KubeObject>(resource: Resource, ref: ObjectRef): T | undefined {
    const found = this.#collection(resource).get(keyOf(ref));
    return found && (wire(found) as unknown as T);
  }

  /** The same, to be looked at alone. */
  peek<T extends KubeObject>(resource: Resource, ref: ObjectRef): T | undefined {
    return this.#collection(resource).get(keyOf(ref)) as T | undefined;
  }

  get(resource: Resource, ref: ObjectRef): Stored {
    return wire(this.#existing('get', resource, ref));
  }

  list(resource: Resource, selects: (object: Stored) => boolean = () => true): Stored[] {
    return [...this.#collection(resource).values()].filter(selects).map(wire);
  }

  create(resource: Resource, given: Stored): Stored {
    const what = `create ${resource.plural} ${keyOf(given)}`;
    const collection = this.#collection(resource);
    if (collection.has(keyOf(given))) throw errorFromStatus(what, 409, status('AlreadyExists', `${keyOf(given)} already exists`));
    const kind = KINDS.get(nameOf(resource));
    const { status: _, ...rest } = wire(given);
    const object: Stored = {
      ...rest,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...given.metadata,
        uid: `uid-${++this.#uids}`,
        generation: 1,
        creationTimestamp: this.#timestamp(),
        resourceVersion: undefined,
        deletionTimestamp: undefined,
      },
    };
    if (!kind?.status && 'status' in given) object.status = given.status;
    return this.#store(resource, this.#checked(what, resource, object), undefined, 'ADDED');
  }

  replace(resource: Resource, given: Stored, subresource?: string): Stored {
    const what = `replace ${resource.plural} ${keyOf(given)}`;
    const before = this.#existing(what, resource, given.metadata, given.metadata);
    return this.#update(what, resource, before, wire(given), subresource);
  }

  patchMerge(resource: Resource, ref: ObjectRef, patch: Record<string, unknown>, subresource?: string): Stored {
    const what = `patch ${resource.plural} ${keyOf(ref)}`;
    const wanted = wire(patch) as { metadata?: Preconditions };
    const before = this.#existing(what, resource, ref, wanted.metadata);
    return this.#update(what, resource, before, merged(wire(before), wanted) as Stored, subresource);
  }

  delete(resource: Resource, ref: ObjectRef, preconditions: Preconditions = {}): void {
    const what = `delete ${resource.plural} ${keyOf(ref)}`;
    const before = this.#existing(what, resource, ref, preconditions);
    if (!before.metadata.finalizers?.length) {
      this.#remove(resource, before);
      return;
    }
    if (before.metadata.deletionTimestamp) return;
    const { metadata } = before;
    const generation = (metadata.generation ?? 0) + 1;
    const going = { ...before, metadata: { ...metadata, generation, deletionTimestamp: this.#timestamp(), deletionGracePeriodSeconds: 0 } };
    this.#store(resource, going, before, 'MODIFIED');
  }

  /** All changes after a version. @throws KubeError Expired when some of them are no longer kept */
  since(resource: Resource, version: number): Change[] {
    if (version < this.#compacted)
      throw errorFromStatus(`watch ${resource.plural}`, 410, status('Expired', `too old resource version: ${version}`));
    return this.#log.filter((change) => change.version > version && nameOf(change.resource) === nameOf(resource));
  }

  /** Forgets all changes up to now: a watch that was not at the end of them has to begin anew. */
  compact(): void {
    this.#compacted = this.#version;
    this.#log = [];
  }

  #update(what: string, resource: Resource, before: Stored, wanted: Stored, subresource: string | undefined): Stored {
    const kind = KINDS.get(nameOf(resource));
    const kept = before.metadata;
    let next: Stored;
    if (subresource === 'status') next = { ...before, status: wanted.status };
    else {
      const metadata = {
        ...wanted.metadata,
        uid: kept.uid,
        generation: kept.generation,
        creationTimestamp: kept.creationTimestamp,
        deletionTimestamp: kept.deletionTimestamp,
      };
      next = { ...wanted, metadata, ...(kind?.status && { status: before.status }) };
    }
    next = this.#checked(what, resource, next);
    if (JSON.stringify(next.spec) !== JSON.stringify(before.spec))
      next.metadata = { ...next.metadata, generation: (kept.generation ?? 0) + 1 };
    next.metadata = { ...next.metadata, resourceVersion: kept.resourceVersion };
    if (isSame(next, before)) return wire(before);
    if (kept.deletionTimestamp && !next.metadata.finalizers?.length) {
      this.#remove(resource, next);
      return wire(next);
    }
    return this.#store(resource, next, before, 'MODIFIED');
  }

  #store(resource: Resource, object: Stored, before: Stored | undefined, type: 'ADDED' | 'MODIFIED'): Stored {
    const stored = wire({ ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } });
    this.#collection(resource).set(keyOf(stored), stored);
    this.#tell({ resource, type, version: this.#version, object: stored, before });
    return wire(stored);
  }

  #remove(resource: Resource, object: Stored): void {
    this.#collection(resource).delete(keyOf(object));
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#tell({ resource, type: 'DELETED', version: this.#version, object: last, before: object });
    this.#collectGarbage(object.metadata.uid!);
  }

  /** Deletes what the object that is gone owned. */
  #collectGarbage(owner: string): void {
    for (const [name, collection] of this.#collections) {
      for (const object of [...collection.values()]) {
        if (object.metadata.ownerReferences?.some(({ uid }) => uid === owner)) this.delete(this.#resources.get(name)!, object.metadata);
      }
    }
  }

  #tell(change: Change): void {
    this.#log.push(change);
    for (const listener of [...this.onChange]) listener(change);
  }

  /** The spec and status as the schema has them: defaults filled in, unknown fields dropped. */
  #checked(what: string, resource: Resource, object: Stored): Stored {
    const kind = KINDS.get(nameOf(resource));
    const result: Stored = { ...object };
    for (const part of ['spec', 'status'] as const) {
      const schema = kind?.[part];
      if (!schema || (part === 'status' && object.status === undefined)) continue;
      const parsed = schema.safeParse(object[part]);
      if (!parsed.success) {
        const { path, message } = parsed.error.issues[0]!;
        throw errorFromStatus(what, 422, status('Invalid', `${part}.${path.join('.')}: ${message}`));
      }
      result[part] = wire(parsed.data);
    }
    return result;
  }

  #existing(what: string, resource: Resource, ref: ObjectRef, preconditions: Preconditions = {}): Stored {
    const found = this.#collection(resource).get(keyOf({ namespace: ref.namespace, name: ref.name }));
    if (!found) throw errorFromStatus(what, 404, status('NotFound', `${keyOf(ref)} not found`));
    for (const field of ['uid', 'resourceVersion'] as const) {
      const [wanted, is] = [preconditions[field], found.metadata[field]];
      if (wanted !== undefined && wanted !== is) throw errorFromStatus(what, 409, status('Conflict', `${field} is ${is}, not ${wanted}`));
    }
    return found;
  }

  #collection(resource: Resource): Map<string, Stored> {
    const name = nameOf(resource);
    const known = this.#collections.get(name);
    if (known) return known;
    const made = new Map<string, Stored>();
    this.#collections.set(name, made);
    this.#resources.set(name, resource);
    return made;
  }

  /** metav1.Time. */
  #timestamp(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

const status = (reason: string, message: string) => ({ kind: 'Status' as const, apiVersion: 'v1' as const, reason, message });

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = target && typeof target === 'object' && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
