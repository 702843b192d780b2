import type { KubeObject } from '../../../../kube/types.ts';
import { ADMIN_PORT, HEALTH_PORT, PEERS_PORT } from '../../haproxy/index.ts';
import { guardName, LABELS } from '../names.ts';
import { metadataOf, type Owner } from './metadata.ts';

/** Where the operator's own pods are, and the labels by which they are known. */
export interface OperatorPods {
  namespace: string;
  podLabels: Record<string, string>;
}

/** More than a load balancer ever has. A number, since percentages and `maxUnavailable` need a controller with a scale, which these pods have not. */
const MORE_THAN_THERE_ARE = 1000;

/**
 * Refuses every eviction of an amphora that is behind the VIP. `kubectl drain` goes on trying, and meanwhile the operator, which sees that the
 * node is cordoned, has another one take its place: once it is detached, the eviction is allowed.
 */
export function disruptionBudget(owner: Owner): KubeObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(owner, guardName(owner.name)),
    spec: { minAvailable: MORE_THAN_THERE_ARE, selector: { matchLabels: { [LABELS.vip]: owner.uid } } },
  } as KubeObject;
}

/**
 * Listeners are for all; the control port for the operator; peers for sister amphorae. Health is for all as well, since some network plug-ins count the
 * kubelet as a stranger: it tells nothing but whether this one is alive and ready.
 */
export function networkPolicy(owner: Owner, operator: OperatorPods): KubeObject {
  const amphorae = { matchLabels: { [LABELS.loadBalancerUid]: owner.uid } };
  const operators = {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operator.namespace } },
    podSelector: { matchLabels: operator.podLabels },
  };
  const own = [ADMIN_PORT, HEALTH_PORT, PEERS_PORT];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(owner, guardName(owner.name)),
    spec: {
      podSelector: amphorae,
      policyTypes: ['Ingress'],
      ingress: [
        { ports: [range(1, Math.min(...own) - 1), only(HEALTH_PORT), range(Math.max(...own) + 1, 65535)] },
        { from: [operators], ports: [only(ADMIN_PORT)] },
        { from: [{ podSelector: amphorae }], ports: [only(PEERS_PORT)] },
      ],
    },
  } as KubeObject;
}

const only = (port: number) => ({ protocol: 'TCP', port });

const range = (port: number, endPort: number) => ({ protocol: 'TCP', port, endPort });
