/** The words that the API is known by. No schema stands here, so that what needs the words alone does not load zod. */

/** The API group and version of every kind here. */
export const GROUP = 'reflavor.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}` as const;

/** The goals of a flow in their order; ARCHITECTURE.md says what each protects. */
export const GOALS = ['Accepted', 'Recorded', 'Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed'] as const;

/** Annotations with a token; a token that differs from the one handled last is a request. */
export const RETRY_ANNOTATION = 'reflavor.dev/retry';
export const FAILOVER_ANNOTATION = 'reflavor.dev/failover';

/** Holds a load balancer until its amphorae and its VIP are gone. */
export const LOADBALANCER_FINALIZER = 'reflavor.dev/loadbalancer';
/** Holds an amphora until the driver has destroyed what it stands for. */
export const AMPHORA_FINALIZER = 'reflavor.dev/amphora';
/** Label of an amphora: the uid of its load balancer. */
export const LOADBALANCER_UID_LABEL = 'reflavor.dev/loadbalancer-uid';
