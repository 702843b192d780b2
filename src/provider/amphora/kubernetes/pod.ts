import { type Amphora, API_VERSION, type OwnerReference } from '../../../api/index.ts';
import { HEALTH_PORT } from '../haproxy/index.ts';
import { ANNOTATIONS, LABELS, MANAGED_BY, podName, secretName } from './names.ts';
import type { Pod } from './objects.ts';
import { ANYWHERE, affinityOf, type Placement } from './placement.ts';
import { isUid } from './vip/metadata.ts';

/** Where the Secret's files are in the pod. */
export const FILES_DIR = '/etc/haproxy-amphora';
export const CONFIG_FILE = 'haproxy.cfg';
/** Where the sockets are in the pod. */
export const RUN_DIR = '/run/haproxy';
export const MASTER_SOCKET = `${RUN_DIR}/master.sock`;
export const WORKER_SOCKET = `${RUN_DIR}/worker.sock`;

export const CONTAINER = 'haproxy';

/** User of HAProxy's own image; any other could run it as well. */
const HAPROXY_USER = 99;

/**
 * How long kube-proxy and others may take to hear that the pod goes, and another one to take the place of a lone one, before HAProxy stops listening;
 * seconds.
 */
export const PRE_STOP_SECONDS = 10;
/** Of a load balancer that doesn't say how long connections may take to end. */
const DEFAULT_DRAIN_SECONDS = 300;
const GRACE_MARGIN_SECONDS = PRE_STOP_SECONDS + 10;

/** Plain HAProxy, and how it is had. */
export interface AmphoraImage {
  repository: string;
  /** Of flavors without an `ampImageTag`. */
  tag: string;
  /** Names of Secrets of the pod's namespace by which it is pulled. Default: those of the namespace's service account. */
  pullSecrets?: readonly string[];
}

/** What decides about a pod beside its Amphora. */
export interface PodOptions {
  image: AmphoraImage;
  /** What its Secret holds (`ANNOTATIONS.staged`). */
  staged: string;
  /** How long its connections may take to end when somebody else ends it; seconds. Default 300. */
  drainSeconds?: number;
  /** Where it had best run. Default: anywhere, but for its own pair. */
  placement?: Placement;
}

/** The image of an amphora. */
export const imageOf = ({ spec }: Amphora, { repository, tag }: AmphoraImage): string =>
  `${repository}:${spec.flavorData.ampImageTag ?? tag}`;

/** Labels of an amphora's pod and Secret. */
export function labelsOf({ metadata, spec }: Amphora): Record<string, string> {
  return {
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.loadBalancerUid]: spec.loadBalancer.uid,
    [LABELS.loadBalancer]: spec.loadBalancer.name,
    [LABELS.amphora]: metadata.name,
  };
}

/** With the Amphora, what it stands for goes; and `kubectl drain` takes a pod only that a controller would make anew. */
export function ownersOf({ metadata }: Amphora): OwnerReference[] | undefined {
  // What is left of an amphora whose object is gone has no uid; an owner that doesn't exist has what it owns deleted.
  if (metadata.uid === undefined || !isUid(metadata.uid)) return undefined;
  return [{ apiVersion: API_VERSION, kind: 'Amphora', name: metadata.name, uid: metadata.uid, controller: true }];
}

/**
 * The pod of an amphora: plain HAProxy, which needs no right and no service account. The kubelet starts it again when it ends or freezes, with the
 * operator dead as well.
 */
export function podOf(amphora: Amphora, { image, staged, drainSeconds = DEFAULT_DRAIN_SECONDS, placement = ANYWHERE }: PodOptions): Pod {
  const { metadata, spec } = amphora;
  const { compute = {} } = spec.flavorData;
  const owners = ownersOf(amphora);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: metadata.namespace!,
      name: podName(metadata.name),
      labels: { ...labelsOf(amphora), [LABELS.role]: spec.role, [LABELS.operation]: String(spec.operation) },
      annotations: { [ANNOTATIONS.staged]: staged },
      ...(owners ? { ownerReferences: owners } : {}),
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      dnsPolicy: 'Default',
      restartPolicy: 'Always',
      ...(image.pullSecrets?.length ? { imagePullSecrets: image.pullSecrets.map((name) => ({ name })) } : {}),
      terminationGracePeriodSeconds: drainSeconds + GRACE_MARGIN_SECONDS,
      nodeSelector: { 'kubernetes.io/os': 'linux', ...compute.nodeSelector },
      ...(compute.tolerations?.length ? { tolerations: compute.tolerations } : {}),
      affinity: affinityOf(amphora, placement),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: HAPROXY_USER,
        runAsGroup: HAPROXY_USER,
        fsGroup: HAPROXY_USER,
        seccompProfile: { type: 'RuntimeDefault' },
        // Listeners have ports below 1024, and HAProxy is nobody special.
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
      },
      containers: [
        {
          name: CONTAINER,
          image: imageOf(amphora, image),
          command: ['haproxy', '-W', '-db', '-S', `${MASTER_SOCKET},mode,600,level,admin`, '-f', `${FILES_DIR}/${CONFIG_FILE}`],
          resources: resourcesOf(amphora),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          readinessProbe: probe('/ready', readinessOf(amphora)),
          // One that hangs has nothing to end in peace.
          livenessProbe: probe('/alive', {
            initialDelaySeconds: 5,
            periodSeconds: 3,
            failureThreshold: 3,
            timeoutSeconds: 2,
            terminationGracePeriodSeconds: 1,
          }),
          lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
          terminationMessagePolicy: 'FallbackToLogsOnError',
          volumeMounts: [
            { name: 'files', mountPath: FILES_DIR, readOnly: true },
            { name: 'run', mountPath: RUN_DIR },
          ],
        },
      ],
      volumes: [
        { name: 'files', secret: { secretName: secretName(metadata.name), defaultMode: 0o440 } },
        { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ],
    },
  };
}

/**
 * How soon one that hangs counts as not ready; seconds. With a standby, soon. Where there is none, taking it from the VIP helps nobody, and a node that is
 * only too busy to answer in time must not do it; one that has ended is seen at once in any case.
 */
const readinessOf = ({ spec }: Amphora) =>
  spec.role === 'STANDALONE'
    ? { periodSeconds: 1, failureThreshold: 5, timeoutSeconds: 3 }
    : { periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 1 };

const probe = (path: string, times: Record<string, number>) => ({ httpGet: { path, port: HEALTH_PORT }, ...times });

/** As much as the flavor says, no less and no more. Where it doesn't say, little is asked for and nothing is denied. */
function resourcesOf({ spec }: Amphora) {
  const { cpu, memory } = spec.flavorData.compute ?? {};
  const limits = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
  return { requests: { cpu: '50m', memory: '64Mi', ...limits }, limits };
}
