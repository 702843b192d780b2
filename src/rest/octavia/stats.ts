import { z } from 'zod';
import type { Amphora, LoadBalancer } from '../../api/index.ts';

/** `GET …/stats`, below `stats`. null: not counted. */
export const StatsResponse = z.object({
  active_connections: z.int().nullable(),
  total_connections: z.int().nullable(),
  bytes_in: z.int().nullable(),
  bytes_out: z.int().nullable(),
  request_errors: z.int().nullable(),
});
export type StatsResponse = z.infer<typeof StatsResponse>;

const NOT_COUNTED: StatsResponse = {
  active_connections: null,
  total_connections: null,
  bytes_in: null,
  bytes_out: null,
  request_errors: null,
};

/**
 * The connections of a load balancer, from what its amphorae last reported: those that are open, and those since these amphorae started, so
 * that the total falls when amphorae are replaced, unlike Octavia's. Bytes and request errors are not counted: null, not 0. All are null
 * where no amphora has reported.
 */
export function statsOf(amphorae: readonly Amphora[]): StatsResponse {
  const reported = amphorae.flatMap(({ status }) => status?.connections ?? []);
  if (reported.length === 0) return NOT_COUNTED;
  const sum = (key: 'current' | 'total') => reported.reduce((total, connections) => total + connections[key], 0);
  return { ...NOT_COUNTED, active_connections: sum('current'), total_connections: sum('total') };
}

/** The same for a listener. Amphorae count over all listeners, so that only those of a load balancer's one listener are known. */
export const listenerStatsOf = ({ spec }: LoadBalancer, amphorae: readonly Amphora[]): StatsResponse =>
  spec.listeners?.length === 1 ? statsOf(amphorae) : NOT_COUNTED;
