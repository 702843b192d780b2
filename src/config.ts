import { resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { ImageTag } from './api/flavorprofile.ts';
import { ObjectName } from './api/meta.ts';
import { GITOPS_MANAGERS } from './api/ownership.ts';
import type { BindAddress } from './controller/runtime/server.ts';
import { logLevels } from './log.ts';
import { addSettings, bindAddress, type ConfigOf, commaList, readSettings, setting, text, wholeNumber } from './settings.ts';

export { ConfigError, parse } from './settings.ts';

/** Names of the drivers of the amphora provider that `--driver` takes. */
export const driverNames = ['kubernetes', 'process', 'simulated'] as const;

/** How a CloudEvent is put into an HTTP request (CloudEvents HTTP protocol binding 1.0.2, sections 3.1 and 3.2). */
export const sinkModes = ['structured', 'binary'] as const;

/** RFC 1123 label. */
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What every process is told: which cluster, which part of it, and how it is watched over. */
const common = {
  kubeconfig: setting({
    placeholder: 'path',
    help: 'kubeconfig of the cluster; default: KUBECONFIG, ~/.kube/config, or the service account of the pod',
    schema: text.optional(),
    mustBe: 'the path of a kubeconfig',
  }),
  context: setting({
    placeholder: 'name',
    help: 'context of the kubeconfig; default: its current one',
    schema: text.optional(),
    mustBe: 'the name of a context',
  }),
  watchNamespaces: setting({
    placeholder: 'names',
    help: 'namespaces to look after, separated by commas; default: all',
    schema: commaList(z.string().regex(dnsLabel)),
    mustBe: 'names of namespaces, separated by commas',
    fallback: '',
  }),
  graceSeconds: setting({
    placeholder: 's',
    help: 'how long work under way may take to end at a stop',
    schema: wholeNumber(0, 600),
    mustBe: 'a whole number of seconds from 0 to 600',
    fallback: '20',
  }),
  metricsBindAddress: setting({
    placeholder: 'host:port',
    help: 'where /metrics is; port 0: a free one, 0: nowhere',
    schema: bindAddress,
    mustBe: 'host:port, such as 127.0.0.1:8080 or :8080, or 0 for nowhere',
    fallback: '127.0.0.1:8080',
  }),
  healthBindAddress: setting({
    placeholder: 'host:port',
    help: 'where /healthz and /readyz are; port 0: a free one, 0: nowhere',
    schema: bindAddress,
    mustBe: 'host:port, such as 127.0.0.1:8081 or :8081, or 0 for nowhere',
    fallback: '127.0.0.1:8081',
  }),
  logLevel: setting({
    placeholder: 'level',
    help: `how much is logged: ${logLevels.join(', ')}`,
    schema: z.enum(logLevels),
    mustBe: `one of ${logLevels.join(', ')}`,
    fallback: 'info',
  }),
};

const operatorSettings = {
  ...common,
  driver: setting({
    placeholder: 'name',
    help: 'what runs the amphorae: kubernetes (pods), process (HAProxy processes of this machine) or simulated (nothing runs)',
    schema: z.enum(driverNames),
    mustBe: `one of ${driverNames.join(', ')}`,
    fallback: 'process',
  }),
  stateDir: setting({
    placeholder: 'path',
    help: 'where the driver process keeps its amphorae; they outlive the operator',
    schema: text.transform((path) => resolve(path)),
    mustBe: 'a folder',
    fallback: '.reflavor/amphorae',
  }),
  haproxy: setting({
    placeholder: 'path',
    help: 'the HAProxy binary of the driver process',
    schema: text,
    mustBe: 'a path or a name',
    fallback: 'haproxy',
  }),
  amphoraImage: setting({
    placeholder: 'repository',
    help: 'image of plain HAProxy that the pods of the driver kubernetes run, without its tag',
    schema: z.string().regex(/^[a-z0-9][a-zA-Z0-9.:_/-]*$/),
    mustBe: 'a repository, as in docker.io/library/haproxy',
    fallback: 'docker.io/library/haproxy',
  }),
  amphoraImageTag: setting({
    placeholder: 'tag',
    help: 'tag of that image for flavors whose profile has no ampImageTag',
    schema: ImageTag,
    mustBe: 'a tag, as in 3.0',
    fallback: '3.0',
  }),
  amphoraImagePullSecrets: setting({
    placeholder: 'names',
    help: 'Secrets by which that image is pulled, separated by commas; each is looked for in the namespace of the load balancer',
    schema: commaList(ObjectName),
    mustBe: 'names of Secrets, separated by commas',
    fallback: '',
  }),
  operatorNamespace: setting({
    placeholder: 'name',
    help: 'namespace of the operator, where its authority is kept; default: that of the pod or of the context',
    schema: z.string().regex(dnsLabel).optional(),
    mustBe: 'the name of a namespace',
  }),
  operatorPodLabels: setting({
    placeholder: 'labels',
    help: 'labels that only pods of the operator have in its namespace, separated by commas: they alone reach the control ports of amphorae',
    schema: z.string().transform(parseLabels),
    mustBe: 'labels, as in app.kubernetes.io/name=reflavor,app.kubernetes.io/component=operator',
    fallback: 'app.kubernetes.io/name=reflavor,app.kubernetes.io/component=operator',
  }),
  defaultFlavor: setting({
    placeholder: 'flavor',
    help: 'flavor of new load balancers that name none; default: they are refused',
    schema: ObjectName.optional(),
    mustBe: 'the name of a Flavor',
  }),
  concurrency: setting({
    placeholder: 'n',
    help: 'how many objects of a kind are worked on at the same time',
    schema: wholeNumber(1, 256),
    mustBe: 'a whole number from 1 to 256',
    fallback: '8',
  }),
  resyncSeconds: setting({
    placeholder: 's',
    help: 'every object is looked at again after so long, whatever happens',
    schema: wholeNumber(10, 86_400),
    mustBe: 'a whole number of seconds from 10 to 86400',
    fallback: '600',
  }),
  observeSeconds: setting({
    placeholder: 's',
    help: 'how often an amphora that serves is asked how it is',
    schema: wholeNumber(1, 3600),
    mustBe: 'a whole number of seconds from 1 to 3600',
    fallback: '5',
  }),
  observePerSecond: setting({
    placeholder: 'n',
    help: 'how many amphorae that serve are asked a second at most: where there are more than observe-seconds times that, each is asked less often',
    schema: wholeNumber(1, 10_000),
    mustBe: 'a whole number from 1 to 10000',
    fallback: '50',
  }),
  progressMs: setting({
    placeholder: 'ms',
    help: 'how often an operation under way is looked at',
    schema: wholeNumber(50, 60_000),
    mustBe: 'a whole number of milliseconds from 50 to 60000',
    fallback: '500',
  }),
  notificationsSink: setting({
    placeholder: 'url',
    help: 'where CloudEvents of load balancers are posted; default: nowhere',
    schema: z
      .url({ protocol: /^https?$/ })
      .refine((url) => !new URL(url).username && !new URL(url).password)
      .optional(),
    mustBe: 'an http or https URL without user and password (--notifications-headers-file takes an Authorization)',
    secret: true,
  }),
  notificationsMode: setting({
    placeholder: 'mode',
    help: 'structured: a CloudEvent is the body of its request; binary: its attributes are headers',
    schema: z.enum(sinkModes),
    mustBe: `one of ${sinkModes.join(', ')}`,
    fallback: 'structured',
  }),
  notificationsSource: setting({
    placeholder: 'uri',
    help: 'the attribute source of CloudEvents, for receivers that hear of several clusters',
    schema: z
      .string()
      .max(255)
      .regex(/^([A-Za-z][A-Za-z0-9+.-]*:|\/)[!$&-;=?-Z_a-z~]*$/),
    mustBe: 'a URI or an absolute path of at most 255 characters, as in https://prod.example.org',
    fallback: '/apis/reflavor.dev/v1alpha1/loadbalancers',
  }),
  notificationsTokenFile: setting({
    placeholder: 'path',
    help: 'a file with the bearer token for the sink, read at each call',
    schema: text.optional(),
    mustBe: 'the path of a file',
  }),
  notificationsHeadersFile: setting({
    placeholder: 'path',
    help: 'a file with headers for the sink, "Name: value" a line, read at each call',
    schema: text.optional(),
    mustBe: 'the path of a file',
  }),
  notificationsCaFile: setting({
    placeholder: 'path',
    help: 'certificates (PEM) of the authorities that the sink’s may come from; default: the system’s',
    schema: text.optional(),
    mustBe: 'the path of a file',
  }),
  notificationsTimeoutSeconds: setting({
    placeholder: 's',
    help: 'how long the sink may take to answer',
    schema: wholeNumber(1, 60),
    mustBe: 'a whole number of seconds from 1 to 60',
    fallback: '10',
  }),
  notificationsRefusedSeconds: setting({
    placeholder: 's',
    help: 'a sink that answers 4xx is asked again for so long; then what it refuses is given up',
    schema: wholeNumber(0, 86_400),
    mustBe: 'a whole number of seconds from 0 to 86400',
    fallback: '300',
  }),
  leaderElect: setting({
    placeholder: 'true|false',
    help: 'run as one of several: only the one that holds a Lease acts',
    schema: z.stringbool(),
    mustBe: 'true or false',
    fallback: 'false',
  }),
  leaseNamespace: setting({
    placeholder: 'name',
    help: 'namespace of the Lease; default: that of the operator',
    schema: z.string().regex(dnsLabel).optional(),
    mustBe: 'the name of a namespace',
  }),
  leaseName: setting({
    placeholder: 'name',
    help: 'name of the Lease',
    schema: z.string().regex(dnsLabel),
    mustBe: 'lower-case letters, digits and dashes',
    fallback: 'reflavor-operator',
  }),
  leaseDurationSeconds: setting({
    placeholder: 's',
    help: 'a leader that is silent for so long may be replaced',
    schema: wholeNumber(3, 3600),
    mustBe: 'a whole number of seconds from 3 to 3600',
    fallback: '15',
  }),
  leaseRenewDeadlineSeconds: setting({
    placeholder: 's',
    help: 'a leader that can not renew for so long ends; shorter than the duration',
    schema: wholeNumber(2, 3600),
    mustBe: 'a whole number of seconds from 2 to 3600',
    fallback: '10',
  }),
  leaseRetryPeriodSeconds: setting({
    placeholder: 's',
    help: 'how often the Lease is renewed or asked for; shorter than the deadline',
    schema: wholeNumber(1, 3600),
    mustBe: 'a whole number of seconds from 1 to 3600',
    fallback: '2',
  }),
};

const apiSettings = {
  ...common,
  bindAddress: setting({
    placeholder: 'host:port',
    help: 'where the API listens; port 0: a free one',
    schema: bindAddress.pipe(z.custom<BindAddress>((address) => address !== undefined)),
    mustBe: 'host:port, such as 127.0.0.1:9876 or :9876',
    fallback: '127.0.0.1:9876',
  }),
  tlsDir: setting({
    placeholder: 'path',
    help: 'folder with tls.crt and tls.key, as a Secret is mounted, read again when they change; default: no TLS',
    schema: text.transform((path) => resolve(path)).optional(),
    mustBe: 'a folder',
  }),
  tokenAudiences: setting({
    placeholder: 'names',
    help: 'audiences, separated by commas, of which a token must have one; default: those of the API server',
    schema: commaList(text),
    mustBe: 'names, separated by commas',
    fallback: '',
  }),
  authCacheSeconds: setting({
    placeholder: 's',
    help: 'how long it is remembered whose a token is, and what they may do; 0: not at all',
    schema: wholeNumber(0, 300),
    mustBe: 'a whole number of seconds from 0 to 300',
    fallback: '10',
  }),
  gitopsManagers: setting({
    placeholder: 'names',
    help: 'field managers, separated by commas, that write back what others change; * stands for anything. Where one owns flavorId a resize must be forced',
    schema: commaList(z.string().max(128)),
    mustBe: 'names of field managers, separated by commas',
    fallback: GITOPS_MANAGERS.join(','),
  }),
  rateLimit: setting({
    placeholder: 'n',
    help: 'requests that one client address may make a minute; 0: any number',
    schema: wholeNumber(0, 1_000_000),
    mustBe: 'a whole number from 0 to 1000000',
    fallback: '1200',
  }),
  bodyLimitKib: setting({
    placeholder: 'KiB',
    help: 'how large a request may be',
    schema: wholeNumber(1, 8192),
    mustBe: 'a whole number of KiB from 1 to 8192',
    fallback: '1024',
  }),
  trustedProxies: setting({
    placeholder: 'networks',
    help: 'addresses or networks, separated by commas, of proxies whose X-Forwarded-For, -Host and -Proto are believed; default: none',
    schema: commaList(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])),
    mustBe: 'addresses or networks, as in 10.0.0.0/8',
    fallback: '',
  }),
};

