import type { Amphora, ListenerStatistics, MemberStatus, VipService } from '../../api/index.ts';
import type { Configuration } from './configuration.ts';

/** A load balancer's VIP as a driver knows it. */
export interface VipRef {
  namespace: string;
  name: string;
  uid: string;
  /** The address that the spec wants, or the one that it had before. */
  address?: string;
  /** How its Service is to be made, where a driver has one for it. */
  service?: VipService;
}

/** A load balancer by what never changes; all that is its own is in its namespace. */
export type LoadBalancerRef = Pick<VipRef, 'namespace' | 'uid'>;

/** What a driver sees of a VIP. */
export interface VipObservation {
  /** Empty while it has none yet, as a Service of type LoadBalancer until its controller has given it one. */
  address: string;
  /** Why it isn't reached as the spec asks, in words that a user can act on. */
  problem?: { reason: string; message: string };
  /** The ports on which it takes connections now. */
  ports: number[];
  /** Something of it, beside its ports, isn't as its `VipRef` asks or was changed by somebody else: ensure it once more. */
  outdated?: boolean;
  /** Names of the amphorae that new connections can reach through it now, a standby that would take over included; sorted. */
  attached: string[];
}

/** What a driver sees of an amphora: facts read from the running thing, never what was asked of it. */
export interface AmphoraObservation {
  /** Something of it exists (a process, a pod, or a folder of its state). */
  exists: boolean;
  /** HAProxy runs and may be sent traffic; says nothing of members. */
  running: boolean;
  /** Gone beyond what the driver repairs by itself: it is to be replaced. */
  lost: boolean;
  /** It runs, and is soon to be taken away where it is (its node is being drained): another is to take its place before that. */
  disruption?: { reason: string; message: string };
  /** What it has loaded beside the configuration, such as its own certificates, is out of date: configure it once more. */
  renewalDue?: boolean;
  /** Why it doesn't run, in words that a user can act on, with the cause's own (HAProxy's alert, the pod's reason). */
  problem?: { reason: string; message: string };
  address?: string;
  haproxyVersion?: string;
  startedAt?: Date;
  /** Seen behind the VIP, on every port of the VIP; also while the VIP is down, if it will come back with the amphora behind it. */
  attached: boolean;
  /** The VIP has it as one that takes traffic only while no other does; undefined while it isn't attached. */
  standby?: boolean;
  /** `CONFIG_HASH` of the running process: `configurationHash` of what it loaded. */
  configurationHash?: string;
  /** `membersRevision` computed from the servers that the running process has. */
  membersRevision?: string;
  /** Its listening ports, and whether each accepts connections. */
  listeners: { protocolPort: number; open: boolean }[];
  members: { pool: string; address: string; protocolPort: number; status: MemberStatus }[];
  /** How many of the members are to be checked and have not been since it loaded them: they count as ONLINE, as HAProxy has it. */
  uncheckedMembers: number;
  /** Its stick tables have what those of the older amphorae had; true where there are none. */
  stickTablesSynced: boolean;
  /** Over all its HAProxy processes, those that a reload left behind too. `queued`: at its limit, clients may be waiting to be accepted. */
  connections: { current: number; total: number; queued: boolean };
  /** By listening port, over the same processes; those that are gone count on. */
  statistics: ListenerStatistics[];
}

/** What is observed of an amphora that there is nothing of. */
export const ABSENT: Readonly<AmphoraObservation> = Object.freeze({
  exists: false,
  running: false,
  lost: false,
  attached: false,
  listeners: [],
  members: [],
  uncheckedMembers: 0,
  stickTablesSynced: true,
  connections: { current: 0, total: 0, queued: false },
  statistics: [],
});

/** The running HAProxy refused a configuration, and goes on with the one that it has. `message` carries its alerts. */
export class ConfigurationRefused extends Error {
  override name = 'ConfigurationRefused';
}

/** An act failed for a reason that a user or admin must see: `reason` is CamelCase, `message` says what to do. */
export class DriverError extends Error {
  override name = 'DriverError';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** An amphora that is there, whether there is an object for it or not. */
export interface ExistingAmphora {
  name: string;
  /** It was destroyed, and is on its way out by itself. */
  isEnding: boolean;
}

/**
 * What the controllers need of the place where amphorae run. Every act is idempotent and safe to repeat after a crash at any point;
 * none waits for its effect: `observe` tells. All take an AbortSignal through `signal` and end soon after it.
 */
export interface AmphoraDriver {
  readonly name: string;

  /**
   * Makes the VIP exist, and serve exactly these ports; keeps its address for life.
   * @throws DriverError AddressNotAvailable, PortInUse, PermissionDenied, having changed nothing
   */
  ensureVip(vip: VipRef, ports: number[], signal?: AbortSignal): Promise<VipObservation>;
  /**
   * What the VIP is now; undefined when there is none. `mayLag`: who is behind it may be told as it was a moment ago, for whoever asks again before
   * anything is taken away; `ports` never has one that is closed. Default false.
   */
  observeVip(vip: VipRef, signal?: AbortSignal, options?: { mayLag?: boolean }): Promise<VipObservation | undefined>;
  /** Ends the VIP and frees its address. */
  releaseVip(vip: VipRef, signal?: AbortSignal): Promise<void>;

  /**
   * Makes the amphora run with this configuration: starts it, or starts it again after a crash. No-op while it runs, whatever it has loaded.
   * `serversState`: output of `show servers state` of an older amphora, so that a member known to be down does not start as up.
   * @throws ConfigurationRefused at the first start; DriverError ImageNotFound, PortInUse, PermissionDenied, AmphoraLost
   */
  build(amphora: Amphora, configuration: Configuration, options?: { serversState?: string }, signal?: AbortSignal): Promise<void>;
  /** Brings a running amphora to this configuration: members by the runtime API where HAProxy can, the rest by a hitless reload. @throws ConfigurationRefused, DriverError PortInUse */
  configure(amphora: Amphora, configuration: Configuration, signal?: AbortSignal): Promise<void>;
  /** The configuration that was last loaded with success; undefined before the first. */
  lastConfiguration(amphora: Amphora, signal?: AbortSignal): Promise<Configuration | undefined>;
  observe(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation>;
  /** `show servers state` of the running one; undefined when it can't be asked. */
  serversState(amphora: Amphora, signal?: AbortSignal): Promise<string | undefined>;

  /** Puts the amphora behind the VIP, on all its ports; a BACKUP takes traffic only while no other one does. @throws DriverError VipPending */
  attach(amphora: Amphora, signal?: AbortSignal): Promise<void>;
  /** Takes it from behind the VIP; connections that it has go on. */
  detach(amphora: Amphora, signal?: AbortSignal): Promise<void>;
  /** Asks the connections of a detached one to end: idle ones are closed, busy ones told `Connection: close`, none is cut. Can be undone by attach. */
  drain(amphora: Amphora, signal?: AbortSignal): Promise<void>;
  /** Ends it and removes all that it left, its connections too. Must not be attached. */
  destroy(amphora: Amphora, signal?: AbortSignal): Promise<void>;

  /** All amphorae that exist here for a load balancer, also those whose Amphora object is gone; by name. */
  list(loadBalancer: LoadBalancerRef, signal?: AbortSignal): Promise<ExistingAmphora[]>;

  /** Has `visit` called for each amphora and each load balancer of which something has changed here, so that nobody waits for the next look. */
  onChange?(visit: (changed: { kind: 'Amphora' | 'LoadBalancer'; namespace: string; name: string }) => void): void;
}
