import type { Draft } from './change.ts';
import { invalid } from './fault.ts';
import type { ListenerInTree } from './listener.ts';
import { addPool, type PoolInTree } from './pool.ts';

/** The pools of one call: their keys in the spec by the names that they have in the call. */
export type PoolKeys = ReadonlyMap<string, string>;

/** The key of a pool that a listener or policy of the call names or describes. */
export const poolKey = (pool: PoolInTree | null | undefined, pools: PoolKeys): string | undefined =>
  pool ? pools.get(pool.name ?? '') : undefined;

/**
 * Adds all pools of one call to the draft: those that stand by themselves, and those that a listener or policy describes where it refers to them.
 * Octavia's rules: each is described once, has a name of its own, and others refer to it by that.
 *
 * @throws OctaviaFault 400 where the names don't go together, and whatever a pool is refused for
 */
export function addPools(draft: Draft, alone: readonly PoolInTree[], listeners: readonly ListenerInTree[]): PoolKeys {
  const inPlace = listeners
    .flatMap(({ default_pool, l7policies }) => [default_pool, ...(l7policies ?? []).map(({ redirect_pool }) => redirect_pool)])
    .filter((pool) => pool != null);
  if (inPlace.some(({ name }) => !name)) throw invalid('Pools must be named when creating a fully populated loadbalancer.');
  const described = [...alone, ...inPlace.filter((pool) => !isReference(pool))];
  const names = new Set(described.map(({ name }) => name ?? ''));
  if (names.size < described.length) throw invalid('Pool names must be unique when creating a fully populated loadbalancer.');
  const missing = inPlace.find(({ name }) => !names.has(name!));
  if (missing) throw invalid(`Pool '${missing.name}' was referenced but no full definition was found.`);
  return new Map(described.map((pool) => [pool.name ?? '', addPool(draft, pool).name]));
}

/** Whether it has nothing but a name. */
const isReference = ({ name: _name, ...others }: PoolInTree): boolean => Object.values(others).every((value) => value == null);
