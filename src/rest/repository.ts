import type { Amphora, Flavor, FlavorProfile, LoadBalancer } from '../api/index.ts';
import { amphorae, flavorProfiles, flavors, loadBalancers } from '../controller/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict } from '../kube/errors.ts';
import { find } from '../kube/find.ts';
import type { KubeObject, ObjectRef, Resource } from '../kube/types.ts';
import { Fault, notFound } from './fault.ts';

/** Who writes, in server-side apply's books. */
export const FIELD_MANAGER = 'reflavor-api';
/** How many ids it is remembered for which object they stand. */
const REMEMBERED = 100_000;
/** How often a change is made again on a fresh object when somebody else was quicker. */
const ATTEMPTS = 8;

/**
 * The objects behind the API, always read fresh: what one replica has answered, another must not deny. Which object an id stands for is
 * remembered, since that never changes: a uid is never given twice.
 */
export class Repository {
  readonly client: KubeClient;
  readonly #namespaces: readonly string[];
  readonly #places = new Map<string, ObjectRef & { uid: string }>();

  /** @param namespaces those that are looked after; none: all */
  constructor(client: KubeClient, namespaces: readonly string[]) {
    this.client = client;
    this.#namespaces = namespaces;
  }

  /** All load balancers, or those of one namespace. */
  loadBalancers(namespace?: string): Promise<LoadBalancer[]> {
    return this.#list<LoadBalancer>(loadBalancers, namespace);
  }

  amphorae(namespace?: string): Promise<Amphora[]> {
    return this.#list<Amphora>(amphorae, namespace);
  }

  flavors(): Promise<Flavor[]> {
    return this.#list<Flavor>(flavors);
  }

  flavorProfiles(): Promise<FlavorProfile[]> {
    return this.#list<FlavorProfile>(flavorProfiles);
  }

  /** @throws Fault 404 */
  async loadBalancer(id: string): Promise<LoadBalancer> {
    const place = this.#places.get(id) ?? (await this.#search(loadBalancers, id));
    const found = place && (await find<LoadBalancer>(this.client, loadBalancers, place));
    if (found?.metadata.uid !== id) throw notFound('Load Balancer', id);
    return found;
  }

  /**
   * Makes a change to a load balancer, as a compare and swap: again on a fresh one when somebody else wrote meanwhile.
   *
   * @param edit gives the object as it should be, the very same one for no change
   * @throws Fault 404 when it is gone, 409 when others write all the time; what `edit` throws
   */
  async change(id: string, edit: (loadBalancer: LoadBalancer) => LoadBalancer | Promise<LoadBalancer>): Promise<LoadBalancer> {
    for (let attempt = 1; ; attempt++) {
      const before = await this.loadBalancer(id);
      const after = await edit(before);
      if (after === before) return before;
      try {
        return await this.client.replace(loadBalancers, after, { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' });
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (attempt === ATTEMPTS)
          throw new Fault(409, `Load Balancer ${id} is immutable and cannot be updated: others are changing it at this moment. Try again.`);
      }
    }
  }

  async #list<T extends KubeObject>(resource: Resource, namespace?: string): Promise<T[]> {
    const wanted =
      !resource.namespaced || this.#namespaces.length === 0
        ? [namespace]
        : this.#namespaces.filter((n) => namespace === undefined || n === namespace);
    const lists = await Promise.all(wanted.map((one) => this.client.listAll<T>(resource, { namespace: one })));
    return lists.flatMap(({ items }) => items);
  }

  /** Where the object of this id is; all others that are met on the way are remembered too. */
  async #search(resource: Resource, id: string): Promise<ObjectRef | undefined> {
    for (const { metadata } of await this.#list(resource)) {
      this.#places.set(metadata.uid!, { namespace: metadata.namespace, name: metadata.name, uid: metadata.uid! });
      if (this.#places.size > REMEMBERED) this.#places.delete(this.#places.keys().next().value!);
    }
    return this.#places.get(id);
  }
}
