import type { KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeObject, ObjectRef, Resource } from '../../src/kube/types.ts';

/** An API server's Secrets, in memory: to be read and created. Other calls are not there. */
export class SecretsInMemory implements Pick<KubeClient, 'get' | 'create'> {
  readonly #objects = new Map<string, KubeObject>();
  /** Each call, as `get ns/name` or `create ns/name`. */
  readonly calls: string[] = [];

  /** Puts one there, or in the place of another. */
  set(object: KubeObject): void {
    this.#objects.set(keyOf(object.metadata), object);
  }

  at(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  async get<T extends KubeObject>(resource: Resource, ref: ObjectRef): Promise<T> {
    this.calls.push(`get ${keyOf(ref)}`);
    const found = this.#objects.get(keyOf(ref));
    if (!found || resource.plural !== 'secrets') throw new KubeError(`no ${keyOf(ref)}`, { status: 404, reason: 'NotFound' });
    return structuredClone(found) as T;
  }

  async create<T extends KubeObject>(_: Resource, object: T): Promise<T> {
    const key = keyOf(object.metadata);
    this.calls.push(`create ${key}`);
    if (this.#objects.has(key)) throw new KubeError(`${key} exists`, { status: 409, reason: 'AlreadyExists' });
    this.#objects.set(key, structuredClone(object));
    return object;
  }
}

const keyOf = ({ namespace, name }: ObjectRef) => `${namespace}/${name}`;
