import { GROUP, VERSION } from '../api/index.ts';
import type { Resource } from '../kube/types.ts';

const own = (kind: string, plural: string, namespaced: boolean): Resource => ({ group: GROUP, version: VERSION, kind, plural, namespaced });

/** This project's own resources, as the API's paths name them. */
export const loadBalancers = own('LoadBalancer', 'loadbalancers', true);
export const amphorae = own('Amphora', 'amphorae', true);
export const flavors = own('Flavor', 'flavors', false);
export const flavorProfiles = own('FlavorProfile', 'flavorprofiles', false);
