import * as z from 'zod';
import { Topology } from './flavorprofile.ts';
import { Listener } from './listener.ts';
import {
  type API_VERSION,
  atomicList,
  Condition,
  cel,
  FreeText,
  mapList,
  Name,
  type ObjectMeta,
  ObjectName,
  Port,
  Timestamp,
} from './meta.ts';
import { GOALS } from './names.ts';
import { Pool } from './pool.ts';

/** Octavia's provisioning statuses. */
export const ProvisioningStatus = z.enum(['ACTIVE', 'ERROR', 'PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE']);
export type ProvisioningStatus = z.infer<typeof ProvisioningStatus>;

/** Octavia's operating statuses. */
export const OperatingStatus = z.enum(['ONLINE', 'DRAINING', 'OFFLINE', 'DEGRADED', 'ERROR', 'NO_MONITOR']);
export type OperatingStatus = z.infer<typeof OperatingStatus>;

/** How a change of flavor is carried out; times in seconds. */
export const Strategy = z.object({
  type: z
    .enum(['Failover'])
    .default('Failover')
    .meta({ description: 'Failover: new amphorae are built, proved and given the traffic before the old ones go.' }),
  progressDeadlineSeconds: z.int().min(10).max(86400).default(600).meta({
    description: 'How long a resize may go without meeting its next goal before it is rolled back; settle and verify times not counted.',
  }),
  settleSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(3)
    .meta({ description: 'How long no new connection must have come to the old amphorae once they are detached.' }),
  verifySeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(10)
    .meta({ description: 'How long the new amphorae alone must have served well before the flavor is written.' }),
  drainSeconds: z
    .int()
    .min(0)
    .max(86400)
    .default(300)
    .meta({ description: 'How long connections of a replaced amphora may take to end before they are cut.' }),
});
export type Strategy = z.infer<typeof Strategy>;

/**
 * How the Service of a VIP is made, in the words of core/v1 ServiceSpec; for amphorae that are pods. Whatever gives such a Service its outside
 * address (a cloud, MetalLB) gives it to the load balancer, and no resize ever changes it.
 */
export const VipService = z
  .object({
    type: z.enum(['ClusterIP', 'LoadBalancer']).default('ClusterIP').meta({
      description: 'ClusterIP: reached from inside the cluster. LoadBalancer: has an address outside as well. Immutable.',
    }),
    loadBalancerClass: z
      .string()
      .max(253)
      .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/)
      .optional()
      .meta({ description: 'Which implementation gives the outside address; its default where unset. Immutable.' }),
    annotations: z.record(z.string().max(317), z.string().max(4096)).optional().meta({
      maxProperties: 32,
      description: 'Annotations of the Service, by which its implementation is told more.',
    }),
    externalTrafficPolicy: z.enum(['Cluster', 'Local']).optional().meta({
      description:
        'Cluster (the default): any node takes connections, and client addresses may be translated. Local: only nodes with an amphora, and client addresses are kept.',
    }),
    ipFamilyPolicy: z.enum(['SingleStack', 'PreferDualStack', 'RequireDualStack']).optional().meta({
      description: 'Whether it has an address of both IP families; SingleStack where unset.',
    }),
    ipFamilies: z
      .array(z.enum(['IPv4', 'IPv6']))
      .min(1)
      .max(2)
      .optional()
      .meta({ ...atomicList, description: 'The IP families, the one of its main address first; the cluster’s own where unset.' }),
  })
  .meta(
    cel(
      {
        rule: "self.type == 'LoadBalancer' || !has(self.loadBalancerClass)",
        message: 'loadBalancerClass needs type LoadBalancer: set that, or leave it out',
      },
      {
        rule: "self.type == 'LoadBalancer' || !has(self.externalTrafficPolicy)",
        message: 'externalTrafficPolicy needs type LoadBalancer, since only that lets traffic from outside in: set that, or leave it out',
      },
      {
        rule: '!has(self.ipFamilies) || size(self.ipFamilies) < 2 || self.ipFamilies[0] != self.ipFamilies[1]',
        message: 'ipFamilies names each family once',
      },
      {
        rule: "!has(self.ipFamilies) || size(self.ipFamilies) < 2 || (has(self.ipFamilyPolicy) && self.ipFamilyPolicy != 'SingleStack')",
        message: 'two ipFamilies need ipFamilyPolicy PreferDualStack or RequireDualStack',
      },
      {
        rule: "!has(self.annotations) || self.annotations.all(key, !key.startsWith('reflavor.dev/'))",
        message: 'annotations of reflavor.dev belong to the operator: leave them out',
      },
    ),
  );
