import type { Call } from './api-call.ts';

/** How often a fault has met something, by the namespace that it was about; what concerns all of them is in none. */
export class Hits {
  readonly #counts = new Map<string, number>();

  add({ namespace }: Pick<Call, 'namespace'> = { namespace: '' }, count = 1): void {
    this.#counts.set(namespace, (this.#counts.get(namespace) ?? 0) + count);
  }

  /** Those that a load balancer of this namespace has felt. */
  feltIn(namespace: string): number {
    return (this.#counts.get('') ?? 0) + (namespace === '' ? 0 : (this.#counts.get(namespace) ?? 0));
  }
}
