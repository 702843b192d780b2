import { API_VERSION, GROUP, VERSION } from '../api/names.ts';
import type {
  AmphoraSpec,
  AmphoraStatus,
  FlavorProfileSpec,
  FlavorSpec,
  FlavorStatus,
  LoadBalancerSpec,
  LoadBalancerStatus,
} from './types.ts';

/** Where the objects of a kind are in the API's paths. */
export interface Resource {
  /** API group; the empty string is the core group. */
  group: string;
  version: string;
  kind: string;
  /** The path segment, such as `loadbalancers`. */
  plural: string;
  namespaced: boolean;
}

/**
 * A moment, in RFC 3339: a string in the API's own JSON, as kubernetes-fluent-client and {@link fromKubeConfig} give it; a `Date` where
 * client-node's typed API has read the object. `new Date(moment)` takes both.
 */
// biome-ignore lint/suspicious/noExplicitAny: the declarations of both clients say Date, whatever they give
export type Moment = any;

/** `metadata` of an object (meta/v1 ObjectMeta): the part that is of use here. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  /** Counts the changes of the spec. */
  generation?: number;
  creationTimestamp?: Moment;
  /** Set once deletion was asked for; finalizers are still to run. */
  deletionTimestamp?: Moment;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  finalizers?: string[];
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean; blockOwnerDeletion?: boolean }[];
  /** Who owns which field, in server-side apply's books. */
  managedFields?: { manager?: string; operation?: string; subresource?: string; fieldsV1?: object; time?: Moment }[];
}

/** An object's address. */
export interface ObjectRef {
  name: string;
  /** Required for what lives in a namespace. */
  namespace?: string;
}

/** A class that stands for a kind: its name and `resource` are for clients, its instances are objects of the kind. */
export type Kind<T = object> = (abstract new () => T) & { readonly resource: Resource };

const own = (kind: string, plural: string, namespaced: boolean): Resource => ({ group: GROUP, version: VERSION, kind, plural, namespaced });

/**
 * A load balancer: a virtual IP address, listeners on it, and pools of members. Its flavor is its size; a change of `spec.flavorId`
 * resizes it live. What clients read are plain objects of this shape, not instances.
 */
export class LoadBalancer {
  static readonly resource: Resource = own('LoadBalancer', 'loadbalancers', true);
  apiVersion: string = API_VERSION;
  kind: string = 'LoadBalancer';
  declare metadata: ObjectMeta;
  declare spec: LoadBalancerSpec;
  declare status?: LoadBalancerStatus;

  /** An object to be created or applied. */
  constructor(fields?: { metadata: ObjectMeta; spec: LoadBalancerSpec }) {
    Object.assign(this, fields);
  }
}

/** A size of load balancer; `metadata.name` is the flavor id. Belongs to the cluster. */
export class Flavor {
  static readonly resource: Resource = own('Flavor', 'flavors', false);
  apiVersion: string = API_VERSION;
  kind: string = 'Flavor';
  declare metadata: ObjectMeta;
  declare spec: FlavorSpec;
  declare status?: FlavorStatus;

  /** An object to be created or applied. */
  constructor(fields?: { metadata: ObjectMeta; spec: FlavorSpec }) {
    Object.assign(this, fields);
  }
}

/** Provider and data of flavors, immutable. Belongs to the cluster; not every user may read it. */
export class FlavorProfile {
  static readonly resource: Resource = own('FlavorProfile', 'flavorprofiles', false);
  apiVersion: string = API_VERSION;
  kind: string = 'FlavorProfile';
  declare metadata: ObjectMeta;
  declare spec: FlavorProfileSpec;

  /** An object to be created or applied. */
  constructor(fields?: { metadata: ObjectMeta; spec: FlavorProfileSpec }) {
    Object.assign(this, fields);
  }
}

/** One HAProxy instance of a load balancer. The operator alone writes it. */
export class Amphora {
  static readonly resource: Resource = own('Amphora', 'amphorae', true);
  apiVersion: string = API_VERSION;
  kind: string = 'Amphora';
  declare metadata: ObjectMeta;
  declare spec: AmphoraSpec;
  declare status?: AmphoraStatus;
}

/**
 * Makes the kinds known to kubernetes-fluent-client, once, so that `K8s(LoadBalancer)` finds them.
 *
 * @param RegisterKind kubernetes-fluent-client's
 * @throws Error of kubernetes-fluent-client when another kind of one of these names is registered already
 */
export function registerKinds(
  RegisterKind: (model: Kind, kind: { group: string; version: string; kind: string; plural: string }) => void,
): void {
  for (const model of [LoadBalancer, Flavor, FlavorProfile, Amphora]) {
    const { group, version, kind, plural } = model.resource;
    RegisterKind(model, { group, version, kind, plural });
  }
}
