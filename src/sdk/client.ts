import { ApiError, NotFound, Refused } from './errors.ts';
import type { Kind, ObjectRef } from './kinds.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface PatchOptions extends CallOptions {
  /** Who the fields written belong to, in server-side apply's books. Default: as the client has it. */
  fieldManager?: string;
  /** Goes through admission and validation, and persists nothing. Default false. */
  dryRun?: boolean;
}

export interface WatchOptions extends CallOptions {
  /** Start after this version. */
  resourceVersion?: string;
  /** The server ends the watch after so long. */
  timeoutSeconds?: number;
}

/** An event of a watch (meta/v1 WatchEvent). */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

/**
 * What the functions here need of a client: {@link fromKubeConfig} makes one of client-node's KubeConfig, {@link fromFluentClient} one of
 * kubernetes-fluent-client; or write your own. Methods reject with {@link ApiError}, or with the signal's reason once that has aborted.
 */
export interface Client {
  get<T>(kind: Kind<T>, ref: ObjectRef, options?: CallOptions): Promise<T>;
  /** Of all namespaces where none is given. */
  list<T>(kind: Kind<T>, options?: CallOptions & { namespace?: string }): Promise<T[]>;
  /** A merge patch (RFC 7386). `metadata.uid` and `metadata.resourceVersion` in it are preconditions: a conflict unless they hold. */
  patch<T>(kind: Kind<T>, ref: ObjectRef, patch: object, options?: PatchOptions): Promise<T>;
  /** Events of one object. May end, or break, at any time. Where it is missing, the object is asked for every second. */
  watch?<T>(kind: Kind<T>, ref: ObjectRef, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
}

/** The error of an answer with a `Status` (meta/v1) as its body. */
export function errorOfAnswer(what: string, httpStatus: number, body: unknown): ApiError {
  const status = typeof body === 'object' && body !== null ? (body as { message?: string; reason?: string }) : {};
  const reason = status.reason || (httpStatus === 404 ? 'NotFound' : `HTTP ${httpStatus}`);
  return new ApiError(httpStatus, reason, status.message || `${what}: the API server answered ${httpStatus}`);
}

/** Admission says no with the same 403 as RBAC; its sentence comes after these words. */
const DENIED = /denied (?:the )?request:\s*/;

/** An error as the functions here throw it: what is missing, and what admission or the schema refuses, have classes of their own. */
export function translated(error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const { status, reason, message } = error;
  if (status === 404) return new NotFound(reason, message, { cause: error });
  const denial = DENIED.exec(message);
  if (denial) return new Refused(reason, message.slice(denial.index + denial[0].length), { cause: error });
  if (status === 422) return new Refused(reason, message, { cause: error });
  return error;
}
