import type { Amphora } from '../../../api/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { find } from '../../../kube/find.ts';
import { keyOf } from '../../../kube/paths.ts';
import type { Watch, Watched } from '../../../kube/watched.ts';
import { hasIPv6, type Situation, standbyOf, surroundingsDigest } from './environment.ts';
import type { Identity } from './identity/index.ts';
import { LABELS, MANAGED_BY, vipServiceName } from './names.ts';
import { type Service, services } from './objects.ts';
import type { AmphoraPods } from './pods.ts';
import { metadataOf } from './vip/metadata.ts';

/** What an amphora loads beside its configuration. */
export interface Surroundings extends Situation {
  /** Its certificates, and the authorities of the other sides. */
  files: Record<string, string>;
  /** Names all of it. */
  digest: string;
}

/** Gives amphorae their certificates, and tells how they are reached and whom a standby stands by for. */
export class AmphoraSurroundings {
  readonly #client: KubeClient;
  readonly #services: Watched<Service>;
  readonly #identity: Identity;
  readonly #pods: AmphoraPods;
  readonly #now: () => number;
  /** By key of the amphora: the certificates that were given last, and until when they stand. */
  readonly #given = new Map<string, Awaited<ReturnType<Identity['amphoraFiles']>>>();

  constructor(parts: { client: KubeClient; watch: Watch; identity: Identity; pods: AmphoraPods; now: () => number }) {
    this.#client = parts.client;
    this.#services = parts.watch<Service>(services, { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` });
    this.#identity = parts.identity;
    this.#pods = parts.pods;
    this.#now = parts.now;
  }

  /** What the amphora should have. `existing`: its files so far; of these, certificates are kept while they are good. @throws DriverError IdentityBroken, NameConflict */
  async of(amphora: Amphora, existing: Record<string, string> | undefined, signal?: AbortSignal): Promise<Surroundings> {
    const key = keyOf(amphora);
    const known = this.#given.get(key);
    const given = known && known.renewAt.getTime() > this.#now() ? known : await this.#give(amphora, known?.files ?? existing, signal);
    this.#given.set(key, given);
    const pods = this.#pods.sistersOf(amphora);
    const situation = {
      standbyOf: standbyOf(
        amphora,
        pods.filter((pod) => this.#pods.isOnReadyNode(pod)),
      ),
      hasIPv6: hasIPv6(await this.#vipOf(amphora, signal), pods),
    };
    return { ...situation, files: given.files, digest: surroundingsDigest(given.digest, situation) };
  }

  /** It is gone. */
  forget(amphora: Amphora): void {
    this.#given.delete(keyOf(amphora));
  }

  /** The Service of its VIP; asked for where the watch has none, which may only be late. */
  async #vipOf({ metadata, spec }: Amphora, signal?: AbortSignal): Promise<Service | undefined> {
    const ref = { namespace: metadata.namespace!, name: vipServiceName(spec.loadBalancer.name) };
    return this.#services.get(keyOf(ref)) ?? (await find<Service>(this.#client, services, ref, signal));
  }

  #give({ metadata, spec: { loadBalancer } }: Amphora, existing: Record<string, string> | undefined, signal?: AbortSignal) {
    const namespace = metadata.namespace!;
    const { ownerReferences } = metadataOf({ namespace, ...loadBalancer }, loadBalancer.name);
    const owner = { namespace, name: metadata.name, loadBalancer, ownerReference: ownerReferences?.[0] };
    return this.#identity.amphoraFiles(owner, existing, signal);
  }
}
