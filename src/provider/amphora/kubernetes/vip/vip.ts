import type { Amphora } from '../../../../api/index.ts';
import type { KubeClient } from '../../../../kube/client.ts';
import { find } from '../../../../kube/find.ts';
import { keyOf } from '../../../../kube/paths.ts';
import type { KubeObject, Resource } from '../../../../kube/types.ts';
import { unlessGone } from '../../../../kube/unless-gone.ts';
import type { Watch, Watched } from '../../../../kube/watched.ts';
import { DriverError, type VipObservation, type VipRef } from '../../driver.ts';
import { FIELD_MANAGER, guardName, LABELS, MANAGED_BY, peersSecretName, podName, vipServiceName } from '../names.ts';
import {
  type EndpointSlice,
  endpointSlices,
  networkPolicies,
  type Pod,
  podDisruptionBudgets,
  pods,
  type Service,
  secrets,
  services,
} from '../objects.ts';
import type { AmphoraPods } from '../pods.ts';
import { agrees } from './agrees.ts';
import { DrainingSlices } from './draining.ts';
import { disruptionBudget, networkPolicy, type OperatorPods } from './guards.ts';
import { isOf, type Owner } from './metadata.ts';
import { refusalOf } from './refusal.ts';
import { DETACHED, isReached, type Seen, seenIn, type Visit, visitOwner, WatchedVips } from './seen.ts';
import { addressOf, isAsWanted, portName, portsOf, serviceFor, vipProblem } from './service.ts';
import { familiesOf, isReady, othersAreReady, SERVICE_NAME, sliceName, slicesHave, standingOf } from './slices.ts';

export interface KubernetesVipOptions {
  client: KubeClient;
  watch: Watch;
  pods: AmphoraPods;
  operator: OperatorPods;
}

/** An object that guards the amphorae of a load balancer: how it is to be, and as the watch has it. */
interface Guard {
  resource: Resource;
  make(owner: Owner): KubeObject;
  watched: Watched<KubeObject>;
}

/**
 * The VIP of a load balancer: a Service that selects the pods with a label, which is put on and taken off; a slice of the operator's own for those
 * that drain; and what guards its amphorae. Of the Service, nothing ever changes for a resize.
 */
export class KubernetesVip {
  readonly #client: KubeClient;
  readonly #draining: DrainingSlices;
  readonly #watched: WatchedVips;
  readonly #pods: AmphoraPods;
  readonly #guards: Guard[];

