import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Amphora } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { DriverError } from '../driver.ts';
import { secretName } from './names.ts';
import type { Secret } from './objects.ts';
import { CONFIG_FILE, labelsOf, ownersOf } from './pod.ts';

/** `show servers state` of the amphora itself, or of an older one, as HAProxy reads it at start and at every reload. */
export const SERVERS_STATE_FILE = 'servers.state';

/** What stands there while nothing is known: the version of the format alone. */
export const NO_STATE = '1\n';

const LOADED_FILE = 'loaded.json.gz';
const LOADING_FILE = 'loading.json.gz';

/** What the Secret of an amphora holds. */
export interface Kept {
  /** The files of HAProxy by name: its configuration, the certificates that this names, its identities. */
  files: Record<string, string>;
  /** The configuration that was last loaded with success. */
  loaded?: Configuration;
  /** One that is on its way; it counts as loaded once the running process reports its hash. */
  loading?: Configuration;
}

/** A Secret's data may have so much, before base64 (Kubernetes, "Secrets", size limit). */
const MAX_BYTES = 1 << 20;

/**
 * The Secret of an amphora. One write changes all of its files at once, in the pod too: no configuration ever finds another's certificates.
 * @throws DriverError ConfigurationTooLarge
 */
export function secretOf(amphora: Amphora, { files, loaded, loading }: Kept, resourceVersion?: string): Secret {
  const contents: Record<string, Buffer> = {
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
    ...(loaded ? { [LOADED_FILE]: packed(loaded) } : {}),
    ...(loading ? { [LOADING_FILE]: packed(loading) } : {}),
  };
  // What is known of members is a help at a start, and never a reason not to load a configuration.
  if (sizeOf(contents) > MAX_BYTES && SERVERS_STATE_FILE in contents) contents[SERVERS_STATE_FILE] = Buffer.from(NO_STATE);
  requireRoom(contents);
  const owners = ownersOf(amphora);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      namespace: amphora.metadata.namespace!,
      name: secretName(amphora.metadata.name),
      labels: labelsOf(amphora),
      ...(owners ? { ownerReferences: owners } : {}),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    data: Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [name, bytes.toString('base64')])),
  };
}

/** What a Secret that `secretOf` made holds; what is damaged in it counts as missing. */
export function keptIn({ data = {} }: Secret): Kept {
  const { [LOADED_FILE]: loaded, [LOADING_FILE]: loading, ...files } = data;
  return {
    files: Object.fromEntries(Object.entries(files).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()])),
    loaded: unpacked(loaded),
    loading: unpacked(loading),
  };
}

/** The files, but for those of the identities, in 16 hexadecimal digits: whether HAProxy would load the same. */
export function filesDigest(files: Record<string, string>): string {
  const { [SERVERS_STATE_FILE]: _, ...rest } = files;
  return createHash('sha256')
    .update(JSON.stringify(Object.entries(rest).sort()))
    .digest('hex')
    .slice(0, 16);
}

const sizeOf = (contents: Record<string, Buffer>): number => Object.values(contents).reduce((sum, { length }) => sum + length, 0);

function requireRoom(contents: Record<string, Buffer>): void {
  const bytes = sizeOf(contents);
  if (bytes <= MAX_BYTES) return;
  const kib = (size: number) => `${Math.ceil(size / 1024)} KiB`;
  throw new DriverError(
    'ConfigurationTooLarge',
    `The configuration takes ${kib(bytes)} with its certificates (${CONFIG_FILE} alone ${kib(contents[CONFIG_FILE]?.length ?? 0)}), and a Secret holds ${kib(MAX_BYTES)} at most. What is loaded serves on: use fewer members or L7 policies, or split the load balancer.`,
  );
}

/** Without a time stamp, so that the same configuration gives the same bytes. */
const packed = (configuration: Configuration): Buffer => gzipSync(JSON.stringify(configuration));

function unpacked(value: string | undefined): Configuration | undefined {
  if (value === undefined) return undefined;
  try {
    return JSON.parse(gunzipSync(Buffer.from(value, 'base64')).toString()) as Configuration;
  } catch {
    return undefined;
  }
}
