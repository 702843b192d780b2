import type { Amphora } from '../../../api/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { find } from '../../../kube/find.ts';
import { keyOf } from '../../../kube/paths.ts';
import { unlessGone } from '../../../kube/unless-gone.ts';
import type { Watch, Watched } from '../../../kube/watched.ts';
import { DriverError, type LoadBalancerRef } from '../driver.ts';
import { FIELD_MANAGER, LABELS, MANAGED_BY, podName } from './names.ts';
import { type Node, nodes, type Pod, pods } from './objects.ts';

/** Pods of amphorae and the nodes that they run on: as the watches have them, and read anew where a watch can't know yet what was written. */
export class AmphoraPods {
  readonly #client: KubeClient;
  readonly #pods: Watched<Pod>;
  readonly #nodes: Watched<Node>;
  /** By key: the version that our last write made, until the watch has it. */
  readonly #written = new Map<string, string>();
  /** Uids of the pods whose deletion is ours, until they are gone. */
  readonly #removed = new Set<string>();

  constructor(client: KubeClient, watch: Watch) {
    this.#client = client;
    this.#pods = watch<Pod>(pods, {
      labelSelector: `${LABELS.managedBy}=${MANAGED_BY}`,
      indexes: {
        loadBalancer: (pod) => (isAmphoraPod(pod) ? [`${pod.metadata.namespace}/${pod.metadata.labels?.[LABELS.loadBalancerUid]}`] : []),
        node: ({ spec }) => [spec.nodeName ?? ''],
      },
    });
    this.#nodes = watch<Node>(nodes);
    this.#pods.onEvent(({ type, object }) => {
      if (type === 'deleted' && object.metadata.uid !== undefined) this.#removed.delete(object.metadata.uid);
    });
  }

  /** The amphora's pod, as new as our own writes at least; undefined when there is none, or when one of its name is something else. */
  async see(amphora: Amphora, signal?: AbortSignal): Promise<Pod | undefined> {
    const key = keyOf(refOf(amphora));
    const seen = this.#pods.get(key);
    const written = this.#written.get(key);
    const isStale = !seen || isOlder(seen, written) || (this.isOurRemoval(seen) && seen.metadata.deletionTimestamp === undefined);
    if (isStale) return this.fresh(amphora, signal);
    this.#written.delete(key);
    return isOf(amphora, seen) ? seen : undefined;
  }

  /** The same, as the API server has it now. */
  async fresh(amphora: Amphora, signal?: AbortSignal): Promise<Pod | undefined> {
    const pod = await find<Pod>(this.#client, pods, refOf(amphora), signal);
    return pod && isOf(amphora, pod) ? pod : undefined;
  }

  /** Those of a load balancer, as the watch has them. Whoever makes pods in another namespace may label these as they like: they don't count. */
  ofLoadBalancer({ namespace, uid }: LoadBalancerRef): Pod[] {
    return this.#pods.byIndex('loadBalancer', `${namespace}/${uid}`);
  }

  /**
   * Those of a load balancer that the watch has, as the API server has them now: one that is too young for the watch is missing. Each is read by its name,
   * which takes milliseconds; a list that must be as new as the question waits for the API server's cache, up to 100 ms (KEP-2340).
   */
  async freshOf(loadBalancer: LoadBalancerRef, signal?: AbortSignal): Promise<Pod[]> {
    const found = await Promise.all(
      this.ofLoadBalancer(loadBalancer).map(({ metadata }) => find<Pod>(this.#client, pods, metadata, signal)),
    );
    return found.filter((pod) => pod?.metadata.labels?.[LABELS.loadBalancerUid] === loadBalancer.uid && isAmphoraPod(pod)) as Pod[];
  }

  /** Those of an amphora's load balancer, its own among them. */
  sistersOf({ metadata, spec }: Amphora): Pod[] {
    return this.ofLoadBalancer({ namespace: metadata.namespace!, uid: spec.loadBalancer.uid });
  }

  /** The node that a pod runs on; null when it is gone from the cluster, undefined when the pod has none yet. */
  async nodeOf({ spec }: Pod, signal?: AbortSignal): Promise<Node | null | undefined> {
    if (spec.nodeName === undefined) return undefined;
    return this.#nodes.get(spec.nodeName) ?? (await find<Node>(this.#client, nodes, { name: spec.nodeName }, signal)) ?? null;
  }

  /** Whether its node is not known to be lost: where it is, Kubernetes takes the pod from the endpoints though its HAProxy may be alive. */
  isOnReadyNode({ spec }: Pod): boolean {
    const ready = this.#nodes.get(spec.nodeName ?? '')?.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready === undefined || ready.status === 'True';
  }

  /** @throws KubeError AlreadyExists, also when one of its name is something else */
  async create(pod: Pod, signal?: AbortSignal): Promise<void> {
    this.#remember(await this.#client.create(pods, pod, { fieldManager: FIELD_MANAGER, signal }));
  }

  /** Sets annotations of this very pod; null takes one away. */
  async annotate({ metadata }: Pod, annotations: Record<string, string | null>, signal?: AbortSignal): Promise<Pod> {
    const patch = { metadata: { uid: metadata.uid, annotations } };
    const pod = await this.#client.patchMerge<Pod>(pods, metadata, patch, { fieldManager: FIELD_MANAGER, signal });
    this.#remember(pod);
    return pod;
  }

  /** Deletes this very pod. `graceSeconds` 0: its object is gone at once, whatever its node says. */
  async remove({ metadata }: Pod, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    this.#removed.add(metadata.uid!);
    const options = { preconditions: { uid: metadata.uid }, gracePeriodSeconds: graceSeconds, signal };
    await unlessGone(this.#client.delete(pods, metadata, options));
    this.#written.delete(keyOf(metadata));
  }

  /** Whether the pod's deletion is ours. */
  isOurRemoval({ metadata }: Pod): boolean {
    return this.#removed.has(metadata.uid ?? '');
  }

  /** Has `visit` called with each pod that changes, or whose node does in what matters to it. */
  onChange(visit: (pod: Pod) => void): void {
    this.#pods.onEvent(({ object }) => visit(object));
    this.#nodes.onEvent(({ object, oldObject }) => {
      if (oldObject && mattersOf(oldObject) === mattersOf(object)) return;
      for (const pod of this.#pods.byIndex('node', object.metadata.name)) visit(pod);
    });
  }

  #remember(pod: Pod): void {
    this.#written.set(keyOf(pod), pod.metadata.resourceVersion!);
  }
}

/** Whether it is an amphora's pod, which has the amphora's name: labels alone anybody may put on a pod. */
function isAmphoraPod({ metadata: { name, labels } }: Pod): boolean {
  const amphora = labels?.[LABELS.amphora];
  return amphora !== undefined && name === podName(amphora);
}

const refOf = ({ metadata }: Amphora) => ({ namespace: metadata.namespace!, name: podName(metadata.name) });

/** @throws DriverError NameConflict */
export const nameConflict = (what: string): DriverError =>
  new DriverError(
    'NameConflict',
    `${what} belongs to something else, and the amphora needs one of that name. Nothing was touched: delete or rename it.`,
  );

const isOf = ({ metadata, spec }: Amphora, { metadata: { labels } }: Pod): boolean =>
  labels?.[LABELS.loadBalancerUid] === spec.loadBalancer.uid && labels[LABELS.amphora] === metadata.name;

/** Versions of one resource are numbers that grow (KEP-5504). */
function isOlder({ metadata }: Pod, version: string | undefined): boolean {
  return version !== undefined && BigInt(metadata.resourceVersion ?? 0) < BigInt(version);
}

const mattersOf = ({ spec, status }: Node): string =>
  JSON.stringify([spec?.unschedulable, spec?.taints, status?.conditions?.find(({ type }) => type === 'Ready')?.status]);
