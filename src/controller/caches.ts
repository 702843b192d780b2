import type { Amphora, Flavor, FlavorProfile, LoadBalancer, Pool } from '../api/index.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Watched } from '../kube/watched.ts';
import { secretsOfListener, secretsOfPool } from './amphora/configuration.ts';
import type { EndpointSlice, Secret, Service, Sources } from './amphora/sources.ts';
import type { Latest } from './latest.ts';

type Cache<T> = Omit<Watched<T>, 'onEvent'>;
type Ahead<T extends KubeObject> = Cache<T> & Pick<Latest<T>, 'saw'>;

/** What the controllers know of the cluster without asking it. */
export interface Caches {
  loadBalancers: Ahead<LoadBalancer>;
  amphorae: Ahead<Amphora>;
  flavors: Cache<Flavor>;
  flavorProfiles: Cache<FlavorProfile>;
  secrets: Cache<Secret>;
  services: Cache<Service>;
  endpointSlices: Cache<EndpointSlice>;
}

const inNamespace = (object: { metadata: { namespace?: string } }, names: Iterable<string>) =>
  [...new Set(names)].map((n) => `${object.metadata.namespace}/${n}`);

/** Where the index `flavor` has load balancers that name none and have none; no flavor has this name. */
export const NO_FLAVOR = '';

/** Index functions, by cache: how an event of one object finds the others that it concerns. */
export const INDEXES = {
  loadBalancers: {
    flavor: (lb: LoadBalancer) => {
      const { flavorId, operation } = lb.status ?? {};
      const ids = [lb.spec.flavorId, flavorId, operation?.to].filter((id) => id !== undefined);
      return ids.length > 0 ? [...new Set(ids)] : [NO_FLAVOR];
    },
    secret: (lb: LoadBalancer) =>
      inNamespace(
        lb,
        [...(lb.spec.listeners ?? []).flatMap(secretsOfListener), ...(lb.spec.pools ?? []).flatMap(secretsOfPool)].map(([name]) => name),
      ),
    service: (lb: LoadBalancer) =>
      inNamespace(
        lb,
        (lb.spec.pools ?? []).flatMap((p: Pool) => (p.service ? [p.service.name] : [])),
      ),
  },
  amphorae: { loadBalancer: (a: Amphora) => inNamespace(a, [a.spec.loadBalancer.uid]) },
  flavors: { profile: (f: Flavor) => [f.spec.flavorProfile] },
  endpointSlices: {
    service: (s: EndpointSlice) => inNamespace(s, [s.metadata.labels?.['kubernetes.io/service-name'] ?? ''].filter(Boolean)),
  },
};

/** A load balancer's amphorae, in its own namespace as all that is its own. */
export const amphoraeOf = (
  { amphorae }: { amphorae: Cache<Amphora> },
  { namespace, uid }: { namespace?: string; uid?: string },
): Amphora[] => amphorae.byIndex('loadBalancer', `${namespace}/${uid}`);

/** All amphorae of an amphora's load balancer, itself among them. */
export const sistersOf = (caches: { amphorae: Cache<Amphora> }, { metadata, spec }: Amphora): Amphora[] =>
  amphoraeOf(caches, { namespace: metadata.namespace, uid: spec.loadBalancer.uid });

/** A load balancer's Secrets, Services and endpoints: those of its own namespace alone. */
export function sourcesOf(caches: Pick<Caches, 'secrets' | 'services' | 'endpointSlices'>, namespace: string): Sources {
  return {
    secret: (name) => caches.secrets.get(`${namespace}/${name}`),
    service: (name) => caches.services.get(`${namespace}/${name}`),
    endpointSlices: (service) =>
      caches.endpointSlices.byIndex('service', `${namespace}/${service}`).filter((s) => !s.metadata.deletionTimestamp),
  };
}
