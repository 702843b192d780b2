/**
 * The names that proxies and servers have in HAProxy. They carry what an observer needs, so that a running process tells its ports and
 * members without the configuration that it came from; names of Kubernetes have no colon, so they can't be taken for each other.
 */
import { hash } from 'node:crypto';

/** `listener:<name>:<port>`. */
export function frontendName(listener: { name: string; protocolPort: number }): string {
  return `listener:${listener.name}:${listener.protocolPort}`;
}

/** Reads a name that `frontendName` made; undefined for any other proxy. */
export function parseFrontendName(name: string): { listener: string; protocolPort: number } | undefined {
  const found = /^listener:([^:]+):(\d+)$/.exec(name);
  return found ? { listener: found[1]!, protocolPort: Number(found[2]) } : undefined;
}

/** The operator's way to the master, the health of this amphora, and that of the active one: no observation counts these as the tenant's. */
export const ADMIN_PROXY = 'control:admin';
export const HEALTH_PROXY = 'control:health';
export const ACTIVE_PROXY = 'control:active';

/** `pool:<name>`, or `pool:<name>:<listener>` for listeners that need the pool with time-outs or a mode of their own. */
export function backendName(pool: string, listener?: string): string {
  return listener === undefined ? `pool:${pool}` : `pool:${pool}:${listener}`;
}

/** The pool of a backend's name; undefined for any other proxy. */
export function parseBackendName(name: string): { pool: string } | undefined {
  const found = /^pool:([^:]+)(?::[^:]+)?$/.exec(name);
  return found ? { pool: found[1]! } : undefined;
}

/** `<address>:<port>`, the address canonical and without brackets, which HAProxy doesn't take in a name: the last colon separates. */
export function serverName(address: string, port: number): string {
  return `${address}:${port}`;
}

/** Reads a name that `serverName` made. */
export function parseServerName(name: string): { address: string; protocolPort: number } {
  const colon = name.lastIndexOf(':');
  return { address: name.slice(0, colon), protocolPort: Number(name.slice(colon + 1)) };
}

const mostFirstIds = 20_000;
const firstIds = new Map<string, number>();

/** From a hash, and remembered: a pool is planned several times for each member that comes or goes. */
function firstId(name: string): number {
  let id = firstIds.get(name);
  if (id === undefined) {
    id = hash('sha256', name, 'buffer').readUInt32BE(0) & 0x7fffffff || 1;
    if (firstIds.size >= mostFirstIds) firstIds.clear();
    firstIds.set(name, id);
  }
  return id;
}

/**
 * Numeric ids of servers, unique in their backend: from their names, not from their order, so that consistent hashing and the ids in
 * stick tables mean the same member in every amphora, whenever it was added.
 */
export function serverIds(names: readonly string[]): Map<string, number> {
  const taken = new Set<number>();
  const ids = new Map<string, number>();
  for (const name of [...names].sort()) {
    let id = firstId(name);
    while (taken.has(id)) id = (id + 1) & 0x7fffffff || 1;
    taken.add(id);
    ids.set(name, id);
  }
  return ids;
}
