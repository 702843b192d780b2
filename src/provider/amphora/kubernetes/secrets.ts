import { isDeepStrictEqual } from 'node:util';
import type { Amphora } from '../../../api/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isAlreadyExists } from '../../../kube/errors.ts';
import { find } from '../../../kube/find.ts';
import { keyOf } from '../../../kube/paths.ts';
import { unlessGone } from '../../../kube/unless-gone.ts';
import { type Kept, keptIn, secretOf } from './files.ts';
import { FIELD_MANAGER, LABELS, secretName } from './names.ts';
import { type Secret, secrets } from './objects.ts';
import { nameConflict } from './pods.ts';

/** How long what was read is taken for true. Nobody else writes these Secrets; but one may be deleted by mistake. */
const memoryMs = 60_000;

/**
 * The Secrets of amphorae. They are as large as configurations are, so that they aren't watched but remembered: every write is a compare and
 * swap, so that a wrong memory changes nothing.
 */
export class AmphoraSecrets {
  readonly #client: KubeClient;
  readonly #now: () => number;
  readonly #known = new Map<string, { secret: Secret; kept: Kept; readAt: number }>();

  constructor(client: KubeClient, now: () => number) {
    this.#client = client;
    this.#now = now;
  }

  /** What it holds; undefined when there is none. @throws DriverError NameConflict */
  async get(amphora: Amphora, signal?: AbortSignal): Promise<Kept | undefined> {
    const key = keyOf(refOf(amphora));
    const known = this.#known.get(key);
    if (known && this.#now() - known.readAt < memoryMs) return known.kept;
    this.#known.delete(key);
    const secret = await find<Secret>(this.#client, secrets, refOf(amphora), signal);
    if (!secret) return undefined;
    if (secret.metadata.labels?.[LABELS.loadBalancerUid] !== amphora.spec.loadBalancer.uid)
      throw nameConflict(`Secret ${secret.metadata.name}`);
    return this.#remember(secret);
  }

  /** Has it hold exactly this; nothing is written that is there already. @throws DriverError ConfigurationTooLarge, NameConflict; KubeError Conflict */
  async put(amphora: Amphora, kept: Kept, signal?: AbortSignal): Promise<void> {
    await this.get(amphora, signal);
    const key = keyOf(refOf(amphora));
    const before = this.#known.get(key)?.secret;
    const wanted = secretOf(amphora, kept, before?.metadata.resourceVersion);
    if (before && isDeepStrictEqual(before.data, wanted.data)) return;
    this.#known.delete(key);
    const options = { fieldManager: FIELD_MANAGER, signal };
    this.#remember(before ? await this.#client.replace(secrets, wanted, options) : await this.#create(wanted, options));
  }

  async remove(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    this.#known.delete(keyOf(refOf(amphora)));
    const secret = await find<Secret>(this.#client, secrets, refOf(amphora), signal);
    if (secret?.metadata.labels?.[LABELS.loadBalancerUid] !== amphora.spec.loadBalancer.uid) return;
    await unlessGone(this.#client.delete(secrets, secret.metadata, { preconditions: { uid: secret.metadata.uid }, signal }));
  }

  async #create(secret: Secret, options: { fieldManager: string; signal?: AbortSignal }): Promise<Secret> {
    try {
      return await this.#client.create(secrets, secret, options);
    } catch (error) {
      if (isAlreadyExists(error)) throw nameConflict(`Secret ${secret.metadata.name}`);
      throw error;
    }
  }

  #remember(secret: Secret): Kept {
    const kept = keptIn(secret);
    this.#known.set(keyOf(secret), { secret, kept, readAt: this.#now() });
    return kept;
  }
}

const refOf = ({ metadata }: Amphora) => ({ namespace: metadata.namespace!, name: secretName(metadata.name) });
