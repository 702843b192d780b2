import type { AmphoraRole, FlavorData, Listener, Pool } from '../../api/index.ts';

/** A certificate with its key, or certificate authorities, as read from a Secret and checked. PEM. */
export interface TlsMaterial {
  certificate?: string;
  key?: string;
  ca?: string;
  crl?: string;
}

/** One member as HAProxy is to have it, from `members` or from the endpoints of a Service. */
export interface MemberServer {
  address: string;
  protocolPort: number;
  weight: number;
  backup: boolean;
  /** false: administratively out (MAINT). */
  enabled: boolean;
  /** true: takes no new sessions but ends those it has (DRAIN), as a terminating endpoint that still serves. */
  draining: boolean;
  monitorAddress?: string;
  monitorPort?: number;
}

/** A pool with the members that it has now. Invariant: members are unique by address and port, sorted by them. */
export interface PoolConfiguration {
  pool: Omit<Pool, 'members' | 'service'>;
  servers: MemberServer[];
}

/** Why a listener can't be served as its spec says; `digest` changes whenever another attempt is worth making. */
export interface ListenerProblem {
  listener: string;
  reason: string;
  message: string;
  digest: string;
}

/** An amphora of the same load balancer as the `peers` section knows it. */
export interface Peer {
  /** 0 to 7, unique among all living amphorae of the load balancer; its name in the section. */
  peer: number;
  /** Set for amphorae older than this one (and the MASTER of a pair for its BACKUP): the younger connects to the older. */
  address?: string;
}

/**
 * Everything that decides what one amphora's HAProxy does, free of any driver's paths and addresses. Pure data, JSON-safe: a driver
 * keeps the last one that was loaded beside the process, so that a listener whose Secret breaks later stays as it was.
 */
export interface Configuration {
  loadBalancer: { namespace: string; name: string; uid: string };
  role: AmphoraRole;
  flavor: Pick<FlavorData, 'threads' | 'maxConnections'>;
  /** Enabled listeners without a problem, sorted by name; empty when the load balancer is administratively down. */
  listeners: Listener[];
  problems: ListenerProblem[];
  pools: PoolConfiguration[];
  /**
   * What listeners with a problem need to stay as they were: taken from the configuration that was loaded before. Rendered beside the rest,
   * left out of the hash; its pools and secrets are only those that the fields above lack.
   */
  kept?: { listeners: Listener[]; pools: PoolConfiguration[]; secrets: Record<string, TlsMaterial> };
  /** By name of the Secret; exactly those that the listeners and pools above refer to. */
  secrets: Record<string, TlsMaterial>;
  peer: number;
  peers: Peer[];
  /** How long connections may take to end where somebody else than the operator ends the amphora; no part of what HAProxy loads. */
  drainSeconds?: number;
}

/** What listeners and pools find under the name of a Secret: the present parts, and those of old that only a kept listener still needs. */
export function allSecrets({ secrets, kept }: Pick<Configuration, 'secrets' | 'kept'>): Record<string, TlsMaterial> {
  const names = new Set([...Object.keys(kept?.secrets ?? {}), ...Object.keys(secrets)]);
  return Object.fromEntries([...names].sort().map((name) => [name, { ...kept?.secrets[name], ...secrets[name] }]));
}
