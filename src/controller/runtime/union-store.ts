import type { KubeObject } from '../../kube/types.ts';
import type { ReadonlyStore } from './store.ts';

/** Several stores seen as one, as when a few namespaces are watched. Invariant: no key is in two of them. */
export class UnionStore<T extends KubeObject> implements ReadonlyStore<T> {
  readonly #stores: readonly ReadonlyStore<T>[];

  constructor(stores: readonly ReadonlyStore<T>[]) {
    this.#stores = stores;
  }

  get size(): number {
    return this.#stores.reduce((sum, store) => sum + store.size, 0);
  }

  get(key: string): T | undefined {
    for (const store of this.#stores) {
      const found = store.get(key);
      if (found) return found;
    }
    return undefined;
  }

  list(): T[] {
    return this.#stores.flatMap((store) => store.list());
  }

  byIndex(index: string, value: string): T[] {
    return this.#stores.flatMap((store) => store.byIndex(index, value));
  }
}
