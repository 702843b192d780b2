import { GROUP, VERSION } from '../api/index.ts';
import type { Resource } from '../kube/types.ts';

const own = (kind: string, plural: string, namespaced: boolean): Resource => ({ group: GROUP, version: VERSION, kind, plural, namespaced });

/** The resources that the controllers read or write, as the API's paths name them. */
export const loadBalancers = own('LoadBalancer', 'loadbalancers', true);
export const amphorae = own('Amphora', 'amphorae', true);
export const flavors = own('Flavor', 'flavors', false);
export const flavorProfiles = own('FlavorProfile', 'flavorprofiles', false);
export const secrets: Resource = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const services: Resource = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true };
export const endpointSlices: Resource = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};