  constructor({ client, watch, pods: amphoraPods, operator }: KubernetesVipOptions) {
    this.#client = client;
    this.#pods = amphoraPods;
    this.#draining = new DrainingSlices(client);
    this.#watched = new WatchedVips(watch);
    const guard = (resource: Resource, make: Guard['make']) => ({
      resource,
      make,
      watched: watch(resource, { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` }),
    });
    this.#guards = [guard(networkPolicies, (owner) => networkPolicy(owner, operator)), guard(podDisruptionBudgets, disruptionBudget)];
  }

  /** @throws DriverError AddressNotAvailable, InvalidSpec, NameConflict, VipPending, having changed nothing */
  async ensure(ref: VipRef, ports: readonly number[], signal?: AbortSignal): Promise<VipObservation> {
    signal?.throwIfAborted();
    const [live, ...guards] = await Promise.all([
      this.#ours<Service>(services, vipServiceName(ref.name), ref, signal),
      ...this.#guards.map(({ resource }) => this.#ours(resource, guardName(ref.name), ref, signal)),
    ]);
    if (live?.metadata.deletionTimestamp) throw new DriverError('VipPending', vipProblem(ref, live)!.message);
    const wanted = serviceFor(ref, ports, live);
    const service = live && isAsWanted(live, wanted) ? live : await this.#applyService(ref, wanted, live, signal);
    for (const [i, { resource, make }] of this.#guards.entries()) {
      const guard = make(ref);
      if (!agrees(guards[i], guard)) await this.#apply(resource, guard, signal);
    }
    if (live && portsOf(live).join() !== portsOf(service).join()) await this.#draining.follow(ref, service, signal);
    return this.#observation(ref, service, signal);
  }

  /**
   * By fresh reads; with `mayLag` of the Service alone, as the watches have the others. Undefined when there is none, or when what has its name isn't its
   * own. Who is attached may be missing for the moment that it is new.
   */
  async observe(ref: VipRef, signal?: AbortSignal, { mayLag = false } = {}): Promise<VipObservation | undefined> {
    signal?.throwIfAborted();
    const service = await this.#service(ref, signal);
    if (!service) return undefined;
    return mayLag
      ? this.#observed(ref, service, this.#watched.slicesOf(ref), this.#pods.ofLoadBalancer(ref))
      : this.#observation(ref, service, signal);
  }

  /** Ends the VIP. A Service that others hold (a cloud takes down what it built) is seen until they let it go. */
  async release(ref: VipRef, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { namespace, name } = ref;
    const mine: [Resource, string][] = [
      [services, vipServiceName(name)],
      [endpointSlices, sliceName(name, 'IPv4')],
      [endpointSlices, sliceName(name, 'IPv6')],
      ...this.#guards.map(({ resource }): [Resource, string] => [resource, guardName(name)]),
      [secrets, peersSecretName(name)],
    ];
    for (const [resource, objectName] of mine) {
      const object = await find(this.#client, resource, { namespace, name: objectName }, signal);
      if (!object || !isOf(ref.uid, object) || object.metadata.deletionTimestamp) continue;
      const preconditions = { uid: object.metadata.uid };
      await unlessGone(this.#client.delete(resource, object.metadata, { preconditions, signal }));
    }
  }

  /**
   * Puts the amphora behind the VIP. One that drains may be all that is there to be reached, or all that its node may give connections to
   * (externalTrafficPolicy Local): then it stays listed as draining until the endpoint controller has it; `seen` has `attach` called once more,
   * which ends that. Otherwise kube-proxy, which may write its rules a second after the first change, would have nothing in between.
   * @throws DriverError VipPending; DriverFailed when it has no pod
   */
  async attach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { owner, name } = whereOf(amphora);
    const [service, pod] = await Promise.all([this.#service(owner, signal), this.#pods.fresh(amphora, signal)]);
    if (!service) throw new DriverError('VipPending', `${name} can't be attached: its load balancer has no VIP yet`);
    if (!pod) throw new DriverError('DriverFailed', `${name} can't be attached: it has no pod, and is to be built first`);
    const slices = await this.#knownSlices(owner, service, signal);
    const { draining, listedWhole } = standingOf(pod, service, slices);
    const isMissed = service.spec?.externalTrafficPolicy === 'Local' || !othersAreReady(pod, service, slices);
    if (draining && (listedWhole || !isMissed)) await this.#draining.leave(owner, name, service, signal);
    const labels = { [LABELS.vip]: owner.uid, [LABELS.role]: amphora.spec.role };
    if (!agrees(pod.metadata.labels, labels)) await this.#label(pod, labels, signal);
  }

  /** Takes it from behind the VIP: one that answers is listed as draining first. */
  async detach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const pod = await this.#pods.fresh(amphora, signal);
    if (!pod) return this.forget(amphora, signal);
    if (pod.metadata.labels?.[LABELS.vip] === undefined) return;
    const { owner } = whereOf(amphora);
    const service = isReady(pod) ? await this.#service(owner, signal) : undefined;
    if (service) await this.#draining.enter(owner, service, pod, signal);
    await unlessGone(this.#label(pod, { [LABELS.vip]: null }, signal));
  }

  /** No data plane is to know its address as draining any longer: called before its pod is deleted, and once it is gone. */
  async forget(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { owner, name } = whereOf(amphora);
    await this.#draining.leave(owner, podName(name), await this.#service(owner, signal), signal);
  }

  /** Where the watches have the pod; they may lag behind. */
  seen(pod: Pod): Seen {
    return this.#watched.seen(pod);
  }

  /** The same by fresh reads, for what takes away. */
  async seenNow(amphora: Amphora, signal?: AbortSignal): Promise<Seen> {
    const { owner } = whereOf(amphora);
    const [service, pod] = await Promise.all([this.#service(owner, signal), this.#pods.fresh(amphora, signal)]);
    return pod && service ? seenIn(pod, service, await this.#allSlices(owner, signal)) : DETACHED;
  }

  /** Tells of each load balancer whose VIP has changed, and of each amphora that its slices say something else of. */
  onChange(visit: Visit): void {
    this.#watched.onChange(visit);
    for (const { watched } of this.#guards) {
      // Their status changes with each pod.
      watched.onEvent(({ object, oldObject }) => {
        if (object.metadata.generation !== oldObject?.metadata.generation) visitOwner(object, visit);
      });
    }
  }

  async #observation(ref: VipRef, service: Service, signal?: AbortSignal): Promise<VipObservation> {
    const [slices, amphorae] = await Promise.all([this.#knownSlices(ref, service, signal), this.#pods.freshOf(ref, signal)]);
    return this.#observed(ref, service, slices, amphorae);
  }

  #observed(ref: VipRef, service: Service, slices: readonly EndpointSlice[], amphorae: readonly Pod[]): VipObservation {
    const problem = vipProblem(ref, service);
    const ports = portsOf(service);
    const guarded = this.#guards.every(({ watched, make }) => agrees(watched.get(keyOf(make(ref))), make(ref)));
    return {
      address: addressOf(service),
      ...(problem && { problem }),
      ports: ports.filter((port) => slicesHave(slices, portName(port))),
      ...(!(guarded && isAsWanted(service, serviceFor(ref, ports, service))) && { outdated: true }),
      attached: amphorae
        .filter((pod) => isReached(pod, service, slices))
        .map((pod) => pod.metadata.name)
        .sort(),
    };
  }

  async #applyService(ref: VipRef, wanted: Service, live: Service | undefined, signal?: AbortSignal): Promise<Service> {
    try {
      return await this.#apply<Service>(services, wanted, signal);
    } catch (error) {
      const sisters = live ? [] : (await this.#client.listAll<Service>(services, { namespace: ref.namespace, signal })).items;
      throw refusalOf(error, ref, live, sisters) ?? error;
    }
  }

  #apply<T extends KubeObject>(resource: Resource, object: KubeObject, signal?: AbortSignal): Promise<T> {
    return this.#client.apply<T>(resource, object, { fieldManager: FIELD_MANAGER, force: true, signal });
  }

  /** Changes labels of this very pod, not of another one that has its name by now. */
  async #label({ metadata: { namespace, name, uid } }: Pod, labels: Record<string, string | null>, signal?: AbortSignal): Promise<void> {
    await this.#client.patchMerge(pods, { namespace, name }, { metadata: { uid, labels } }, { fieldManager: FIELD_MANAGER, signal });
  }

  async #ours<T extends KubeObject>(resource: Resource, name: string, owner: Owner, signal?: AbortSignal): Promise<T | undefined> {
    const object = await find<T>(this.#client, resource, { namespace: owner.namespace, name }, signal);
    if (!object || isOf(owner.uid, object)) return object;
    const message = `${resource.kind} ${name} belongs to something else, and the VIP needs one of that name. Nothing was touched: delete it, or give the load balancer another name.`;
    throw new DriverError('NameConflict', message);
  }

  async #service(owner: Owner, signal?: AbortSignal): Promise<Service | undefined> {
    const ref = { namespace: owner.namespace, name: vipServiceName(owner.name) };
    const service = await find<Service>(this.#client, services, ref, signal);
    return service && isOf(owner.uid, service) ? service : undefined;
  }

  /**
   * The slices that the watch has, and the operator's own, as the API server has them now; read by name, as pods are. One that is too young for the watch is
   * missing, and what it lists counts as not behind the VIP yet: enough to tell who is, but not who isn't.
   */
  async #knownSlices(owner: Owner, service: Service, signal?: AbortSignal): Promise<EndpointSlice[]> {
    const own = familiesOf(service).map((family) => sliceName(owner.name, family));
    const names = new Set([...this.#watched.slicesOf(owner).map(({ metadata }) => metadata.name), ...own]);
    const found = [...names].map((name) => find<EndpointSlice>(this.#client, endpointSlices, { namespace: owner.namespace, name }, signal));
    return (await Promise.all(found)).filter(
      (slice) => slice?.metadata.labels?.[SERVICE_NAME] === vipServiceName(owner.name),
    ) as EndpointSlice[];
  }

  /** By a list, which misses none. */
  async #allSlices({ namespace, name }: Owner, signal?: AbortSignal): Promise<EndpointSlice[]> {
    const labelSelector = `${SERVICE_NAME}=${vipServiceName(name)}`;
    return (await this.#client.listAll<EndpointSlice>(endpointSlices, { namespace, labelSelector, signal })).items;
  }
}

const whereOf = ({ metadata: { namespace, name }, spec: { loadBalancer } }: Amphora): { owner: Owner; name: string } => ({
  owner: { namespace: namespace!, name: loadBalancer.name, uid: loadBalancer.uid },
  name,
});
