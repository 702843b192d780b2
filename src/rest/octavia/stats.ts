import * as z from 'zod';
import type { Amphora, ListenerStatistics } from '../../api/index.ts';

/** `GET …/stats`, below `stats`. null: nobody has counted yet. */
export const StatsResponse = z.object({
  active_connections: z.int().nullable(),
  total_connections: z.int().nullable(),
  bytes_in: z.int().nullable(),
  bytes_out: z.int().nullable(),
  request_errors: z.int().nullable(),
});
export type StatsResponse = z.infer<typeof StatsResponse>;

/**
 * What the amphorae of a load balancer last reported, all listeners together. As in Octavia it is what the present amphorae have counted: the totals fall
 * when some are replaced.
 */
export const statsOf = (amphorae: readonly Amphora[]): StatsResponse => sum(amphorae, () => true);

/** The same of one listener, known by its port. */
export const listenerStatsOf = ({ protocolPort }: { protocolPort: number }, amphorae: readonly Amphora[]): StatsResponse =>
  sum(amphorae, (one) => one.protocolPort === protocolPort);

function sum(amphorae: readonly Amphora[], counts: (one: ListenerStatistics) => boolean): StatsResponse {
  const counted = amphorae.flatMap(({ status }) => status?.statistics ?? []).filter(counts);
  const total = (name: Exclude<keyof ListenerStatistics, 'protocolPort'>) =>
    counted.length === 0 ? null : counted.reduce((all, one) => all + one[name], 0);
  return {
    active_connections: total('activeConnections'),
    total_connections: total('totalConnections'),
    bytes_in: total('bytesIn'),
    bytes_out: total('bytesOut'),
    request_errors: total('requestErrors'),
  };
}
