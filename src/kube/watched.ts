import type { KubeObject, Resource } from './types.ts';

/** A collection as last seen by a watch. It may lag behind; objects are shared with all who look, and never written to. */
export interface Watched<T> {
  /** By `namespace/name`, or `name` for what has no namespace. */
  get(key: string): T | undefined;
  list(): T[];
  byIndex(index: string, value: string): T[];
  /** Called after each change: the object as it is, or as it was when it went; `before`: what was known of it. */
  onEvent(handler: (event: { type: 'added' | 'modified' | 'deleted'; object: T; oldObject?: T }) => void): void;
}

/** Has a collection watched, in the namespaces that the operator looks after. `indexes`: under which values an object is found. */
export type Watch = <T extends KubeObject>(
  resource: Resource,
  options?: { labelSelector?: string; indexes?: Record<string, (object: T) => readonly string[]> },
) => Watched<T>;
