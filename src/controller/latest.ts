import { stripManagedFields } from '../kube/managed-fields.ts';
import { keyOf } from '../kube/paths.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Watched } from '../kube/watched.ts';

/**
 * A cache, ahead of its watch by what this process has written or read itself: until the watch brings that or something newer, who looks sees that. So no
 * visit goes by a version of which its own process knows that it is past. Versions of one resource are numbers that grow (KEP-5504).
 */
export class Latest<T extends KubeObject> implements Omit<Watched<T>, 'onEvent'> {
  readonly #cache: Watched<T>;
  /** By uid, what the watch has not brought yet. */
  readonly #ahead = new Map<string, T>();

  constructor(cache: Watched<T>) {
    this.#cache = cache;
    cache.onEvent(({ type, object }) => {
      const { uid = '' } = object.metadata;
      const ahead = this.#ahead.get(uid);
      if (ahead && (type === 'deleted' || !isAhead(ahead, object))) this.#ahead.delete(uid);
    });
  }

  /** What the API server has answered a write or a read with. */
  saw(object: T): void {
    const { uid = '' } = object.metadata;
    const now = this.get(keyOf(object));
    // The watch may have been quicker than the answer.
    if (now?.metadata.uid === uid && isAhead(object, now)) this.#ahead.set(uid, stripManagedFields(object));
  }

  get(key: string): T | undefined {
    const cached = this.#cache.get(key);
    return cached && this.#newest(cached);
  }

  list(): T[] {
    return this.#cache.list().map((cached) => this.#newest(cached));
  }

  byIndex(index: string, value: string): T[] {
    return this.#cache.byIndex(index, value).map((cached) => this.#newest(cached));
  }

  #newest(cached: T): T {
    return this.#ahead.get(cached.metadata.uid ?? '') ?? cached;
  }
}

/** Whoever takes the last finalizer off is answered with the version that is gone by that, which is the one that was there before. */
function isAhead({ metadata }: KubeObject, { metadata: other }: KubeObject): boolean {
  const [version, others] = [metadata, other].map(({ resourceVersion }) => BigInt(resourceVersion ?? 0)) as [bigint, bigint];
  const isGone = metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length;
  return version > others || (version === others && isGone);
}
