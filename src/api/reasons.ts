/**
 * Every reason that a condition of a LoadBalancer or an Amphora can carry, with what it means. Condition messages add the
 * particulars. docs/conditions.md is generated from this list.
 */
export const REASONS = {
  // Ready
  AsSpecified: 'The load balancer is what its spec asks for.',
  OperationInProgress: 'A create, resize or failover is running; status.operation shows each goal.',
  ConfigurationPending: 'An edit is on its way to the amphorae; they go on with what they have until then.',
  Suspended: 'spec.suspend is true: the operator does not act; what serves goes on.',
  Deleting: 'The load balancer is being deleted.',
  // Available
  Serving: 'At least one amphora takes the traffic of the VIP.',
  NoAmphora: 'No amphora takes the traffic of the VIP.',
  AmphoraSilent: 'New connections reach an amphora that does not answer the operator: traffic goes on as it was, edits wait.',
  // Resizing
  NeverResized: 'No resize has been asked for yet.',
  ResizeInProgress: 'A resize is running; its goals stand in status.operation.',
  GoingBack: 'The resize is being taken back: the old amphorae carry the traffic, the new ones go.',
  ResizeSucceeded: 'The last resize reached its flavor.',
  ResizeCancelled: 'The last resize was cancelled by setting flavorId back; the flavor in force never changed.',
  ResizeSuperseded: 'The last resize gave way to another flavor that was asked for meanwhile.',
  ResizeFailed: 'The last resize failed; the old flavor is in force and serves.',
  // Refusals: nothing was touched
  FlavorRequired: 'spec.flavorId is unset and the operator has no default flavor.',
  FlavorNotFound: 'There is no Flavor of that name.',
  FlavorProfileNotFound: 'The Flavor names a FlavorProfile that does not exist.',
  FlavorDisabled: 'The flavor is disabled, so that no load balancer may enter it.',
  FlavorInvalid: 'The flavor or its profile does not match its schema.',
  TopologyChange: 'The flavor has another topology; a resize cannot change it.',
  ProviderMismatch: 'The flavor belongs to another provider.',
  OlderImage: 'The flavor has an older image than the one in force: what only the newer one knows, it may refuse or lack.',
  InvalidSpec: 'The spec does not match the schema; what serves goes on with the last valid one.',
  NameConflict: 'An object that this load balancer does not own has a name that it needs.',
  // Failures of an operation
  DeadlineExceeded: 'The next goal was not met within progressDeadlineSeconds.',
  AmphoraBootFailed: 'An amphora did not start.',
  ImageNotFound: 'The amphora image that the flavor names is not to be had.',
  ImagePullFailed: 'The amphora image could not be pulled; kubelet tries again, and a resize waits for that for a while.',
  AmphoraLost: 'An amphora is gone beyond restart.',
  CreateFailed: 'The load balancer could not be created; it is tried again.',
  FailoverFailed: 'A failover failed; it is tried again, and what serves goes on.',
  FailoverRequested: 'A failover was asked for by annotation.',
  AmphoraDisrupted: 'An amphora is soon to be taken away where it runs, as when its node is drained; others take its place before that.',
  // Listeners and configuration
  SecretNotFound: 'A Secret that a listener or pool names does not exist.',
  SecretInvalid: 'A Secret lacks a key, or what it holds is no certificate or key.',
  KeyMismatch: 'The private key in a Secret does not belong to its certificate.',
  ServiceNotFound: 'A pool’s Service does not exist, or has no such port.',
  ConfigurationRefused: 'HAProxy refused the configuration and goes on with the one that it has.',
  ConfigurationTooLarge: 'The configuration is larger than a Secret can hold.',
  ClientAddressTranslated: 'allowedCidrs may see the addresses of nodes in place of those of clients.',
  PoolNotFound: 'A listener or L7 policy names a pool that does not exist.',
  // VIP
  AddressNotAvailable: 'The VIP address cannot be had.',
  PortInUse: 'A port of the VIP is taken by something else.',
  PermissionDenied: 'The operator’s user may not listen on a port.',
  VipPending: 'The VIP is not there yet.',
  LastAmphora: 'It was to leave the VIP, but new connections reach no other amphora now: it stays.',
  // Amphora
  IdentityBroken: 'A Secret with a certificate authority of the operator is damaged.',
  Unschedulable: 'No node has room for the pod of the amphora, or none may run it.',
  ContainerNotStarted: 'The container of the amphora can’t be started; kubelet tries again.',
  OOMKilled: 'HAProxy needed more memory than the flavor gives it; kubelet starts it again.',
  CrashLoop: 'HAProxy ended by itself, and is started again.',
  Evicted: 'The pod of the amphora was taken away: its node ran short of something, or is being emptied.',
  PodDeleted: 'Somebody else than the operator deleted the pod of an amphora; it is replaced.',
  NodeNotReady: 'The node where the amphora runs does not answer, or says that it can’t run pods.',
  NodeGone: 'The node where the amphora ran is gone from the cluster.',
  NodeDraining: 'The node where the amphora runs is soon to be emptied: the amphora is replaced by one on another before that.',
  Running: 'HAProxy runs and may be sent traffic.',
  Starting: 'HAProxy is not running yet.',
  Loaded: 'The running HAProxy has the configuration of the present spec.',
  Loading: 'The configuration of the present spec is being loaded.',
  Present: 'The amphora is there.',
  AmphoraRestarted: 'HAProxy had ended by itself and is started again.',
  DriverFailed: 'The place where amphorae run could not be asked or did not obey; it is tried again.',
} as const;

export type Reason = keyof typeof REASONS;

/** Reasons for which an edit is not loaded; what serves goes on with the one before. */
export const NOT_LOADED: ReadonlySet<string> = new Set<Reason>(['ConfigurationRefused', 'ConfigurationTooLarge', 'InvalidSpec']);

/** Whether a reason reported by a driver is one of the catalogue. */
export const isReason = (reason: string): reason is Reason => Object.hasOwn(REASONS, reason);
