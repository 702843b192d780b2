/** The values of the Helm chart: values.yaml, values.schema.json and the table in its README all come from here. */
import * as z from 'zod';
import { ImageTag } from '../../src/api/flavorprofile.ts';
import { ObjectName } from '../../src/api/meta.ts';
import { GITOPS_MANAGERS } from '../../src/api/ownership.ts';
import { driverNames, sinkModes } from '../../src/config.ts';
import { logLevels } from '../../src/log.ts';

const text = z.string();
const flag = z.boolean();
/** Whatever Kubernetes takes there; the API server checks it. */
const anyObject = z.record(z.string(), z.unknown()).default({});
const anyList = z.array(z.record(z.string(), z.unknown())).default([]);
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

export const Values = z.strictObject({
  global: z.record(z.string(), z.unknown()).default({}).describe('What a parent chart hands to all its charts; not used here.'),
  nameOverride: text.max(63).default('').describe('In place of the chart’s name in names and labels.'),
  fullnameOverride: text.max(40).default('').describe('In place of release and chart name in the names of all objects.'),
  replicas: z
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe('Operators; one leads, the others wait. Load balancers serve on while there is none.'),
  image: z
    .strictObject({
      repository: text.min(1).default('docker.io/reflavor/reflavor'),
      tag: text.max(128).default('').describe('Default: the version of the application that the chart is for.'),
      digest: z
        .string()
        .regex(/^(sha256:[0-9a-f]{64})?$/)
        .default('')
        .describe('Goes before the tag.'),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
      pullSecrets: z
        .array(z.strictObject({ name: text.min(1) }))
        .default([])
        .describe('Secrets of the release’s namespace: [{name: …}].'),
    })
    .describe('The operator’s image.'),
  operator: z
    .strictObject({
      driver: z
        .enum(driverNames)
        .default('kubernetes')
        .describe(
          'What runs the amphorae. kubernetes: pods of HAProxy behind Services. simulated: nothing runs; resources, policies and flows can be tried. process: HAProxy processes inside the operator’s pod, whose VIPs are loopback addresses of that pod.',
        ),
      defaultFlavor: text
        .max(253)
        .default('')
        .describe('Flavor of new load balancers that name none; they are refused where this is unset.'),
      watchNamespaces: z
        .array(dnsLabel)
        .default([])
        .describe(
          'Namespaces to look after, all where empty. The operator then has rights in these namespaces alone, but for flavors and for reading nodes.',
        ),
      concurrency: z.int().min(1).max(256).default(8).describe('How many objects of a kind are worked on at the same time.'),
      logLevel: z.enum(logLevels).default('info').describe('Logs are JSON lines on standard output.'),
      extraArgs: z.array(text).default([]).describe('More flags of `reflavor operator`, as in --resync-seconds=300.'),
    })
    .describe('Settings of the operator.'),
  notifications: z
    .strictObject({
      sink: z
        .string()
        .regex(/^(https?:\/\/[^@\s]+)?$/)
        .default('')
        .describe('URL that CloudEvents are posted to; nothing is sent where this is unset.'),
      mode: z
        .enum(sinkModes)
        .default('structured')
        .describe('structured: a CloudEvent is a request’s body; binary: its attributes are headers.'),
      source: text.max(255).default('').describe('The attribute source, for receivers that hear of several clusters.'),
      timeoutSeconds: z.int().min(1).max(60).default(10).describe('How long the sink may take to answer.'),
      refusedSeconds: z
        .int()
        .min(0)
        .max(86_400)
        .default(300)
        .describe('A sink that answers 4xx is asked again for so long; then what it refuses is given up.'),
      secret: z
        .strictObject({
          name: text.max(253).default('').describe('A Secret of the release’s namespace.'),
          tokenKey: text.max(253).default('').describe('Its key with a bearer token for the sink.'),
          headersKey: text.max(253).default('').describe('Its key with headers for the sink, `Name: value` a line.'),
          caKey: text.max(253).default('').describe('Its key with the certificates (PEM) of authorities that the sink’s may come from.'),
        })
        .describe('What the operator shows the sink, and trusts. A change of the Secret takes effect by itself.'),
    })
    .describe('Notifications of load balancers to an HTTP sink, see docs/notifications.md.'),
  amphora: z
    .strictObject({
      image: z.strictObject({
        repository: text
          .min(1)
          .default('docker.io/library/haproxy')
          .describe('Plain HAProxy, 3.0 or newer, as a user without rights; no tag here.'),
        tag: ImageTag.default('3.0').describe('Where a flavor’s profile has no ampImageTag.'),
        pullSecrets: z
          .array(z.strictObject({ name: ObjectName }))
          .default([])
          .describe(
            'Secrets by which it is pulled: [{name: …}]. They must be in the namespace of each load balancer, and count in place of those of its default service account.',
          ),
      }),
    })
    .describe('Amphorae of the driver kubernetes.'),
  api: z
    .strictObject({
      enabled: flag.default(false).describe('Run the REST API, Octavia’s.'),
      replicas: z.int().min(0).max(50).default(2).describe('They keep nothing: any of them answers.'),
      service: z
        .strictObject({
          type: z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']).default('ClusterIP'),
          port: z.int().min(1).max(65_535).default(9876),
          annotations: z.record(z.string(), z.string()).default({}),
        })
        .describe('The Service of the API.'),
      tls: z.strictObject({
        secretName: text
          .max(253)
          .default('')
          .describe(
            'Secret (kubernetes.io/tls) of the release’s namespace; no TLS where unset, so that a proxy before the API must have it.',
          ),
      }),
      tokenAudiences: z
        .array(text.min(1))
        .default([])
        .describe('Audiences of which a token must have one; where empty, those of the API server.'),
      gitopsManagers: z
        .array(text.min(1).max(128))
        .default([...GITOPS_MANAGERS])
        .describe('Field managers that write back what others change; where one owns flavorId, a resize must be forced.'),
      rateLimit: z
        .int()
        .min(0)
        .max(1_000_000)
        .default(1200)
        .describe('Requests of one client address a minute and replica; 0: any number.'),
      trustedProxies: z
        .array(text.min(1))
        .default([])
        .describe('Addresses or networks of proxies whose X-Forwarded-For, -Host and -Proto are believed.'),
      logLevel: z.enum(logLevels).default('info'),
      extraArgs: z.array(text).default([]).describe('More flags of `reflavor api`, as in --auth-cache-seconds=5.'),
      serviceAccount: z.strictObject({
        name: text.max(253).default('').describe('Default: the full name of the release with -api.'),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
      resources: anyObject.default({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } }),
      podDisruptionBudget: z.strictObject({ enabled: flag.default(true).describe('Only where there is more than one replica.') }),
      networkPolicy: z
        .strictObject({
          enabled: flag
            .default(false)
            .describe('Let in nothing but requests, scrapes of metrics and probes, out nothing but DNS and the API server.'),
          from: anyList.describe('NetworkPolicyPeers that may send requests; all where empty.'),
          extraEgress: anyList.describe('More NetworkPolicyEgressRules.'),
        })
        .describe('NetworkPolicy of the API’s pods; ports of the API server and who may scrape are those of networkPolicy.'),
      affinity: anyObject,
      topologySpreadConstraints: anyList,
    })
    .describe('The REST API. Namespaces, image, and where pods may run are those of the operator.'),
  crds: z
    .strictObject({
      enabled: flag.default(true).describe('Install and upgrade the kinds with the release.'),
      keep: flag
        .default(true)
        .describe(
          'Keep the kinds when the release is uninstalled, and with them every load balancer. Without it, all load balancers are deleted.',
        ),
    })
    .describe('CustomResourceDefinitions.'),
  admissionPolicy: z
    .strictObject({
      enabled: flag
        .default(true)
        .describe(
          'ValidatingAdmissionPolicies: refuse flavors that can’t be entered at apply; let nobody but the operator write a status or an Amphora.',
        ),
      vipService: z
        .strictObject({
          types: z
            .array(z.enum(['ClusterIP', 'LoadBalancer']))
            .min(1)
            .default(['ClusterIP', 'LoadBalancer'])
            .describe('Types that new load balancers may have.'),
          annotations: z
            .array(
              z
                .string()
                .max(317)
                .regex(/^([A-Za-z0-9][-A-Za-z0-9_./]*)?\*?$/)
                .min(1),
            )
            .max(64)
            .default(['*'])
            .describe('Annotations that may be set: keys, or beginnings of keys with * behind them, as in metallb.io/*; [] for none.'),
        })
        .describe(
          'What load balancers may ask of the Service of their VIP (spec.vip.service). Say less where an address outside costs something or isn’t for everybody, or where annotations reach what only you should decide on, such as address pools, firewalls or certificates: it is the operator that makes the Service, so that a tenant needs no right to Services for it.',
        ),
    })
    .describe('Admission, without a webhook server.'),
  rbac: z
    .strictObject({
      aggregate: flag.default(true).describe('Add load balancers to the cluster roles view, edit and admin.'),
      flavorsForAll: flag
        .default(true)
        .describe('Let every authenticated user read flavors (not their profiles), to know what can be asked for.'),
    })
    .describe('Rights of users. The operator’s own are always there.'),
  serviceAccount: z.strictObject({
    name: text.max(253).default('').describe('Default: the full name of the release.'),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  resources: anyObject
    .default({ requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } })
    .describe('Of the operator. No CPU limit: throttling would delay a failover.'),
  podDisruptionBudget: z.strictObject({
    enabled: flag.default(true).describe('Only where there is more than one replica.'),
  }),
  networkPolicy: z
    .strictObject({
      enabled: flag
        .default(false)
        .describe(
          'Let in nothing but scrapes of metrics and probes, out nothing but DNS, the API server, the control ports of amphorae and the port in the URL of the notification sink.',
        ),
      metricsFrom: anyList.describe('NetworkPolicyPeers that may scrape; all where empty.'),
      apiServerPorts: z
        .array(z.int().min(1).max(65_535))
        .default([443, 6443])
        .describe('Ports of the API server, before and behind its Service.'),
      extraEgress: anyList.describe('More NetworkPolicyEgressRules.'),
    })
    .describe('NetworkPolicy of the operator’s pods.'),
  serviceMonitor: z
    .strictObject({
      enabled: flag.default(false).describe('Needs the Prometheus operator.'),
      interval: z
        .string()
        .regex(/^[0-9]+(ms|s|m|h)$/)
        .default('30s'),
      labels: z.record(z.string(), z.string()).default({}).describe('What your Prometheus selects by.'),
    })
    .describe('Scrapes of the operator’s metrics.'),
  podAnnotations: z.record(z.string(), z.string()).default({}),
  podLabels: z.record(z.string(), z.string()).default({}),
  priorityClassName: text.default(''),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  tolerations: anyList,
  affinity: anyObject,
  topologySpreadConstraints: anyList,
});

/** A node of the values' JSON schema, as far as it is read here. */
export interface ValueSchema {
  description?: string;
  default?: unknown;
  type?: string;
  enum?: string[];
  properties?: Record<string, ValueSchema>;
}

/** JSON schema (draft 7, the one that every Helm 3 and 4 knows) of what a user may set. */
export const valuesSchema = (): ValueSchema => z.toJSONSchema(Values, { target: 'draft-7', io: 'input' }) as ValueSchema;
