import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Amphora } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { endpoint } from '../haproxy/address.ts';
import { ADMIN_PORT, HEALTH_PORT, PEERS_PORT, type RenderEnvironment } from '../haproxy/index.ts';
import { SERVERS_STATE_FILE } from './files.ts';
import { LABELS } from './names.ts';
import type { Pod, Service } from './objects.ts';
import { FILES_DIR, MASTER_SOCKET, WORKER_SOCKET } from './pod.ts';

/** What of an amphora's environment may change under a running HAProxy, beside its certificates. */
export interface Situation {
  /** `address:port` of the active one that it stands by for. */
  standbyOf: string | undefined;
  /** It is reached by IPv6 as well. */
  hasIPv6: boolean;
}

/** Where HAProxy stands in a pod. It listens on all of the pod's addresses, which aren't known before there is one. */
export function environmentFor({ standbyOf, hasIPv6, digest }: Situation & { digest: string }): RenderEnvironment {
  // Both families by one socket: who speaks to these is known by a certificate, or doesn't matter.
  const everywhere = hasIPv6 ? '::' : '0.0.0.0';
  return {
    bindAddress: '0.0.0.0',
    ...(hasIPv6 ? { bindAddress6: '::' } : {}),
    acceptProxy: false,
    filesDir: FILES_DIR,
    adminSocket: WORKER_SOCKET,
    peersBind: endpoint(everywhere, PEERS_PORT),
    peersTls: { certificate: `${FILES_DIR}/peer.pem`, authority: `${FILES_DIR}/peer-ca.pem` },
    serverStateFile: `${FILES_DIR}/${SERVERS_STATE_FILE}`,
    admin: {
      bind: endpoint(everywhere, ADMIN_PORT),
      masterSocket: MASTER_SOCKET,
      certificate: `${FILES_DIR}/admin.pem`,
      authority: `${FILES_DIR}/admin-ca.pem`,
    },
    healthBind: endpoint(everywhere, HEALTH_PORT),
    standbyOf,
    digest,
  };
}

/** What of the environment may change under a running HAProxy, in 16 hexadecimal digits: the part before the dot of what it reports as `ENVIRONMENT_DIGEST`. */
export const surroundingsDigest = (identityDigest: string, { standbyOf, hasIPv6 }: Situation): string =>
  digestOf([identityDigest, standbyOf ?? null, hasIPv6]);

/**
 * What HAProxy is to report as `ENVIRONMENT_DIGEST`. The part after the dot names the listeners that are kept from an earlier configuration: they count
 * in no hash, and without it nobody could tell whether they are loaded.
 */
export function environmentDigest(surroundings: string, { kept }: Configuration): string {
  const lasting = kept && { ...kept, pools: kept.pools.map((pool) => ({ ...pool, servers: [] })) };
  return `${surroundings}.${lasting ? digestOf(lasting) : '0'}`;
}

/** What of an `ENVIRONMENT_DIGEST` tells of the surroundings alone. */
export const surroundingsIn = (digest: string | undefined): string | undefined => digest?.split('.')[0];

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

/** Whether an amphora is reached by IPv6: its VIP is, or pods of its kind have such addresses. */
export const hasIPv6 = (service: Service | undefined, pods: readonly Pod[]): boolean =>
  (service?.spec?.ipFamilies ?? []).includes('IPv6') || pods.some(({ status }) => status?.podIPs?.some(({ ip }) => isIPv6(ip)));

/**
 * `address:port` where a BACKUP asks whether its active one is alive; undefined for any other, and while that has no address. It is the MASTER that was made
 * with it, or else the youngest that is behind the VIP: a BACKUP that was made for a survivor.
 */
export function standbyOf({ metadata, spec }: Amphora, pods: readonly Pod[]): string | undefined {
  if (spec.role !== 'BACKUP') return undefined;
  const operationOf = (pod: Pod) => Number(pod.metadata.labels?.[LABELS.operation]);
  const masters = pods.filter(
    (pod) =>
      pod.metadata.labels?.[LABELS.role] === 'MASTER' &&
      pod.metadata.labels[LABELS.amphora] !== metadata.name &&
      pod.metadata.deletionTimestamp === undefined,
  );
  const attached = masters
    .filter(({ metadata: { labels } }) => labels?.[LABELS.vip] !== undefined)
    .sort((a, b) => operationOf(b) - operationOf(a));
  const active = masters.find((pod) => operationOf(pod) === spec.operation) ?? attached[0];
  const address = active?.status?.podIP;
  return address === undefined ? undefined : endpoint(address, HEALTH_PORT);
}