export type VipService = z.infer<typeof VipService>;

const Vip = z
  .object({
    service: VipService.optional().meta({ description: 'How its Service is made, where amphorae are pods.' }),
    address: z
      .string()
      .max(45)
      .optional()
      .meta({
        description: 'A wanted address (IPv4 or IPv6); one is chosen where unset.',
        ...cel({ rule: 'isIP(self)', message: 'vip.address must be an IPv4 or IPv6 address' }),
      }),
  })
  .meta(
    cel(
      {
        rule: "!has(self.address) || !isIP(self.address) || !has(self.service) || !has(self.service.ipFamilies) || size(self.service.ipFamilies) == 0 || (ip(self.address).family() == 4 ? 'IPv4' : 'IPv6') in self.service.ipFamilies",
        message: 'vip.address must be of one of the ipFamilies of vip.service',
      },
      {
        rule: '!has(oldSelf.address) ? true : has(self.address) && self.address == oldSelf.address',
        message: 'vip.address is immutable once set: clients know the load balancer by it',
      },
      {
        rule: "(has(self.service) ? self.service.type : 'ClusterIP') == (has(oldSelf.service) ? oldSelf.service.type : 'ClusterIP')",
        message:
          'vip.service.type is immutable, since the address by which clients know the load balancer depends on it: create another load balancer of the other type',
      },
      {
        rule: "(has(self.service) && has(self.service.loadBalancerClass) ? self.service.loadBalancerClass : '') == (has(oldSelf.service) && has(oldSelf.service.loadBalancerClass) ? oldSelf.service.loadBalancerClass : '')",
        message: 'vip.service.loadBalancerClass is immutable, as it is in a Service: create another load balancer of the other class',
      },
      {
        rule: '!has(self.service) || !has(self.service.ipFamilies) || !has(oldSelf.service) || !has(oldSelf.service.ipFamilies) || self.service.ipFamilies[0] == oldSelf.service.ipFamilies[0]',
        message: 'the first of vip.service.ipFamilies is immutable, since the main address is of it; the second may be added or taken away',
      },
    ),
  );

// `[list].all(names, …)` is how CEL computes a list once: named inside the loop it is made anew each time, and a spec of 64 listeners
// and pools with 8 policies each took the API server seconds.
const eachDefaultPool = {
  rule: '!has(self.listeners) || [has(self.pools) ? self.pools.map(p, p.name) : []].all(names, self.listeners.all(l, !has(l.defaultPool) || l.defaultPool in names))',
  message: 'a listener’s defaultPool must be the name of one of spec.pools',
};
const eachRedirectPool = {
  rule: '!has(self.listeners) || [has(self.pools) ? self.pools.map(p, p.name) : []].all(names, self.listeners.all(l, !has(l.l7Policies) || l.l7Policies.all(y, !has(y.redirectPool) || y.redirectPool in names)))',
  message: 'an L7 policy’s redirectPool must be the name of one of spec.pools',
};
// Octavia's VALID_LISTENER_POOL_PROTOCOL_MAP: an HTTP frontend of HAProxy can't use a TCP backend.
const eachHttpPool = {
  rule: "!has(self.listeners) || !has(self.pools) || [self.pools.filter(p, !(p.protocol in ['HTTP', 'PROXY', 'PROXYV2'])).map(p, p.name)].all(names, self.listeners.all(l, !(l.protocol in ['HTTP', 'TERMINATED_HTTPS']) || !has(l.defaultPool) || !(l.defaultPool in names)))",
  message: 'the defaultPool of an HTTP or TERMINATED_HTTPS listener must have protocol HTTP, PROXY or PROXYV2',
};
const eachHttpsPool = {
  rule: "!has(self.listeners) || !has(self.pools) || [self.pools.filter(p, !(p.protocol in ['HTTPS', 'TCP', 'PROXY', 'PROXYV2'])).map(p, p.name)].all(names, self.listeners.all(l, l.protocol != 'HTTPS' || !has(l.defaultPool) || !(l.defaultPool in names)))",
  message: 'the defaultPool of an HTTPS listener must have protocol HTTPS, TCP, PROXY or PROXYV2',
};
const eachHttpRedirectPool = {
  rule: "!has(self.listeners) || !has(self.pools) || [self.pools.filter(p, !(p.protocol in ['HTTP', 'PROXY', 'PROXYV2'])).map(p, p.name)].all(names, self.listeners.all(l, !has(l.l7Policies) || l.l7Policies.all(y, !has(y.redirectPool) || !(y.redirectPool in names))))",
  message: 'an L7 policy’s redirectPool must have protocol HTTP, PROXY or PROXYV2',
};
const onePortOnce = {
  rule: '!has(self.listeners) || [self.listeners.map(l, l.protocolPort)].all(ports, ports.all(p, ports.indexOf(p) == ports.lastIndexOf(p)))',
  message: 'each listener needs a protocolPort of its own: two listeners have the same one',
};

