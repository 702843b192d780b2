import type { Amphora, LoadBalancer } from '../api/index.ts';
import type { Caller } from './auth/authentication.ts';
import type { Authorization, Deed } from './auth/authorization.ts';
import type { Directory } from './directory.ts';
import { notFound } from './octavia/index.ts';
import type { Repository } from './repository.ts';

/** What a caller wants of a load balancer; of a part of one it is `get` or `update`. */
export type Want = Pick<Deed, 'verb' | 'subresource'>;

/** Questions at the same time, where a list asks about many namespaces. */
const AT_ONCE = 16;

/** Load balancers and amphorae as far as a caller may reach them. */
export class Access {
  readonly #repository: Repository;
  readonly #directory: Directory;
  readonly #authorization: Authorization;

  constructor(repository: Repository, directory: Directory, authorization: Authorization) {
    this.#repository = repository;
    this.#directory = directory;
    this.#authorization = authorization;
  }

  /**
   * The load balancer of an id, its own or that of a part.
   * @param what it is that has the id, as Octavia names it
   * @throws OctaviaFault 404 where there is none, 403 where the caller may not do it, in this order, as in Octavia
   */
  async loadBalancer(caller: Caller, id: string, want: Want, what = 'Load Balancer'): Promise<LoadBalancer> {
    const found = await this.#directory.loadBalancerOf(id);
    if (!found) throw notFound(what, id);
    const { namespace, name } = found.metadata;
    await this.#authorization.require(caller, { ...want, resource: 'loadbalancers', namespace, name });
    return found;
  }

  /** The load balancers that a caller may list: all, or those of a project. @throws OctaviaFault 403 where that project is not theirs */
  loadBalancers(caller: Caller, project: string | undefined): Promise<LoadBalancer[]> {
    return this.#visible(caller, 'loadbalancers', project, (namespace) => this.#repository.loadBalancers(namespace));
  }

  amphorae(caller: Caller, project: string | undefined): Promise<Amphora[]> {
    return this.#visible(caller, 'amphorae', project, (namespace) => this.#repository.amphorae(namespace));
  }

  async #visible<T extends LoadBalancer | Amphora>(
    caller: Caller,
    resource: 'loadbalancers' | 'amphorae',
    project: string | undefined,
    list: (namespace?: string) => Promise<T[]>,
  ): Promise<T[]> {
    const deed = { verb: 'list', resource } as const;
    if (project !== undefined) {
      await this.#authorization.require(caller, { ...deed, namespace: project });
      return list(project);
    }
    const all = await list();
    if (await this.#authorization.may(caller, deed)) return all;
    const namespaces = [...new Set(all.map(({ metadata }) => metadata.namespace!))];
    const theirs = new Set<string>();
    for (let i = 0; i < namespaces.length; i += AT_ONCE) {
      await Promise.all(
        namespaces.slice(i, i + AT_ONCE).map(async (namespace) => {
          if (await this.#authorization.may(caller, { ...deed, namespace })) theirs.add(namespace);
        }),
      );
    }
    return all.filter(({ metadata }) => theirs.has(metadata.namespace!));
  }
}
