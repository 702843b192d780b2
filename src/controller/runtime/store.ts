import { keyOf } from '../../kube/paths.ts';
import type { KubeObject } from '../../kube/types.ts';

/** What changed in a store. Objects are shared with all who look: never write to them. */
export type StoreEvent<T> =
  | { type: 'added'; object: T; oldObject?: undefined }
  | { type: 'modified'; object: T; oldObject: T }
  | { type: 'deleted'; object: T; oldObject?: undefined };

/** Under which values an object is found in an index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** What readers may do with a store. */
export interface ReadonlyStore<T> {
  readonly size: number;
  /** By `namespace/name`, or `name` for what has no namespace. */
  get(key: string): T | undefined;
  list(): T[];
  /** @throws Error when there is no such index */
  byIndex(index: string, value: string): T[];
}

/** The objects of one resource as last seen, by key and by named indexes. Every change returns the events it amounts to. */
export class Store<T extends KubeObject> implements ReadonlyStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { values: IndexFunction<T>; keys: Map<string, Set<string>> }>();

  constructor(indexes: Record<string, IndexFunction<T>> = {}) {
    for (const [name, values] of Object.entries(indexes)) this.addIndex(name, values);
  }

  /** Finds objects by these values from now on, those that are there already too. */
  addIndex(name: string, values: IndexFunction<T>): void {
    const index = { values, keys: new Map<string, Set<string>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) this.#enter(index, key, object);
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`no index "${index}"; there are: ${[...this.#indexes.keys()].join(', ') || 'none'}`);
    return [...(found.keys.get(value) ?? [])].map((key) => this.#objects.get(key)!);
  }

  /** The object as it is now. Another uid under the same name is another object: the old one was deleted. */
  put(object: T): StoreEvent<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old && old.metadata.resourceVersion === object.metadata.resourceVersion && old.metadata.uid === object.metadata.uid) return [];
    if (old) this.#unindex(key, old);
    this.#objects.set(key, object);
    this.#index(key, object);
    if (!old) return [{ type: 'added', object }];
    if (old.metadata.uid === object.metadata.uid) return [{ type: 'modified', object, oldObject: old }];
    return [
      { type: 'deleted', object: old },
      { type: 'added', object },
    ];
  }

  /** The object is gone; `last` is the state it went in. */
  remove(last: T): StoreEvent<T>[] {
    const key = keyOf(last);
    const old = this.#objects.get(key);
    if (!old) return [];
    this.#unindex(key, old);
    this.#objects.delete(key);
    return [{ type: 'deleted', object: last }];
  }

  /** These are all the objects there are: what is not among them was deleted while nobody looked. */
  replace(objects: Iterable<T>): StoreEvent<T>[] {
    const vanished = new Map(this.#objects);
    const events: StoreEvent<T>[] = [];
    for (const object of objects) {
      vanished.delete(keyOf(object));
      events.push(...this.put(object));
    }
    for (const object of vanished.values()) events.push(...this.remove(object));
    return events;
  }

  #index(key: string, object: T): void {
    for (const index of this.#indexes.values()) this.#enter(index, key, object);
  }

  #enter({ values, keys }: { values: IndexFunction<T>; keys: Map<string, Set<string>> }, key: string, object: T): void {
    for (const value of values(object)) {
      const known = keys.get(value);
      if (known) known.add(key);
      else keys.set(value, new Set([key]));
    }
  }

  #unindex(key: string, object: T): void {
    for (const { values, keys } of this.#indexes.values()) {
      for (const value of values(object)) {
        const known = keys.get(value);
        known?.delete(key);
        if (known?.size === 0) keys.delete(value);
      }
    }
  }
}
