import { setTimeout as sleep } from 'node:timers/promises';
import { type Amphora, type Flavor, type FlavorProfile, LOADBALANCER_UID_LABEL, type LoadBalancer } from '../api/index.ts';
import { amphorae, flavorProfiles, flavors, loadBalancers } from '../controller/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict } from '../kube/errors.ts';
import { find } from '../kube/find.ts';
import type { KubeObject, ObjectRef, Resource } from '../kube/types.ts';
import { conflict, notFound } from './octavia/index.ts';

/** Who writes, in server-side apply's books. Strict: what the schema has no room for must not get lost. */
export const WRITER = { fieldManager: 'reflavor-api', fieldValidation: 'Strict' } as const;
/** How often a change is made again on a fresh object when somebody else was quicker; an operation's status is written some times a second. */
const ATTEMPTS = 12;
/** Milliseconds by which the wait before the next attempt grows, at most: those who collided must not do so again. */
const BACKOFF_MS = 20;

/** The objects behind the API, always read fresh: what one replica has answered, another must not deny. */
export class Repository {
  readonly client: KubeClient;
  readonly #namespaces: readonly string[];

  /** @param namespaces those that are looked after; none: all */
  constructor(client: KubeClient, namespaces: readonly string[]) {
    this.client = client;
    this.#namespaces = namespaces;
  }

  /** Whether load balancers of this namespace are looked after. */
  watches(namespace: string): boolean {
    return this.#namespaces.length === 0 || this.#namespaces.includes(namespace);
  }

  /** All load balancers, or those of one namespace. */
  loadBalancers(namespace?: string): Promise<LoadBalancer[]> {
    return this.#list<LoadBalancer>(loadBalancers, namespace);
  }

  /** The load balancer as it is now, if it is still the one of this uid. */
  async loadBalancer({ uid, ...place }: ObjectRef & { uid: string }): Promise<LoadBalancer | undefined> {
    const found = await find<LoadBalancer>(this.client, loadBalancers, place);
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** All amphorae, or those of one namespace. */
  amphorae(namespace?: string): Promise<Amphora[]> {
    return this.#list<Amphora>(amphorae, namespace);
  }

  async amphoraeOf({ metadata: { namespace, uid } }: LoadBalancer): Promise<Amphora[]> {
    return (await this.client.listAll<Amphora>(amphorae, { namespace, labelSelector: `${LOADBALANCER_UID_LABEL}=${uid}` })).items;
  }

  flavors(): Promise<Flavor[]> {
    return this.#list<Flavor>(flavors);
  }

  flavorProfiles(): Promise<FlavorProfile[]> {
    return this.#list<FlavorProfile>(flavorProfiles);
  }

  /**
   * Makes a change to a load balancer, as a compare and swap: again on a fresh one when somebody else wrote meanwhile.
   *
   * @param before as it was read last
   * @param edit gives the object as it should be, the very same one for no change
   * @throws OctaviaFault 404 when it is gone, 409 when others write all the time; what `edit` throws
   */
  async change(before: LoadBalancer, edit: (loadBalancer: LoadBalancer) => LoadBalancer): Promise<LoadBalancer> {
    const { uid, namespace, name } = before.metadata;
    for (let attempt = 1, now = before; ; attempt++) {
      const after = edit(now);
      if (after === now) return now;
      try {
        return await this.client.replace(loadBalancers, after, WRITER);
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (attempt === ATTEMPTS)
          throw conflict(`Load Balancer ${uid} is immutable and cannot be updated: others are changing it at this moment. Try again.`);
        await sleep(Math.random() * BACKOFF_MS * attempt);
        const fresh = await this.loadBalancer({ namespace, name, uid: uid! });
        if (!fresh) throw notFound('Load Balancer', uid!);
        now = fresh;
      }
    }
  }

  async #list<T extends KubeObject>(resource: Resource, namespace?: string): Promise<T[]> {
    const bounded = resource.namespaced && this.#namespaces.length > 0;
    const wanted = bounded ? this.#namespaces.filter((one) => namespace === undefined || one === namespace) : [namespace];
    const lists = await Promise.all(wanted.map((one) => this.client.listAll<T>(resource, { namespace: one })));
    return lists.flatMap(({ items }) => items);
  }
}
