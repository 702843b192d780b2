import type { ObjectMeta, OwnerReference } from '../api/meta.ts';

/** The shapes of the Kubernetes API that the project reads and writes: raw JSON, as it comes over the wire. */

/** Which kind of object a request is about, and where it lives in the API's paths. */
export interface Resource {
  /** API group; the empty string is the core group. */
  group: string;
  version: string;
  /** The path segment, such as `loadbalancers`. */
  plural: string;
  kind: string;
  namespaced: boolean;
}

export type { ObjectMeta, OwnerReference };

/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** One page of a list. */
export interface KubeList<T> {
  metadata: {
    /** The version of the whole collection: where a watch starts so as to miss nothing. */
    resourceVersion: string;
    /** Present when there are more pages; handed back to get the next one. */
    continue?: string;
    remainingItemCount?: number;
  };
  items: T[];
}

/** An object's address within its resource. An object's own `metadata` will do. */
export interface ObjectRef {
  name: string;
  /** Required for namespaced resources. */
  namespace?: string;
}

/** The API's answer when it has no object to give: `meta/v1 Status`. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  status?: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
}

/** A raw event of a watch. A bookmark's object carries nothing but its resourceVersion and annotations. */
export type WatchEvent<T> = { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T } | { type: 'ERROR'; object: Status };
