import type { LoadBalancer } from '../api/index.ts';
import type { ObjectRef } from '../kube/types.ts';
import type { Repository } from './repository.ts';

/** How many ids are remembered; the oldest go first. */
const CAPACITY = 100_000;

/**
 * Where the load balancer of an id is, be it its own id or that of one of its children. That never changes, since a uid is never given twice, so
 * that it may be remembered; what is there is read fresh. An id that is not known is looked for in all load balancers.
 */
export class Directory {
  readonly #repository: Repository;
  readonly #idsOf: (loadBalancer: LoadBalancer) => Iterable<string>;
  readonly #places = new Map<string, ObjectRef & { uid: string }>();

  /** @param idsOf all ids by which a load balancer may be asked for */
  constructor(repository: Repository, idsOf: (loadBalancer: LoadBalancer) => Iterable<string>) {
    this.#repository = repository;
    this.#idsOf = idsOf;
  }

  /** The load balancer as it is now; undefined where nothing has this id. A child may be gone from it meanwhile. */
  async loadBalancerOf(id: string): Promise<LoadBalancer | undefined> {
    const place = this.#places.get(id);
    if (place) return this.#repository.loadBalancer(place);
    let found: LoadBalancer | undefined;
    for (const loadBalancer of await this.#repository.loadBalancers()) {
      for (const one of this.#idsOf(loadBalancer)) {
        this.#remember(one, loadBalancer);
        if (one === id) found = loadBalancer;
      }
    }
    return found;
  }

  #remember(id: string, { metadata: { namespace, name, uid } }: LoadBalancer): void {
    this.#places.set(id, { namespace, name, uid: uid! });
    if (this.#places.size > CAPACITY) this.#places.delete(this.#places.keys().next().value!);
  }
}
