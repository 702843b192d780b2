import * as z from 'zod';
import { InsertHeaders, Listener, ListenerProtocol, ListenerTls, type LoadBalancer } from '../../api/index.ts';
import { isCidr } from '../../provider/amphora/haproxy/address.ts';
import { Bool, integer, oneOf, Port, Project, Reference, Tags, Text } from './body.ts';
import { changed, type Draft, note, settled, swap, withChild } from './change.ts';
import { conflict, invalidInput, invalidOption, quotaMet, unsupported } from './fault.ts';
import { read, write } from './fields.ts';
import { findListener, findPool, idOf, pathOf } from './ids.ts';
import { addL7Policy, L7PolicyInTree, orderedPolicies } from './l7policy.ts';
import { TLS_REFERENCES, writeListenerTls } from './listener-tls.ts';
import { keyFor } from './names.ts';
import { PoolInTree, requireFit } from './pool.ts';
import { addPools, type PoolKeys, poolKey } from './pools.ts';
import { TlsSettings } from './tls.ts';
import { Common, commonOf, Id, nameOf, type View } from './view.ts';

const Milliseconds = integer(0, 31_536_000_000).nullish();

const Settings = {
  name: Text,
  description: Text,
  admin_state_up: Bool,
  connection_limit: integer(-1, 1_000_000).nullish(),
  default_pool_id: Reference,
  insert_headers: z.record(z.string(), z.string()).nullish(),
  timeout_client_data: Milliseconds,
  timeout_member_connect: Milliseconds,
  timeout_member_data: Milliseconds,
  timeout_tcp_inspect: Milliseconds,
  allowed_cidrs: z.array(z.string()).nullish(),
  default_tls_container_ref: Reference,
  sni_container_refs: z.array(z.string()).nullish(),
  client_authentication: oneOf(ListenerTls.shape.clientAuthentication.unwrap().options).nullish(),
  client_ca_tls_container_ref: Reference,
  client_crl_container_ref: Reference,
  ...TlsSettings,
  hsts_max_age: integer(0, 2_147_483_647).nullish(),
  hsts_include_subdomains: Bool,
  hsts_preload: Bool,
  tags: Tags,
};

/** A listener among others in one call. */
export const ListenerInTree = z.strictObject({
  ...Settings,
  protocol: oneOf(ListenerProtocol.options),
  protocol_port: Port,
  default_pool: PoolInTree.nullish(),
  l7policies: z.array(L7PolicyInTree).nullish(),
});
export type ListenerInTree = z.infer<typeof ListenerInTree>;

/** Body of `POST /v2.0/lbaas/listeners`, below `listener`. */
export const ListenerCreate = ListenerInTree.extend({ loadbalancer_id: z.string(), ...Project });
export type ListenerCreate = z.infer<typeof ListenerCreate>;

/** Body of `PUT /v2.0/lbaas/listeners/{id}`, below `listener`. */
export const ListenerUpdate = z.strictObject(Settings);
export type ListenerUpdate = z.infer<typeof ListenerUpdate>;

export const ListenerResponse = z.object({
  ...Common,
  name: z.string(),
  description: z.string(),
  protocol: z.string(),
  protocol_port: z.int(),
  connection_limit: z.int(),
  default_pool_id: z.string().nullable(),
  l7policies: z.array(Id),
  loadbalancers: z.array(Id),
  insert_headers: z.record(z.string(), z.string()),
  timeout_client_data: z.int(),
  timeout_member_connect: z.int(),
  timeout_member_data: z.int(),
  timeout_tcp_inspect: z.int(),
  allowed_cidrs: z.array(z.string()).nullable(),
  default_tls_container_ref: z.string().nullable(),
  sni_container_refs: z.array(z.string()),
  client_authentication: z.string(),
  client_ca_tls_container_ref: z.string().nullable(),
  client_crl_container_ref: z.string().nullable(),
  tls_ciphers: z.string().nullable(),
  tls_versions: z.array(z.string()),
  alpn_protocols: z.array(z.string()),
  hsts_max_age: z.int().nullable(),
  hsts_include_subdomains: z.boolean(),
  hsts_preload: z.boolean(),
});
export type ListenerResponse = z.infer<typeof ListenerResponse>;

const TIMEOUTS = ['timeout_client_data', 'timeout_member_connect', 'timeout_member_data', 'timeout_tcp_inspect'] as const;

/** The listener as Octavia shows it. Where TLS is left to the defaults, these are shown. */
export function listenerOf(view: View, listener: Listener): ListenerResponse {
  const { loadBalancer } = view;
  const { tls, defaultPool, insertHeaders = {} } = listener;
  const path = pathOf.listener(listener);
  return {
    ...commonOf(view, path),
    ...view.statuses.listener(listener),
    ...read(listener, ['admin_state_up', 'protocol', 'protocol_port', 'connection_limit', ...TIMEOUTS]),
    ...read(tls ?? ({} as Partial<ListenerTls>), [...TLS_REFERENCES, 'tls_ciphers', 'hsts_max_age']),
    name: nameOf(view, path, listener.name),
    description: listener.description ?? '',
    default_pool_id: defaultPool === undefined ? null : idOf(loadBalancer, pathOf.pool({ name: defaultPool })),
    l7policies: orderedPolicies(listener).map((policy) => ({ id: idOf(loadBalancer, pathOf.l7policy(listener, policy)) })),
    loadbalancers: [{ id: loadBalancer.metadata.uid! }],
    insert_headers: Object.fromEntries(Object.entries(insertHeaders).map(([header, on]) => [header, String(on)])),
    allowed_cidrs: listener.allowedCidrs?.length ? listener.allowedCidrs : null,
    sni_container_refs: tls?.sniContainerRefs ?? [],
    client_authentication: tls?.clientAuthentication ?? 'NONE',
    tls_versions: tls ? (tls.tlsVersions ?? ['TLSv1.2', 'TLSv1.3']) : [],
    alpn_protocols: tls ? (tls.alpnProtocols ?? ['h2', 'http/1.1']) : [],
    hsts_include_subdomains: tls?.hstsIncludeSubdomains ?? false,
    hsts_preload: tls?.hstsPreload ?? false,
  };
}

