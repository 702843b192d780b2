import type { ObjectMeta } from '../../api/index.ts';

/** A Secret, the fields that are read. Values are base64. */
export interface Secret {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  type?: string;
  data?: Record<string, string>;
}

/** A Service, the fields that are read. */
export interface Service {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: { ipFamilies?: string[]; ports?: { name?: string; port: number; protocol?: string }[] };
}

/** A discovery.k8s.io/v1 EndpointSlice, the fields that are read. */
export interface EndpointSlice {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  endpoints?: { addresses: string[]; conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean } }[];
  ports?: { name?: string; port?: number; protocol?: string }[];
}

/** Where a load balancer's Secrets and endpoints come from: its own namespace, and no other. */
export interface Sources {
  secret(name: string): Secret | undefined;
  service(name: string): Service | undefined;
  endpointSlices(service: string): EndpointSlice[];
}
