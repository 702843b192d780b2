import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import type { Watch, Watched } from '../kube/watched.ts';
import type { RuntimeMetrics } from './runtime/metrics.ts';
import { Reflector, type ReflectorOptions } from './runtime/reflector.ts';
import type { IndexFunction } from './runtime/store.ts';
import { UnionStore } from './runtime/union-store.ts';

export interface WatchesOptions extends Pick<ReflectorOptions<KubeObject>, 'clock' | 'random' | 'log'> {
  client: Pick<KubeClient, 'listAll' | 'watch'>;
  /** All where empty. */
  namespaces: readonly string[];
  metrics?: Pick<RuntimeMetrics, 'reflector'>;
}

/**
 * The collections that the operator watches: one reflector for each resource and selector, or one for each namespace that it looks after, however
 * many ask for it. Each who asks has index names of its own. All must be asked for before the reflectors are run.
 */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #shared = new Map<string, Reflector<KubeObject>[]>();
  #views = 0;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  get reflectors(): Reflector<KubeObject>[] {
    return [...this.#shared.values()].flat();
  }

  readonly watch: Watch = <T extends KubeObject>(
    resource: Resource,
    { labelSelector, indexes = {} }: { labelSelector?: string; indexes?: Record<string, IndexFunction<T>> } = {},
  ): Watched<T> => {
    const reflectors = this.#reflectorsOf(resource, labelSelector) as unknown as Reflector<T>[];
    const view = ++this.#views;
    for (const reflector of reflectors) {
      for (const [name, values] of Object.entries(indexes)) reflector.addIndex(`${view} ${name}`, values);
    }
    const store = reflectors.length === 1 ? reflectors[0]!.store : new UnionStore(reflectors.map((r) => r.store));
    return {
      get: (key) => store.get(key),
      list: () => store.list(),
      byIndex: (index, value) => store.byIndex(`${view} ${index}`, value),
      onEvent: (handler) => reflectors.forEach((r) => void r.onEvent(handler)),
    };
  };

  #reflectorsOf(resource: Resource, labelSelector: string | undefined): Reflector<KubeObject>[] {
    const key = JSON.stringify([resource.group, resource.plural, labelSelector]);
    const known = this.#shared.get(key);
    if (known) return known;
    const { client, namespaces, metrics, ...rest } = this.#options;
    const made = (resource.namespaced && namespaces.length > 0 ? namespaces : [undefined]).map(
      (namespace) =>
        new Reflector<KubeObject>({
          ...rest,
          client,
          resource,
          selection: { namespace, labelSelector },
          metrics: metrics?.reflector(resource.plural),
        }),
    );
    this.#shared.set(key, made);
    return made;
  }
}
