import { createHash } from 'node:crypto';
import type { Configuration } from '../configuration.ts';
import { planOf } from './plan.ts';

/** A server that HAProxy may send traffic to, in the terms that it reports it in (`show servers state`, `show stat`). */
export interface LoadedServer {
  backend: string;
  /** Canonical address. */
  address: string;
  port: number;
  weight: number;
  backup: boolean;
  checkAddress?: string;
  checkPort?: number;
}

/**
 * The members that a configuration wants loaded, in 32 hexadecimal digits; equal to `revisionOf` what a process reports when it has exactly
 * them. Members in maintenance don't count: the process keeps one that was taken away until its last connection ends, and no traffic
 * tells it from one that is administratively down.
 */
export function membersRevision(configuration: Configuration): string {
  const backends = planOf(configuration).backends.filter(({ kept }) => !kept);
  return revisionOf(
    backends.flatMap(({ name, servers }) => servers.filter(({ enabled }) => enabled).map((server) => ({ ...server, backend: name }))),
  );
}

/** The revision of these servers, in whatever order; those in maintenance must not be among them. */
export function revisionOf(servers: readonly LoadedServer[]): string {
  const lines = servers.map(({ backend, address, port, weight, backup, checkAddress, checkPort }) =>
    JSON.stringify([backend, address, port, weight, backup, checkAddress ?? null, checkPort ?? null]),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 32);
}
