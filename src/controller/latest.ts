import { stripManagedFields } from '../kube/managed-fields.ts';
import { keyOf } from '../kube/paths.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Watched } from '../kube/watched.ts';

/**
 * A cache, ahead of its watch by what this process has written itself: until the watch brings that or something newer, who looks sees the answer to
 * the write. So no visit decides on a version that its own process has replaced, which the API server would only refuse.
 */
export class Latest<T extends KubeObject> implements Omit<Watched<T>, 'onEvent'> {
  readonly #cache: Watched<T>;
  /** By uid: the answer to the last write, and the versions that it is known to have replaced. */
  readonly #written = new Map<string, { object: T; replaced: Set<string> }>();

  constructor(cache: Watched<T>) {
    this.#cache = cache;
    cache.onEvent(({ type, object }) => {
      const { uid = '', resourceVersion = '' } = object.metadata;
      if (type === 'deleted' || !this.#written.get(uid)?.replaced.has(resourceVersion)) this.#written.delete(uid);
    });
  }

  /** What a write that was decided on `before` was answered with. */
  wrote(before: T, after: T): void {
    const { uid = '', resourceVersion = '' } = before.metadata;
    // Whoever takes the last finalizer off is answered with the version that is gone by that.
    const isLast = after.metadata.deletionTimestamp !== undefined && !after.metadata.finalizers?.length;
    if (after.metadata.resourceVersion === resourceVersion && !isLast) return;
    const known = this.#written.get(uid);
    const replaced = known?.object.metadata.resourceVersion === resourceVersion ? known.replaced : new Set<string>();
    // The watch may have been quicker than the answer.
    const seen = this.#cache.get(keyOf(before))?.metadata.resourceVersion;
    replaced.add(resourceVersion);
    if (seen !== undefined && replaced.has(seen)) this.#written.set(uid, { object: stripManagedFields(after), replaced });
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
    const { uid = '', resourceVersion = '' } = cached.metadata;
    const written = this.#written.get(uid);
    return written?.replaced.has(resourceVersion) ? written.object : cached;
  }
}
