import * as z from 'zod';
import { type FlavorData, GOALS, type LoadBalancer, OperationKind, OperationResult, Topology } from '../api/index.ts';
import type { Turn } from './notifications.ts';

const nullable = (description: string) => z.string().nullable().meta({ description });
const nothing = z.null().meta({ description: 'Octavia’s; Kubernetes has no such thing.' });
const time = (description: string) => z.string().optional().meta({ format: 'date-time', description });

const NotifiedFlavor = z
  .object({
    id: z.string().meta({ description: 'Name of the Flavor.' }),
    loadbalancer_topology: Topology,
    amp_image_tag: z.string().optional(),
    compute: z
      .object({
        cpu: z.string().optional().meta({ description: 'A Kubernetes quantity.' }),
        memory: z.string().optional().meta({ description: 'A Kubernetes quantity.' }),
      })
      .optional(),
    threads: z.int().min(1),
    max_connections: z.int().min(1),
  })
  .meta({ description: 'The flavor in force, as its amphorae run with it.' });

const NotifiedOperation = z
  .object({
    kind: z.enum([...OperationKind.options, 'Update', 'Delete']),
    number: z.int().min(1).optional().meta({
      description: 'Counts up over the life of the load balancer; absent from updates, deletions and what was refused before it began.',
    }),
    from_flavor_id: z.string().optional(),
    to_flavor_id: z.string().optional(),
    step: z.enum(GOALS).optional().meta({ description: 'The goal that it had come to when it ended.' }),
    attempt: z.int().min(1).optional().meta({ description: 'Counts the times that the same change was tried.' }),
    started_at: time('When it was recorded.'),
    finished_at: time('When it was over, with all that it had to take back.'),
    result: z
      .enum([...OperationResult.options, 'Refused'])
      .optional()
      .meta({ description: 'What came of it; absent from `.start`. Refused: nothing was touched.' }),
    reason: z
      .string()
      .optional()
      .meta({ description: 'A word for programs, see conditions.md: why it failed, or why a failover was begun.' }),
    message: z.string().optional().meta({ description: 'A sentence for people: the cause, and what to do.' }),
  })
  .meta({ description: 'What the notification is about.' });

/** The `data` of every notification: the load balancer in the words of Octavia's own notifications, and the operation. */
export const NotificationPayload = z
  .object({
    loadbalancer_id: z.string().meta({ description: 'metadata.uid of the load balancer.' }),
    name: z.string().meta({ description: 'spec.name, or metadata.name where that is unset.' }),
    description: nullable('spec.description.'),
    project_id: z.string().meta({ description: 'Its namespace.' }),
    admin_state_up: z.boolean(),
    vip_address: nullable('Where clients reach it; null until it has one.'),
    vip_network_id: nothing,
    vip_port_id: nothing,
    vip_subnet_id: nothing,
    vip_qos_policy_id: nothing,
    additional_vips: z.array(z.never()).meta({ description: 'Always empty.' }),
    availability_zone: nothing,
    flavor: NotifiedFlavor.nullable(),
    operation: NotifiedOperation,
  })
  .meta({ title: 'Notification', description: 'The data of a CloudEvent of type octavia.loadbalancer.*' });
export type NotificationPayload = z.infer<typeof NotificationPayload>;

/** Identifies the schema, in the attribute `dataschema` and in the schema itself. Another one for whatever breaks receivers. */
export const DATA_SCHEMA = 'https://reflavor.dev/schemas/v1alpha1/notification.schema.json';

/** docs/schemas/notification.schema.json. Receivers should let pass what they don't know: fields may be added. */
export function notificationSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(NotificationPayload, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { $schema, $id: DATA_SCHEMA, ...schema };
}

/** @param flavor data of the flavor in force, where they are known */
export function payloadOf({ metadata, spec, status }: LoadBalancer, turn: Turn, flavor: FlavorData | undefined): NotificationPayload {
  const { kind, number, from, to, step, attempt, startedAt, finishedAt, result, reason, message } = turn;
  return {
    loadbalancer_id: metadata.uid!,
    name: spec.name ?? metadata.name,
    description: spec.description ?? null,
    project_id: metadata.namespace!,
    admin_state_up: spec.adminStateUp ?? true,
    vip_address: status?.vipAddress || spec.vip?.address || null,
    vip_network_id: null,
    vip_port_id: null,
    vip_subnet_id: null,
    vip_qos_policy_id: null,
    additional_vips: [],
    availability_zone: null,
    flavor: status?.flavorId && flavor ? flavorOf(status.flavorId, flavor) : null,
    operation: {
      kind,
      number,
      from_flavor_id: from,
      to_flavor_id: to,
      step,
      attempt,
      started_at: startedAt,
      finished_at: finishedAt,
      result,
      reason,
      message,
    },
  };
}

/** Where pods are placed is left out: that is for admins alone. */
function flavorOf(id: string, data: FlavorData): NonNullable<NotificationPayload['flavor']> {
  const { loadbalancerTopology, ampImageTag, compute: { cpu, memory } = {}, threads, maxConnections } = data;
  return {
    id,
    loadbalancer_topology: loadbalancerTopology,
    amp_image_tag: ampImageTag,
    compute: cpu || memory ? { cpu, memory } : undefined,
    threads,
    max_connections: maxConnections,
  };
}
