import type { EndpointSlice, Secret, Service } from '../../provider/amphora/kubernetes/objects.ts';

export type { EndpointSlice, Secret, Service };

/** Where a load balancer's Secrets and endpoints come from: its own namespace, and no other. */
export interface Sources {
  secret(name: string): Secret | undefined;
  service(name: string): Service | undefined;
  endpointSlices(service: string): EndpointSlice[];
}
