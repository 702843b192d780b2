import type { Amphora } from '../../../api/index.ts';
import { LABELS } from './names.ts';
import type { Pod } from './objects.ts';
import { isReady } from './vip/slices.ts';

/** Where an amphora's pod had best run, as far as that follows from its sisters. */
export interface Placement {
  /** Names of nodes where it had best be. */
  nodes: readonly string[];
  /** Names of the amphorae that it had best be apart from, beside the other half of its own pair. */
  apartFrom: readonly string[];
}

export const ANYWHERE: Placement = { nodes: [], apartFrom: [] };

/**
 * A standby goes apart from whoever takes the traffic now: for one that is built to take the place of a lost half, that is the survivor, which another
 * operation made. A new pair as a whole needs no distance from the one that it replaces.
 *
 * Where only nodes with an amphora take connections from outside (`isLocal`: externalTrafficPolicy Local), the best place is where the present one of
 * the same role is: whoever sends to that node may go on.
 */
export function placementOf({ metadata, spec }: Amphora, sisters: readonly Pod[], isLocal: boolean): Placement {
  const attached = sisters.filter(
    ({ metadata: { labels, deletionTimestamp } }) =>
      labels?.[LABELS.vip] !== undefined && labels[LABELS.amphora] !== metadata.name && deletionTimestamp === undefined,
  );
  // A survivor that nobody has promoted yet is labelled a standby still, but readiness tells.
  const ready = attached.filter(isReady);
  const active = spec.role !== 'BACKUP' ? [] : ready.length > 0 ? ready : attached;
  const alike = isLocal ? attached.filter((pod) => pod.metadata.labels![LABELS.role] === spec.role && !active.includes(pod)) : [];
  return {
    nodes: [...new Set(alike.flatMap((pod) => pod.spec.nodeName ?? []))].sort(),
    apartFrom: active.map((pod) => pod.metadata.labels![LABELS.amphora]!).sort(),
  };
}

/**
 * The affinity of an amphora's pod. Weights compare among terms of one kind alone: the scheduler brings what the terms about pods sum up to, and what
 * those about nodes do, to the same scale each. So no term about pods may speak against a node that is preferred, nor may one of a pod that is there
 * already, which counts for whoever comes: hence the names in place of a label that later amphorae have as well.
 */
export function affinityOf({ spec }: Amphora, { nodes, apartFrom }: Placement) {
  const topologyKey = spec.flavorData.compute?.topologyKey ?? 'kubernetes.io/hostname';
  const uid = { [LABELS.loadBalancerUid]: spec.loadBalancer.uid };
  const pair = { matchLabels: { ...uid, [LABELS.operation]: String(spec.operation) } };
  const active = { matchLabels: uid, matchExpressions: [{ key: LABELS.amphora, operator: 'In', values: apartFrom }] };
  const away = (weight: number, labelSelector: object) => ({ weight, podAffinityTerm: { topologyKey, labelSelector } });
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [away(100, pair), ...(apartFrom.length > 0 ? [away(10, active)] : [])],
    },
    ...(nodes.length === 0
      ? {}
      : {
          nodeAffinity: {
            // The field takes a single name.
            preferredDuringSchedulingIgnoredDuringExecution: nodes.map((name) => ({
              weight: 50,
              preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] },
            })),
          },
        }),
  };
}
