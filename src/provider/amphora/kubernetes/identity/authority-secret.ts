import type { KubeClient } from '../../../../kube/client.ts';
import { isAlreadyExists } from '../../../../kube/errors.ts';
import { find } from '../../../../kube/find.ts';
import { DriverError } from '../../driver.ts';
import { FIELD_MANAGER, LABELS } from '../names.ts';
import { type Secret, secrets } from '../objects.ts';
import { Authority } from './authority.ts';

/** Where an authority is kept: a Secret, which is made if there is none. */
export interface AuthorityPlace {
  metadata: Secret['metadata'] & { namespace: string };
  /** CN of an authority that is made. */
  commonName: string;
  /** What becomes of the amphorae when the Secret is deleted, for whoever has to. */
  afterDeletion: string;
}

/**
 * Opens the authority of a Secret, and makes both where there is none. Of two that make it at once, the first wins. One that has not the
 * uid of the load balancer that the place has is another's.
 *
 * Reads and creates, and never writes to one that is there.
 * @throws DriverError NameConflict, IdentityBroken; KubeError
 */
export async function openAuthoritySecret(
  client: Pick<KubeClient, 'get' | 'create'>,
  place: AuthorityPlace,
  now: Date,
  signal?: AbortSignal,
): Promise<Authority> {
  const { metadata } = place;
  const name = `Secret ${metadata.namespace}/${metadata.name}`;
  const secret = (await find<Secret>(client, secrets, metadata, signal)) ?? (await make(client, place, now, signal));
  const uid = metadata.labels?.[LABELS.loadBalancerUid];
  if (uid !== undefined && secret.metadata.labels?.[LABELS.loadBalancerUid] !== uid) {
    throw new DriverError('NameConflict', `${name} has a name that the load balancer needs, and is not this load balancer's: delete it`);
  }
  const broken = (why: string, cause?: unknown) =>
    new DriverError('IdentityBroken', `${name} is damaged, ${why}: restore it, or delete it: ${place.afterDeletion}`, { cause });
  const [certificate, key] = [text(secret, 'tls.crt'), text(secret, 'tls.key')];
  if (certificate === undefined || key === undefined) throw broken('it lacks tls.crt or tls.key');
  const authority = await Authority.open({ certificate, key }).catch((error: Error) => {
    throw broken(error.message, error);
  });
  if (authority.validTo <= now) throw broken(`its certificate ended on ${authority.validTo.toISOString()}`);
  return authority;
}

async function make(
  client: Pick<KubeClient, 'get' | 'create'>,
  { metadata, commonName }: AuthorityPlace,
  now: Date,
  signal?: AbortSignal,
): Promise<Secret> {
  const { certificate, key } = await Authority.create(commonName, now);
  const data = { 'tls.crt': base64(certificate), 'tls.key': base64(key) };
  const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', immutable: true, data };
  try {
    return await client.create(secrets, secret, { signal, fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (isAlreadyExists(error)) return client.get<Secret>(secrets, metadata, { signal });
    throw error;
  }
}

const base64 = (value: string) => Buffer.from(value).toString('base64');

function text({ data }: Secret, key: string): string | undefined {
  const value = data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
