import type { KubeClient } from '../../../../kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../../../kube/errors.ts';
import { find } from '../../../../kube/find.ts';
import { DriverError } from '../../driver.ts';
import { FIELD_MANAGER } from '../names.ts';
import { type Endpoint, type EndpointSlice, endpointSlices, type Pod, pods, type Service } from '../objects.ts';
import { agrees } from './agrees.ts';
import { isOf, type Owner } from './metadata.ts';
import { slicePortsOf } from './service.ts';
import { drainingEndpoints, drainingSlice, type Family, familiesOf, isOfPod, isReady, sliceName } from './slices.ts';

/** How often a slice is read anew when another amphora's visit wrote it meanwhile. */
const ATTEMPTS = 10;

/**
 * The operator's own slices of the VIPs, in which amphorae stand that drain. All amphorae of a load balancer share one, so that each write is a compare
 * and swap. Each also drops the pods that are gone or not ready: no address stays that another pod might be given, or that nobody answers at.
 */
export class DrainingSlices {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Has the pod in the slice of each family. */
  enter(owner: Owner, service: Service, pod: Pod, signal?: AbortSignal): Promise<void> {
    return this.#rewrite(owner, familiesOf(service), service, signal, (endpoints, family) => [
      ...endpoints.filter((e) => !isOfPod(e, pod)),
      ...drainingEndpoints(pod, family),
    ]);
  }

  /** Has no pod of this name in any. */
  leave(owner: Owner, podName: string, service: Service | undefined, signal?: AbortSignal): Promise<void> {
    return this.#rewrite(owner, ['IPv4', 'IPv6'], service, signal, (endpoints) => endpoints.filter((e) => e.targetRef?.name !== podName));
  }

  /** Has them name the ports that the Service has. */
  follow(owner: Owner, service: Service, signal?: AbortSignal): Promise<void> {
    return this.#rewrite(owner, ['IPv4', 'IPv6'], service, signal, (endpoints) => endpoints);
  }

  async #rewrite(
    owner: Owner,
    families: readonly Family[],
    service: Service | undefined,
    signal: AbortSignal | undefined,
    change: (endpoints: Endpoint[], family: Family) => Endpoint[],
  ): Promise<void> {
    for (const family of families) {
      for (let attempt = 1; !(await this.#tryToRewrite(owner, family, service, signal, change)); attempt++) {
        if (attempt === ATTEMPTS)
          throw new DriverError('DriverFailed', `EndpointSlice ${sliceName(owner.name, family)} is written by others all the time.`);
      }
    }
  }

  /** Returns false where another write came first. */
  async #tryToRewrite(
    owner: Owner,
    family: Family,
    service: Service | undefined,
    signal: AbortSignal | undefined,
    change: (endpoints: Endpoint[], family: Family) => Endpoint[],
  ): Promise<boolean> {
    const { namespace } = owner;
    const current = await find<EndpointSlice>(this.#client, endpointSlices, { namespace, name: sliceName(owner.name, family) }, signal);
    if (current && !isOf(owner.uid, current))
      throw new DriverError(
        'NameConflict',
        `EndpointSlice ${current.metadata.name} belongs to something else, and the VIP needs one of that name for amphorae that drain: delete or rename it. Nothing was touched.`,
      );
    const changed = change(current?.endpoints ?? [], family);
    const areReady = await Promise.all(changed.map((endpoint) => this.#isReady(owner, endpoint, signal)));
    const endpoints = changed.filter((_, i) => areReady[i]);
    const wanted = drainingSlice(owner, family, endpoints, service ? slicePortsOf(service) : current?.ports);
    try {
      if (!current && endpoints.length > 0) await this.#client.create(endpointSlices, wanted, { fieldManager: FIELD_MANAGER, signal });
      if (!current) return true;
      const { uid, resourceVersion } = current.metadata;
      if (endpoints.length === 0)
        await this.#client.delete(endpointSlices, current.metadata, { preconditions: { uid, resourceVersion }, signal });
      else if (!agrees(current, wanted)) {
        wanted.metadata = { ...wanted.metadata, uid, resourceVersion };
        await this.#client.replace(endpointSlices, wanted, { fieldManager: FIELD_MANAGER, signal });
      }
      return true;
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error) || isNotFound(error)) return false;
      throw error;
    }
  }

  /** Whether the pod that an entry names is there and ready. */
  async #isReady({ namespace }: Owner, endpoint: Endpoint, signal?: AbortSignal): Promise<boolean> {
    const name = endpoint.targetRef?.name;
    const pod = name === undefined ? undefined : await find<Pod>(this.#client, pods, { namespace, name }, signal);
    return pod !== undefined && isOfPod(endpoint, pod) && isReady(pod);
  }
}
