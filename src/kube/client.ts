import type { KubeList, KubeObject, ObjectRef, Resource, WatchEvent } from './types.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** How long the call may take in all, retries included. Default: the client's (30 s). */
  timeoutMs?: number;
}

export interface WriteOptions extends CallOptions {
  /** Such as `status`. */
  subresource?: string;
  /** Who the fields written belong to, in server-side apply's books. */
  fieldManager?: string;
  /** What the server does about fields the schema doesn't have. Default: the server's (`Warn`). */
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Go through admission and validation and persist nothing. */
  dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  fieldManager: string;
  /** Take fields over from other managers rather than fail with a conflict. Default false. */
  force?: boolean;
}

export interface Selection {
  /** All namespaces when absent. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface ListOptions extends Selection, CallOptions {
  /** At most so many items a page; the rest behind `continue`. */
  limit?: number;
  continue?: string;
  /** Absent: the most recent. `0`: whatever the server has at hand. */
  resourceVersion?: string;
  resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends Selection {
  signal?: AbortSignal;
  /** Start after this version. Absent: the server sends what there is first, then changes. */
  resourceVersion?: string;
  resourceVersionMatch?: 'NotOlderThan';
  /** The server ends the watch after so long. */
  timeoutSeconds?: number;
  /** Ask for BOOKMARK events. Default true. */
  allowWatchBookmarks?: boolean;
  /** WatchList (KEP-3157): first the whole collection as ADDED events, closed by a bookmark annotated `k8s.io/initial-events-end`. */
  sendInitialEvents?: boolean;
  /** false: `metadata.managedFields` comes empty, whatever the server has, which spares much of the reading. Default true. */
  managedFields?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** The delete fails with a conflict unless the object still is this one. */
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  gracePeriodSeconds?: number;
}

/** What a partial object may look like in a merge patch (RFC 7386): `null` removes a field. */
export type MergePatch = Record<string, unknown>;

/**
 * Calls to one API server, objects being raw JSON both ways.
 *
 * Every method rejects with a `KubeError` (see errors.ts), except when the caller's signal ended it: then with that signal's reason.
 * A 429 is retried as the server asks, and so is a 503 or a broken connection where repeating can do no harm, within the call's time-out.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource, ref: ObjectRef, options?: CallOptions & { subresource?: string }): Promise<T>;
  /** One page; see `listAll`. */
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<KubeList<T>>;
  /** All pages, `limit` (default 500) at a time; started over as one single list when a page has expired meanwhile. */
  listAll<T extends KubeObject>(resource: Resource, options?: Omit<ListOptions, 'continue'>): Promise<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** PUT. With `metadata.resourceVersion` it is a compare and swap: a conflict when someone else wrote since. */
  replace<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  patchMerge<T extends KubeObject>(resource: Resource, ref: ObjectRef, patch: MergePatch, options?: WriteOptions): Promise<T>;
  /** Server-side apply: the object holds exactly the fields that `fieldManager` wants to own. */
  apply<T extends KubeObject>(resource: Resource, object: KubeObject, options: ApplyOptions): Promise<T>;
  /** Resolves once the server has accepted it; finalizers may still hold the object. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Raw events until the server ends the stream, the connection breaks (a KubeError) or the signal aborts (its reason is thrown). */
  watch<T extends KubeObject>(resource: Resource, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** GET of a path that is no resource, such as `/version`; the body as text. */
  getText(path: string, options?: CallOptions): Promise<string>;
  /** Closes the connections that are kept open. Calls under way fail. */
  close(): Promise<void>;
}
