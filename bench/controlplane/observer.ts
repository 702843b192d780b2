import type { LoadBalancer } from '../../src/api/index.ts';
import { loadBalancers } from '../../src/controller/resources.ts';
import { Reflector } from '../../src/controller/runtime/reflector.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { keyOf } from '../../src/kube/paths.ts';

interface Wish {
  /** Keys of those that don't yet. */
  missing: Set<string>;
  meets(lb: LoadBalancer): boolean;
  met(): void;
}

/** One watch of all balancers, by which the benchmark tells how far they are, whoever runs them. */
export class Observer {
  readonly #reflector: Reflector<LoadBalancer>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #wishes = new Set<Wish>();

  constructor(client: KubeClient) {
    this.#reflector = new Reflector<LoadBalancer>({ client, resource: loadBalancers });
    this.#reflector.onEvent(({ object }) => {
      for (const wish of this.#wishes) {
        if (wish.missing.has(keyOf(object)) && wish.meets(object)) wish.missing.delete(keyOf(object));
        if (wish.missing.size === 0) wish.met();
      }
    });
    this.#running = this.#reflector.run(this.#stop.signal);
  }

  synced = (): Promise<void> => this.#reflector.synced();

  /**
   * Resolves once each of these has been seen to be so.
   * @throws naming some of those that are not, after `withinMs`
   */
  async until(keys: string[], meets: (lb: LoadBalancer) => boolean, withinMs: number): Promise<void> {
    const seen = (key: string) => this.#reflector.store.get(key);
    const missing = new Set(keys.filter((key) => !seen(key) || !meets(seen(key)!)));
    if (missing.size === 0) return;
    const all = Promise.withResolvers<void>();
    const wish: Wish = { missing, meets, met: all.resolve };
    this.#wishes.add(wish);
    const timer = setTimeout(() => {
      const [first = ''] = missing;
      const status = JSON.stringify(seen(first)?.status);
      all.reject(
        new Error(`${missing.size} of ${keys.length} balancers are not where they should be after ${withinMs} ms; ${first}: ${status}`),
      );
    }, withinMs);
    try {
      await all.promise;
    } finally {
      clearTimeout(timer);
      this.#wishes.delete(wish);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
