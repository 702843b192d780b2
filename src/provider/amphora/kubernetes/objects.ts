import type { ObjectMeta } from '../../../api/index.ts';
import type { Resource } from '../../../kube/types.ts';

/** Kubernetes' own kinds, the fields that the driver reads or writes. */

const of = (group: string, version: string, kind: string, plural: string, namespaced = true): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

export const pods = of('', 'v1', 'Pod', 'pods');
export const nodes = of('', 'v1', 'Node', 'nodes', false);
export const services = of('', 'v1', 'Service', 'services');
export const secrets = of('', 'v1', 'Secret', 'secrets');
export const endpointSlices = of('discovery.k8s.io', 'v1', 'EndpointSlice', 'endpointslices');
export const podDisruptionBudgets = of('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const networkPolicies = of('networking.k8s.io', 'v1', 'NetworkPolicy', 'networkpolicies');

interface Typed {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface StatusCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

interface TerminatedState {
  exitCode: number;
  reason?: string;
  message?: string;
  finishedAt?: string;
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  image?: string;
  containerID?: string;
  state?: { running?: { startedAt?: string }; waiting?: { reason?: string; message?: string }; terminated?: TerminatedState };
  lastState?: { terminated?: TerminatedState };
}

export interface Pod extends Typed {
  /** Written whole when it is made, and not read but for where it runs. */
  spec: Record<string, unknown> & { nodeName?: string };
  status?: {
    phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    podIP?: string;
    podIPs?: { ip: string }[];
    startTime?: string;
    conditions?: StatusCondition[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface Node extends Typed {
  spec?: { unschedulable?: boolean; taints?: { key: string; effect: string }[] };
  status?: { conditions?: StatusCondition[] };
}

export interface Service extends Typed {
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    ipFamilies?: string[];
    ports?: { name?: string; port: number; protocol?: string; targetPort?: number | string; nodePort?: number }[];
    selector?: Record<string, string>;
  } & Record<string, unknown>;
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

export interface Secret extends Typed {
  type?: string;
  immutable?: boolean;
  /** Values are base64. */
  data?: Record<string, string>;
}

export interface EndpointSlice extends Typed {
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  /** These come as `null` where they are empty. */
  endpoints?: Endpoint[] | null;
  ports?: { name?: string; port?: number; protocol?: string }[] | null;
}

export interface Endpoint {
  addresses: string[];
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  nodeName?: string;
  targetRef?: { kind?: string; namespace?: string; name?: string; uid?: string };
}