/** The operator's settings. */
export type Config = ConfigOf<typeof operatorSettings>;
/** The settings of the REST API. */
export type ApiConfig = ConfigOf<typeof apiSettings>;

/** @throws ConfigError, see {@link readSettings} */
export const configFrom = (flags: Record<string, string | undefined>, env: NodeJS.ProcessEnv): Config =>
  readSettings(operatorSettings, flags, env, contradictions);

/** @throws ConfigError, see {@link readSettings} */
export const apiConfigFrom = (flags: Record<string, string | undefined>, env: NodeJS.ProcessEnv): ApiConfig =>
  readSettings(apiSettings, flags, env);

/**
 * Adds `reflavor operator` and its flags to a program.
 *
 * @param run what to do with the settings; a bad value throws a ConfigError that names flag, variable and remedy, before `run` is called
 */
export function addOperatorCommand(program: Command, env: NodeJS.ProcessEnv, run: (config: Config) => Promise<void>): Command {
  const command = program.command('operator').description('run the operator against a cluster, until SIGTERM or SIGINT');
  return addSettings(command, operatorSettings, (flags) => configFrom(flags, env), run);
}

/** Adds `reflavor api` in the same way. */
export function addApiCommand(program: Command, env: NodeJS.ProcessEnv, run: (config: ApiConfig) => Promise<void>): Command {
  const command = program.command('api').description('serve the REST API (Octavia’s) for a cluster, until SIGTERM or SIGINT');
  return addSettings(command, apiSettings, (flags) => apiConfigFrom(flags, env), run);
}

function contradictions(config: Config): string[] {
  const { leaseDurationSeconds, leaseRenewDeadlineSeconds, leaseRetryPeriodSeconds } = config;
  if (leaseRetryPeriodSeconds < leaseRenewDeadlineSeconds && leaseRenewDeadlineSeconds < leaseDurationSeconds) return [];
  return [
    `--lease-retry-period-seconds (${leaseRetryPeriodSeconds}) must be less than --lease-renew-deadline-seconds (${leaseRenewDeadlineSeconds}), ` +
      `and that less than --lease-duration-seconds (${leaseDurationSeconds}): two could lead at once otherwise; the defaults are 2, 10 and 15`,
  ];
}

function parseLabels(value: string, context: z.RefinementCtx): Record<string, string> {
  const labels = value.split(',').map((label) => /^([A-Za-z0-9][-A-Za-z0-9_./]*)=([A-Za-z0-9]?[-A-Za-z0-9_.]*)$/.exec(label.trim()));
  if (labels.every((label) => label !== null)) return Object.fromEntries(labels.map(([, key, text]) => [key!, text!]));
  context.addIssue({ code: 'custom', message: 'not key=value' });
  return z.NEVER;
}