/** @throws OctaviaFault 400, 403, 404, 409 where another listener has the port, 501 */
export const createListener = (loadBalancer: LoadBalancer, body: ListenerCreate): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => addListener(draft, body, addPools(draft, [], [body])));

const MOST = 64;
/** Ports by which the operator and the amphorae speak to each other. */
const RESERVED = { first: 61_025, last: 61_028 };

/**
 * Adds a listener with its L7 policies to the draft, and says its path.
 * @param pools the pools of the same call, which are there already
 * @throws OctaviaFault
 */
export function addListener(draft: Draft, body: ListenerInTree, pools: PoolKeys): string {
  const { spec, notes } = draft;
  const listeners = spec.listeners ?? [];
  const { protocol, protocol_port: port } = body;
  if (protocol === 'UDP' || protocol === 'SCTP' || protocol === 'PROMETHEUS')
    throw unsupported(`protocol ${protocol}: HAProxy has no such listeners here. Use TCP, HTTP, HTTPS or TERMINATED_HTTPS.`);
  const other = listeners.find(({ protocolPort }) => protocolPort === port);
  if (other) throw conflict(`Another Listener on this Load Balancer is already using protocol ${other.protocol} and protocol_port ${port}`);
  if (port >= RESERVED.first && port <= RESERVED.last)
    throw invalidInput(
      'protocol_port',
      port,
      `Ports ${RESERVED.first} to ${RESERVED.last} are those by which the operator and the amphorae speak to each other: choose another.`,
    );
  if (listeners.length >= MOST) throw quotaMet('Listener', `${MOST} in a load balancer`);
  const name = keyFor(body.name ?? '', new Set(listeners.map((one) => one.name)), `listener-${port}`);
  const listener = written(draft, { name, protocol, protocolPort: port }, body, poolKey(body.default_pool, pools));
  spec.listeners = [...listeners, listener];
  const path = pathOf.listener(listener);
  note(notes, path, { name: body.name ?? '', tags: body.tags ?? [] }, name);
  for (const policy of body.l7policies ?? []) addL7Policy(draft, listener, policy, pools);
  return path;
}

/** @throws OctaviaFault 400, 404, 501 */
export const updateListener = (loadBalancer: LoadBalancer, id: string, body: ListenerUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const listener = findListener(draft, id);
    swap(draft.spec.listeners!, listener, written(draft, { ...listener }, body));
    note(draft.notes, pathOf.listener(listener), body, listener.name);
  });

/** Deletes a listener with its L7 policies; pools stay. @throws OctaviaFault 404 */
export const deleteListener = (loadBalancer: LoadBalancer, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const listener = findListener(draft, id);
    draft.spec.listeners = draft.spec.listeners!.filter((other) => other !== listener);
  });

/** What becomes of a listener when a body is written into it. `pool`: key of the pool that the body names otherwise than by id. */
function written(draft: Draft, next: Partial<Listener>, body: ListenerUpdate, pool?: string): Listener {
  const { insert_headers: headers, allowed_cidrs: cidrs, default_pool_id: poolId } = body;
  write(next, body, ['description', 'admin_state_up', 'connection_limit', ...TIMEOUTS]);
  if (next.connectionLimit === 0)
    throw invalidInput('connection_limit', 0, 'Value should be -1 (as many as the flavor allows) or at least 1.');
  if (pool !== undefined) next.defaultPool = pool;
  else if (poolId) next.defaultPool = findPool(draft, poolId).name;
  else if (poolId !== undefined) delete next.defaultPool;
  if (next.defaultPool !== undefined) requireFit(next as Listener, draft.spec.pools!.find(({ name }) => name === next.defaultPool)!);
  if (headers !== undefined) next.insertHeaders = headersFor(headers ?? {}, next.protocol!);
  if (cidrs !== undefined) next.allowedCidrs = cidrs?.length ? [...new Set(cidrs.map(cidrFor))] : undefined;
  for (const name of ['insertHeaders', 'allowedCidrs'] as const) if (next[name] === undefined) delete next[name];
  writeListenerTls(next, body);
  return settled(Listener, next);
}

/** An address alone is a network of one, as in Octavia. */
function cidrFor(cidr: string): string {
  const whole = cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`;
  if (!isCidr(whole)) throw invalidInput('allowed_cidrs', cidr, 'Value should be IPv4 or IPv6 CIDR format.');
  return whole;
}

function headersFor(headers: Record<string, string>, protocol: Listener['protocol']): InsertHeaders | undefined {
  const names = Object.keys(headers);
  if (names.length === 0) return undefined;
  if (protocol !== 'HTTP' && protocol !== 'TERMINATED_HTTPS') throw invalidOption('insert-headers', `a ${protocol} protocol listener.`);
  const known = Object.keys(InsertHeaders.shape);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) throw invalidOption(unknown, `insert_headers. Use ${known.join(', ')}.`);
  const ofTls = names.filter((name) => name.startsWith('X-SSL-'));
  if (protocol === 'HTTP' && ofTls.length > 0) throw invalidOption(ofTls.join(', '), `${protocol} protocol listener.`);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (!/^(true|false)$/i.test(value)) throw invalidInput('insert_headers', `${name}=${value}`, 'Value should be one of: true, false.');
      return [name, value.toLowerCase() === 'true'];
    }),
  );
}
