import * as z from 'zod';
import { FlavorData, Provider } from './flavorprofile.ts';
import { type API_VERSION, atomicList, Condition, mapList, Name, type ObjectMeta, ObjectName, Port, Timestamp } from './meta.ts';

/** Octavia's roles of an amphora. */
export const AmphoraRole = z.enum(['STANDALONE', 'MASTER', 'BACKUP']);
export type AmphoraRole = z.infer<typeof AmphoraRole>;

/**
 * What the VIP is to do with an amphora. `Detached`: not behind the VIP. `Attached`: it takes new connections. `Draining`: not
 * behind the VIP, and ending the connections that it has.
 */
export const Steering = z.enum(['Detached', 'Attached', 'Draining']);
export type Steering = z.infer<typeof Steering>;

/** Octavia's operating statuses of a member, with HAProxy's state behind each. */
export const MemberStatus = z.enum(['ONLINE', 'ERROR', 'DRAINING', 'OFFLINE', 'NO_MONITOR']);
export type MemberStatus = z.infer<typeof MemberStatus>;

export const AmphoraSpec = z.object({
  loadBalancer: z.object({ name: Name, uid: z.string().min(1).max(64) }),
  operation: z.int().min(1).meta({ description: 'Number of the operation that made it.' }),
  slot: z.int().min(0).max(1).meta({ description: '0: SINGLE’s only one or the MASTER; 1: the BACKUP.' }),
  role: AmphoraRole,
  peer: z.int().min(0).max(7).meta({ description: 'Its name among the living amphorae of the load balancer, in the peers section.' }),
  provider: Provider,
  flavorId: ObjectName,
  flavorData: FlavorData.meta({ description: 'A copy: a failover works after the flavor is gone.' }),
  steering: Steering,
});
export type AmphoraSpec = z.infer<typeof AmphoraSpec>;

const Count = z.int().min(0);

/** Octavia's statistics of a listener, as one amphora has counted them: over reloads, and over its HAProxy being started anew while an operator watched. */
export const ListenerStatistics = z.object({
  protocolPort: Port,
  activeConnections: Count,
  totalConnections: Count,
  bytesIn: Count.meta({ description: 'From clients.' }),
  bytesOut: Count.meta({ description: 'To clients.' }),
  requestErrors: Count.meta({ description: 'Requests that were no good, or were given up by the client before they were whole.' }),
});
export type ListenerStatistics = z.infer<typeof ListenerStatistics>;

export const AmphoraStatus = z.object({
  observedGeneration: z.int().optional(),
  address: z.string().max(64).optional().meta({ description: 'Where the VIP reaches it.' }),
  haproxyVersion: z.string().max(64).optional(),
  startedAt: Timestamp.optional().meta({ description: 'When its HAProxy was last seen to have been started.' }),
  attached: z.boolean().optional().meta({ description: 'Seen to be behind the VIP.' }),
  standby: z.boolean().optional().meta({ description: 'Behind the VIP as one that takes traffic only while no other does.' }),
  steeredAt: Timestamp.optional().meta({ description: 'When `attached` was last seen to change.' }),
  configurationHash: z.string().max(64).optional().meta({ description: 'Hash of the configuration that the running HAProxy reports.' }),
  membersRevision: z.string().max(64).optional().meta({ description: 'Revision of the members, read back from the running HAProxy.' }),
  listeners: z
    .array(z.object({ protocolPort: Port, open: z.boolean() }))
    .max(128)
    .optional()
    .meta({ ...mapList('protocolPort'), description: 'The listening ports, and whether each accepts connections.' }),
  unhealthyMembers: z
    .array(z.object({ pool: Name, address: z.string().max(64), protocolPort: Port, status: MemberStatus }))
    .max(4096)
    .optional()
    .meta({ ...atomicList, description: 'The members that this amphora does not see ONLINE (or NO_MONITOR, where nothing checks them).' }),
  uncheckedMembers: z.int().min(0).optional().meta({
    description: 'Until it is put behind the VIP: how many members have a health monitor, and have not been checked by this amphora yet.',
  }),
  stickTablesSynced: z.boolean().optional().meta({ description: 'Its stick tables have what those of the older amphorae had.' }),
  connections: z
    .object({
      current: z.int().min(0).meta({ description: 'Open connections, over all its HAProxy processes.' }),
      total: z.int().min(0).meta({ description: 'Connections since it started.' }),
      queued: z.boolean().optional().meta({ description: 'At its limit, so that clients may be waiting to be accepted.' }),
      quietSince: Timestamp.optional().meta({ description: 'When `total` was last seen to grow.' }),
      observedAt: Timestamp,
    })
    .optional(),
  statistics: z
    .array(ListenerStatistics)
    .max(128)
    .optional()
    .meta({ ...mapList('protocolPort'), description: 'What each of its listeners has counted since the amphora started.' }),
  drainStartedAt: Timestamp.optional(),
  conditions: z.array(Condition).max(8).optional().meta(mapList('type')),
});
export type AmphoraStatus = z.infer<typeof AmphoraStatus>;

/**
 * One HAProxy instance of a load balancer, written by the operator alone. Conditions: `Ready` (HAProxy runs and may be sent
 * traffic; says nothing of members), `Configured` (the configuration last rendered is the one loaded; else why not), `Lost`
 * (gone beyond restart; it is to be replaced); and only while True `DisruptionTarget` (it is soon to be taken away where it runs; another takes its
 * place before that).
 */
export interface Amphora {
  apiVersion: typeof API_VERSION;
  kind: 'Amphora';
  metadata: ObjectMeta;
  spec: AmphoraSpec;
  status?: AmphoraStatus;
}
