import * as z from 'zod';
import type { Amphora, LoadBalancer } from '../../api/index.ts';
import { OperatingStatus, ProvisioningStatus } from '../../api/index.ts';
import type { Flavors } from './flavors.ts';
import { idOf } from './ids.ts';
import { type Notes, notesOf } from './notes.ts';
import { type Statuses, statusesOf } from './statuses.ts';

/** A load balancer with all that answers about it and its children are made from. */
export interface View {
  loadBalancer: LoadBalancer;
  amphorae: readonly Amphora[];
  flavors: Flavors;
  notes: Notes;
  statuses: Statuses;
}

/** @param amphorae those of the load balancer */
export const viewOf = (loadBalancer: LoadBalancer, amphorae: readonly Amphora[], flavors: Flavors): View => ({
  loadBalancer,
  amphorae,
  flavors,
  notes: notesOf(loadBalancer),
  statuses: statusesOf(loadBalancer, amphorae),
});

/** Octavia's time: RFC 3339 without a zone, UTC. */
export const octaviaTime = (time: string): string => time.replace(/(\.\d+)?Z$/, '');

export const Id = z.object({ id: z.string() });

/** What every answer has. */
export const Common = {
  id: z.string().meta({ format: 'uuid' }),
  provisioning_status: ProvisioningStatus,
  operating_status: OperatingStatus,
  admin_state_up: z.boolean(),
  project_id: z.string().meta({ description: 'The namespace.' }),
  tenant_id: z.string().meta({ description: 'The same as project_id.' }),
  tags: z.array(z.string()),
  created_at: z.string().nullable().meta({ description: 'UTC; null for parts of a load balancer, of which no times are kept.' }),
  updated_at: z.string().nullable(),
};

/** `project_id` under both its names. */
export const projectOf = ({ metadata }: LoadBalancer) => ({ project_id: metadata.namespace!, tenant_id: metadata.namespace! });

/** What every answer about a child has beside its statuses. */
export const commonOf = ({ loadBalancer, notes }: View, path: string) => ({
  id: idOf(loadBalancer, path),
  ...projectOf(loadBalancer),
  tags: notes[path]?.tags ?? [],
  created_at: null,
  updated_at: null,
});

/** The name of a child: as it was given, else the key by which it stands in its list. */
export const nameOf = ({ notes }: View, path: string, key: string): string => notes[path]?.name ?? key;
