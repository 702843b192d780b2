import type { LoadBalancer } from './kinds.ts';

/** What every error here has. `reason` is one word for programs; the message is for people and says what to do. */
export class ReflavorError extends Error {
  override name = 'ReflavorError';
  readonly reason: string;
  /** The load balancer as it was then, where it was seen. */
  readonly loadBalancer: LoadBalancer | undefined;

  constructor(reason: string, message: string, options: { loadBalancer?: LoadBalancer; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.loadBalancer = options.loadBalancer;
  }
}

/** The API server answered with an error, or didn't answer. `reason` is its own word: `Forbidden`, `Conflict`, `Unreachable`. */
export class ApiError extends ReflavorError {
  override name = 'ApiError';
  /** HTTP status; 0 when no answer came. */
  readonly status: number;

  constructor(status: number, reason: string, message: string, cause?: unknown) {
    super(reason, message, { cause });
    this.status = status;
  }

  /** The same call may well succeed later, unchanged. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** There is no such object, or it is being deleted. */
export class NotFound extends ReflavorError {
  override name = 'NotFound';
}

/**
 * It was not begun, and nothing was touched. `reason` is one of docs/conditions.md where the operator refused it (`FlavorNotFound`), the API
 * server's word where an admission policy or the schema did (`Forbidden`, `Invalid`), or `NothingToCancel`, `NothingToRetry`.
 */
export class Refused extends ReflavorError {
  override name = 'Refused';
}

/** It was begun and taken back: the flavor that was in force is in force, and serves. `reason` is one of docs/conditions.md. */
export class Failed extends ReflavorError {
  override name = 'Failed';
}

/** Somebody set `flavorId` back to the flavor in force. */
export class Cancelled extends ReflavorError {
  override name = 'Cancelled';
}

/** Somebody asked for yet another flavor. */
export class Superseded extends ReflavorError {
  override name = 'Superseded';
}

/** Somebody who writes `flavorId` back from Git owns it: change it there. */
export class OwnedByGitOps extends ReflavorError {
  override name = 'OwnedByGitOps';
  /** The field managers, as in `metadata.managedFields`. */
  readonly owners: readonly string[];

  constructor(loadBalancer: LoadBalancer, owners: readonly string[]) {
    const { name } = loadBalancer.metadata;
    super('OwnedByGitOps', `load balancer ${name}: flavorId is written from Git by ${owners.join(', ')}: change it there.`, {
      loadBalancer,
    });
    this.owners = owners;
  }
}

/** It went on for longer than the caller would wait. Nothing was stopped by that. */
export class Timeout extends ReflavorError {
  override name = 'Timeout';
}
