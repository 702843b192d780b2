import type { Amphora } from '../../../api/index.ts';
import { keyOf } from '../../../kube/paths.ts';
import { standbyOf, surroundingsDigest } from './environment.ts';
import type { Identity } from './identity/index.ts';
import type { AmphoraPods } from './pods.ts';
import { metadataOf } from './vip/metadata.ts';

/** What an amphora loads beside its configuration. */
export interface Surroundings {
  /** Its certificates, and the authorities of the other sides. */
  files: Record<string, string>;
  /** `address:port` of the active one that it stands by for. */
  standbyOf: string | undefined;
  /** Names both. */
  digest: string;
}

/** Gives amphorae their certificates, and tells a standby of its active one. */
export class AmphoraSurroundings {
  readonly #identity: Identity;
  readonly #pods: AmphoraPods;
  readonly #now: () => number;
  /** By key of the amphora: the certificates that were given last, and until when they stand. */
  readonly #given = new Map<string, Awaited<ReturnType<Identity['amphoraFiles']>>>();

  constructor(identity: Identity, pods: AmphoraPods, now: () => number) {
    this.#identity = identity;
    this.#pods = pods;
    this.#now = now;
  }

  /** What the amphora should have. `existing`: its files so far; of these, certificates are kept while they are good. @throws DriverError IdentityBroken, NameConflict */
  async of(amphora: Amphora, existing: Record<string, string> | undefined, signal?: AbortSignal): Promise<Surroundings> {
    const key = keyOf(amphora);
    const known = this.#given.get(key);
    const given = known && known.renewAt.getTime() > this.#now() ? known : await this.#give(amphora, known?.files ?? existing, signal);
    this.#given.set(key, given);
    const active = standbyOf(amphora, this.#pods.ofLoadBalancer(amphora.spec.loadBalancer.uid));
    return { files: given.files, standbyOf: active, digest: surroundingsDigest(given.digest, active) };
  }

  /** It is gone. */
  forget(amphora: Amphora): void {
    this.#given.delete(keyOf(amphora));
  }

  #give({ metadata, spec: { loadBalancer } }: Amphora, existing: Record<string, string> | undefined, signal?: AbortSignal) {
    const namespace = metadata.namespace!;
    const { ownerReferences } = metadataOf({ namespace, ...loadBalancer }, loadBalancer.name);
    const owner = { namespace, name: metadata.name, loadBalancer, ownerReference: ownerReferences?.[0] };
    return this.#identity.amphoraFiles(owner, existing, signal);
  }
}
