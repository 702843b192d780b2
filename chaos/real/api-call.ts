import type { LoadBalancer, LoadBalancerStatus } from '../../src/api/index.ts';

/** One request to the API server, as much of it as faults are chosen by. */
export interface Call {
  method: string;
  /** With its query. */
  path: string;
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'other';
  /** Plural, such as `loadbalancers`; empty for a path that is no resource. */
  resource: string;
  subresource: string;
  /** Empty for what is in no namespace, and for all of them. */
  namespace: string;
  /** Empty in lists, watches and creates. */
  name: string;
  body: string;
  /** The header Authorization. */
  authorization: string;
}

/** Whether it changes something that the operator works with: all but Events, which nobody reads back, and Leases. */
export const isWrite = ({ verb, resource }: Call): boolean =>
  ['create', 'update', 'patch', 'delete'].includes(verb) && resource !== 'events' && resource !== 'leases';

/** Whether it is the operator's word on a load balancer. */
export const isStatusOfLoadBalancer = ({ verb, resource, subresource }: Call): boolean =>
  verb === 'update' && resource === 'loadbalancers' && subresource === 'status';

/** What such a call has the status be: the operator replaces it as a whole. */
export const statusWritten = ({ body }: Pick<Call, 'body'>): Partial<LoadBalancerStatus> =>
  (JSON.parse(body) as Pick<LoadBalancer, 'status'>).status ?? {};

/** Which call it is, in words: `update loadbalancers/status a/web`. */
export const describeCall = ({ verb, resource, subresource, namespace, name }: Call): string =>
  [verb, [resource, subresource].filter(Boolean).join('/'), [namespace, name].filter(Boolean).join('/')].filter(Boolean).join(' ');

/** Reads a request's method and path, see "API concepts" in Kubernetes' documentation. */
export function parseCall(method: string, path: string, body: string, authorization = ''): Call {
  const url = new URL(path, 'https://api');
  const [, group = '', ...rest] = url.pathname.split('/');
  const parts = group === 'apis' ? rest.slice(2) : group === 'api' ? rest.slice(1) : [];
  const namespaced = parts[0] === 'namespaces' && parts.length > 2;
  const namespace = namespaced ? parts[1]! : '';
  const [resource = '', name = '', subresource = ''] = namespaced ? parts.slice(2) : parts;
  return { method, path, verb: verbOf(method, resource, name, url), resource, subresource, namespace, name, body, authorization };
}

function verbOf(method: string, resource: string, name: string, url: URL): Call['verb'] {
  if (resource === '') return 'other';
  if (method === 'GET')
    return url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1' ? 'watch' : name ? 'get' : 'list';
  return ({ POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' } as const)[method] ?? 'other';
}