export const LoadBalancerSpec = z
  .object({
    name: FreeText.optional().meta({ description: 'A name for people; metadata.name identifies the load balancer.' }),
    description: FreeText.optional(),
    tags: z.array(z.string().min(1).max(255)).max(64).optional().meta(atomicList),
    flavorId: ObjectName.optional().meta({
      description: 'The flavor wanted. A change starts a resize; setting it back cancels it. Unset keeps the flavor in force.',
    }),
    provider: z
      .enum(['amphora'])
      .default('amphora')
      .meta(cel({ rule: 'self == oldSelf', message: 'provider is immutable: create another load balancer for another provider' })),
    adminStateUp: z.boolean().default(true).meta({ description: 'false closes every listener, and keeps the amphorae.' }),
    suspend: z.boolean().default(false).meta({ description: 'true stops the operator from acting; what serves goes on.' }),
    vip: Vip.default({}),
    strategy: Strategy.default({ type: 'Failover', progressDeadlineSeconds: 600, settleSeconds: 3, verifySeconds: 10, drainSeconds: 300 }),
    listeners: z.array(Listener).max(64).optional().meta(mapList('name')),
    pools: z.array(Pool).max(64).optional().meta(mapList('name')),
  })
  .meta(cel(eachDefaultPool, eachRedirectPool, eachHttpPool, eachHttpsPool, eachHttpRedirectPool, onePortOnce));
export type LoadBalancerSpec = z.infer<typeof LoadBalancerSpec>;

export const Goal = z.enum(GOALS);
export type Goal = z.infer<typeof Goal>;

export const OperationKind = z.enum(['Create', 'Resize', 'Failover']);
export type OperationKind = z.infer<typeof OperationKind>;

export const OperationResult = z.enum(['Succeeded', 'Failed', 'Cancelled', 'Superseded']);
export type OperationResult = z.infer<typeof OperationResult>;

export const Operation = z.object({
  number: z.int().min(1).meta({ description: 'Counts up over the life of the load balancer; amphora names derive from it.' }),
  kind: OperationKind,
  from: ObjectName.optional(),
  to: ObjectName,
  step: Goal.optional().meta({ description: 'The goal being worked on.' }),
  progress: z.string().max(16).optional().meta({ description: 'Goals met of all, as in 4/8.' }),
  goals: z
    .array(z.object({ name: Goal, metAt: Timestamp }))
    .max(GOALS.length)
    .optional()
    .meta({ ...mapList('name'), description: 'The goals met, and when each was first met.' }),
  message: z.string().max(2048).optional().meta({ description: 'What the step waits for; once over, what came of it.' }),
  replaces: z
    .array(Name)
    .max(64)
    .optional()
    .meta({ ...atomicList, description: 'The amphorae that it takes the place of; attached again if it goes back.' }),
  cause: z
    .object({ reason: z.string().max(64), message: z.string().max(1024) })
    .optional()
    .meta({ description: 'Why a failover was begun: what was lost or is about to be, or that it was asked for.' }),
  warning: z
    .object({ reason: z.string().max(64), message: z.string().max(1024) })
    .optional()
    .meta({ description: 'What it may break although it is allowed, as a resize to an older image.' }),
  attempt: z.int().min(1).default(1).meta({ description: 'Counts the times that the same change was tried.' }),
  startedAt: Timestamp,
  deadline: Timestamp.optional().meta({ description: 'When it is rolled back unless the next goal is met.' }),
  pausedAt: Timestamp.optional().meta({
    description: 'Since when the deadline stands still: suspended, or waiting for an edit to be mended.',
  }),
  result: OperationResult.optional().meta({ description: 'What came of it; set without finishedAt, the operation is going back.' }),
  reason: z.string().max(64).optional(),
  finishedAt: Timestamp.optional(),
});
export type Operation = z.infer<typeof Operation>;

