/** The SDK of Reflavor: resize load balancers on Kubernetes from a program, and follow what comes of it. */
export { type ActOptions, cancel, failover, findFlavor, resize, retry } from './acts.ts';
export type { CallOptions, Client, PatchOptions, WatchEvent, WatchOptions } from './client.ts';
export { ApiError, Cancelled, Failed, NotFound, OwnedByGitOps, ReflavorError, Refused, Superseded, Timeout } from './errors.ts';
export { type FluentClientLike, fromFluentClient } from './fluent.ts';
export {
  Amphora,
  Flavor,
  FlavorProfile,
  type Kind,
  LoadBalancer,
  type Moment,
  type ObjectMeta,
  type ObjectRef,
  type Resource,
  registerKinds,
} from './kinds.ts';
export { fromKubeConfig, type KubeConfigLike } from './kubeconfig.ts';
export { type Preview, previewResize, type Remark } from './preview.ts';
export type { GoalProgress, Progress } from './progress.ts';
export type * from './types.ts';
export {
  failoverProgress,
  resizeProgress,
  type WaitOptions,
  type WaitOptionsWithProgress,
  waitForFailover,
  waitForResize,
} from './wait.ts';
