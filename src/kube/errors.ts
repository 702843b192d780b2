import type { Status } from './types.ts';

/** Everything that can go wrong in a call to the API server. Ask it through the predicates below, not by its fields. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The API's word, such as `NotFound` or `Conflict`; `Unreachable` or `Timeout` when no answer came. */
  readonly reason: string;
  readonly details: Status['details'];
  /** When the server said how long to wait before asking again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    fields: { status: number; reason: string; details?: Status['details']; retryAfterSeconds?: number; cause?: unknown },
  ) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.status = fields.status;
    this.reason = fields.reason;
    this.details = fields.details;
    this.retryAfterSeconds = fields.retryAfterSeconds;
  }
}

const has = (error: unknown, test: (error: KubeError) => boolean): boolean => error instanceof KubeError && test(error);

/** The object, or its whole resource, isn't there. */
export const isNotFound = (error: unknown): boolean => has(error, (e) => e.status === 404);
export const isAlreadyExists = (error: unknown): boolean => has(error, (e) => e.reason === 'AlreadyExists');
/** Someone else wrote in between, a precondition doesn't hold, or another field manager owns a field. */
export const isConflict = (error: unknown): boolean => has(error, (e) => e.status === 409 && e.reason !== 'AlreadyExists');
/** The resourceVersion or the page asked for is no longer kept: list again. */
export const isGone = (error: unknown): boolean => has(error, (e) => e.status === 410 || e.reason === 'Expired' || e.reason === 'Gone');
export const isUnauthorized = (error: unknown): boolean => has(error, (e) => e.status === 401);
/** RBAC or an admission policy says no. */
export const isForbidden = (error: unknown): boolean => has(error, (e) => e.status === 403);
/** Schema, CEL or an admission policy found the object wrong: trying again with the same content can't help. */
export const isInvalid = (error: unknown): boolean => has(error, (e) => e.status === 422 || e.status === 400);
export const isTooManyRequests = (error: unknown): boolean => has(error, (e) => e.status === 429);
/** No answer came: nobody knows whether the call took effect. */
export const isUnreachable = (error: unknown): boolean => has(error, (e) => e.status === 0);
/** The namespace is being deleted, so nothing can be created in it. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  has(error, (e) => e.status === 403 && (e.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating'));
/** The same call may well succeed later, unchanged. */
export const isTransient = (error: unknown): boolean =>
  has(error, (e) => e.status === 0 || e.status === 429 || e.status === 408 || e.status >= 500);

/**
 * The error for an answer of the API server.
 *
 * @param what the call in words, such as `create loadbalancers team-a/web`
 * @param options.secret the object holds secret values: of the server's message, which may quote them, only reason and field names are kept
 * @param options.retryAfterSeconds of the Retry-After header; what the status says goes first
 */
export function errorFromStatus(
  what: string,
  httpStatus: number,
  status: Status | undefined,
  { secret = false, retryAfterSeconds }: { secret?: boolean; retryAfterSeconds?: number } = {},
): KubeError {
  const reason = status?.reason || reasonOf(httpStatus);
  const details = secret ? withoutValues(status?.details) : status?.details;
  return new KubeError(`${what}: ${explain(httpStatus, reason, status, secret)}`, {
    status: status?.code ?? httpStatus,
    reason,
    details,
    retryAfterSeconds: status?.details?.retryAfterSeconds ?? retryAfterSeconds,
  });
}

/** The error for a call that got no answer: connection refused or broken, a name that doesn't resolve, a certificate that isn't trusted. */
export function errorFromTransport(what: string, cause: unknown): KubeError {
  const text = cause instanceof Error ? messageOf(cause) : String(cause);
  return new KubeError(`${what}: no answer from the API server: ${text}`, { status: 0, reason: 'Unreachable', cause });
}

export function errorFromTimeout(what: string, timeoutMs: number, cause?: unknown): KubeError {
  return new KubeError(`${what}: no answer from the API server within ${timeoutMs / 1000} s`, { status: 0, reason: 'Timeout', cause });
}

function explain(httpStatus: number, reason: string, status: Status | undefined, secret: boolean): string {
  if (!status?.message) return `the API server answered ${httpStatus} ${reason}`;
  if (!secret || (httpStatus !== 422 && httpStatus !== 400)) return status.message;
  const fields = (status.details?.causes ?? []).map((cause) => cause.field).filter(Boolean);
  return `the API server answered ${httpStatus} ${reason}${fields.length > 0 ? ` about ${fields.join(', ')}` : ''}`;
}

function withoutValues(details: Status['details']): Status['details'] {
  if (!details?.causes) return details;
  return { ...details, causes: details.causes.map(({ reason, field }) => ({ reason, field })) };
}

/** An AggregateError (every address of a host was tried) has an empty message of its own. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(String).join('; ');
  return error.message || error.name;
}

function reasonOf(httpStatus: number): string {
  const reasons: Record<number, string> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    409: 'Conflict',
    410: 'Gone',
    422: 'Invalid',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  };
  return reasons[httpStatus] ?? `HTTP ${httpStatus}`;
}
