import { GROUP } from '../../../api/index.ts';

/** Labels of what the driver makes, by which the parts find each other. */
export const LABELS = {
  /** On all: uid of the load balancer. */
  loadBalancerUid: `${GROUP}/loadbalancer-uid`,
  /** On all: name of the load balancer. */
  loadBalancer: `${GROUP}/loadbalancer`,
  /** On pods and Secrets: name of the Amphora. */
  amphora: `${GROUP}/amphora`,
  /** On pods: STANDALONE, MASTER or BACKUP. */
  role: `${GROUP}/role`,
  /** On pods: number of the operation that made it. */
  operation: `${GROUP}/operation`,
  /** On pods that are behind the VIP, and in the selector of its Service: uid of the load balancer. */
  vip: `${GROUP}/vip`,
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const ANNOTATIONS = {
  /** On pods: what their Secret holds. Each change of it has the kubelet bring the Secret's files in at once, and not within a minute or so. */
  staged: `${GROUP}/staged`,
  /** On pods: the worker that a drain left in charge; what came before it has been asked to end. */
  drainedTo: `${GROUP}/drained-to`,
} as const;

/** Value of `managedBy`, and `endpointslice.kubernetes.io/managed-by` of the operator's own slices. */
export const MANAGED_BY = 'reflavor';

/** Who the fields that the driver writes belong to. */
export const FIELD_MANAGER = 'reflavor-driver';

/** Names of the objects that a load balancer has one of, in its namespace. Its own name is left to an application's Service. */
export const vipServiceName = (loadBalancer: string): string => `${loadBalancer}-vip`;
/** The slice of those that drain. */
export const drainingSliceName = (loadBalancer: string): string => `${loadBalancer}-vip-draining`;
/** PodDisruptionBudget and NetworkPolicy of its amphorae. */
export const guardName = (loadBalancer: string): string => `${loadBalancer}-amphorae`;
/** Secret with the authority of its peers. */
export const peersSecretName = (loadBalancer: string): string => `${loadBalancer}-peers`;
/** Pod and Secret of an amphora. */
export const podName = (amphora: string): string => amphora;
export const secretName = (amphora: string): string => amphora;

/** How an amphora's certificate names it. No DNS server knows this name. */
export const serverName = (amphora: { namespace: string; name: string }): string => `${amphora.name}.${amphora.namespace}.amphora.${GROUP}`;