/** What the notification sink needs no more to be told; a restarted operator sends the rest. */
export const NotificationLedger = z.object({
  delivered: z
    .array(z.string().max(64))
    .max(64)
    .default([])
    .meta({
      ...atomicList,
      description: 'Ids, without the uid, of what the sink has taken, was given up on, or happened before there was a sink.',
    }),
  specHash: z.string().max(64).optional().meta({
    description: 'Hash of the spec, but for flavorId and suspend, that the sink knows of.',
  }),
});
export type NotificationLedger = z.infer<typeof NotificationLedger>;

export const LoadBalancerStatus = z.object({
  observedGeneration: z.int().default(-1),
  flavorId: ObjectName.optional().meta({ description: 'The flavor in force.' }),
  topology: Topology.optional(),
  provisioningStatus: ProvisioningStatus.optional(),
  operatingStatus: OperatingStatus.optional(),
  vipAddress: z
    .string()
    .max(253)
    .optional()
    .meta({ description: 'Where clients reach it: an IP address, or the DNS name that a cloud gave its Service.' }),
  vipPorts: z
    .array(Port)
    .max(128)
    .optional()
    .meta({ ...atomicList, description: 'The ports that the VIP serves: those on which every attached amphora listens.' }),
  resize: z.string().max(64).optional().meta({ description: 'The operation at hand in a word, as in "Verified 5/8".' }),
  amphorae: z
    .array(
      z.object({
        name: Name,
        flavorId: ObjectName,
        role: z.string().max(16),
        traffic: z
          .enum(['NotYet', 'Carries', 'Standby', 'Draining', 'NoLonger'])
          .meta({ description: 'Whether it takes new connections.' }),
        ready: z.boolean(),
        address: z.string().max(64).optional(),
        connections: z.int().min(0).optional(),
      }),
    )
    .max(64)
    .optional()
    .meta(mapList('name')),
  operation: Operation.optional(),
  lastOperationNumber: z.int().min(0).optional(),
  history: z
    .array(Operation)
    .max(10)
    .optional()
    .meta({ ...atomicList, description: 'Operations that are over, the newest first.' }),
  failedFlavorId: ObjectName.optional().meta({
    description: 'A flavor to which the resize failed; it is not tried again until flavorId changes or a retry is asked for.',
  }),
  handledRequests: z
    .object({ retry: z.string().max(253).optional(), failover: z.string().max(253).optional() })
    .optional()
    .meta({ description: 'The last token of each request annotation that was acted on.' }),
  listenerProblems: z
    .array(z.object({ listener: Name, reason: z.string().max(64), message: z.string().max(1024) }))
    .max(128)
    .optional()
    .meta({
      ...mapList('listener'),
      description: 'Listeners that are left as they were or closed, or may not do what was meant, each with what to do.',
    }),
  notifications: NotificationLedger.optional().meta({ description: 'There only where the operator has a notification sink.' }),
  conditions: z.array(Condition).max(16).optional().meta(mapList('type')),
});
export type LoadBalancerStatus = z.infer<typeof LoadBalancerStatus>;

/** A load balancer: what tenants and GitOps write, and what came of it. */
export interface LoadBalancer {
  apiVersion: typeof API_VERSION;
  kind: 'LoadBalancer';
  metadata: ObjectMeta;
  spec: LoadBalancerSpec;
  status?: LoadBalancerStatus;
}
