import * as z from 'zod';
import type { Amphora, ListenerStatistics, LoadBalancer } from '../../api/index.ts';
import { idOf, pathOf } from './ids.ts';

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

/** One of `GET …/amphorae/{id}/stats`: what the amphora has counted of a listener. */
export const AmphoraStatsResponse = z.object({
  id: z.string().meta({ description: 'The amphora.' }),
  listener_id: z.string(),
  loadbalancer_id: z.string(),
  active_connections: z.int(),
  total_connections: z.int(),
  bytes_in: z.int(),
  bytes_out: z.int(),
  request_errors: z.int(),
});
export type AmphoraStatsResponse = z.infer<typeof AmphoraStatsResponse>;

/** What one amphora last reported, listener by listener; of a listener that its load balancer has no more, nothing. */
export function amphoraStatsOf(loadBalancer: LoadBalancer, { metadata, status }: Amphora): AmphoraStatsResponse[] {
  return (status?.statistics ?? []).flatMap(({ protocolPort, ...counted }) => {
    const listener = loadBalancer.spec.listeners?.find((one) => one.protocolPort === protocolPort);
    if (!listener) return [];
    return {
      id: metadata.uid!,
      listener_id: idOf(loadBalancer, pathOf.listener(listener)),
      loadbalancer_id: loadBalancer.metadata.uid!,
      active_connections: counted.activeConnections,
      total_connections: counted.totalConnections,
      bytes_in: counted.bytesIn,
      bytes_out: counted.bytesOut,
      request_errors: counted.requestErrors,
    };
  });
}

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
