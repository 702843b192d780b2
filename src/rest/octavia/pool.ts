import * as z from 'zod';
import { LbAlgorithm, type Listener, type LoadBalancer, Pool, PoolProtocol, PoolTls, SessionPersistence } from '../../api/index.ts';
import { Bool, oneOf, Project, Reference, Tags, Text } from './body.ts';
import { changed, type Draft, note, settled, swap, withChild } from './change.ts';
import { conflict, invalid, quotaMet, unsupported } from './fault.ts';
import { read, write } from './fields.ts';
import { addHealthMonitor, HealthMonitorInPool } from './healthmonitor.ts';
import { findListener, findPool, idOf, pathOf } from './ids.ts';
import { requireVersions } from './listener-tls.ts';
import { addMembers, MemberCreate } from './member.ts';
import { keyFor } from './names.ts';
import { poolsOf } from './statuses.ts';
import { TlsSettings } from './tls.ts';
import { Common, commonOf, Id, nameOf, type View } from './view.ts';

const Persistence = {
  cookie_name: z.string().nullish(),
  persistence_timeout: z.int().nullish(),
  persistence_granularity: z.string().nullish(),
};
const PersistenceType = oneOf(SessionPersistence.shape.type.options);

const Settings = {
  name: Text,
  description: Text,
  admin_state_up: Bool,
  tags: Tags,
  tls_enabled: Bool,
  tls_container_ref: Reference,
  ca_tls_container_ref: Reference,
  crl_container_ref: Reference,
  ...TlsSettings,
};

/** A pool among others in one call: all of it, or the name alone of one that stands elsewhere in the call. */
export const PoolInTree = z.strictObject({
  ...Settings,
  protocol: oneOf(PoolProtocol.options).nullish(),
  lb_algorithm: oneOf(LbAlgorithm.options).nullish(),
  session_persistence: z.strictObject({ type: PersistenceType, ...Persistence }).nullish(),
  members: z.array(MemberCreate).nullish(),
  healthmonitor: HealthMonitorInPool.nullish(),
});
export type PoolInTree = z.infer<typeof PoolInTree>;

/** Body of `POST /v2.0/lbaas/pools`, below `pool`: of the load balancer, or of one of its listeners, whose default pool it becomes. */
export const PoolCreate = PoolInTree.extend({
  protocol: oneOf(PoolProtocol.options),
  lb_algorithm: oneOf(LbAlgorithm.options),
  loadbalancer_id: Reference,
  listener_id: Reference,
  ...Project,
});
export type PoolCreate = z.infer<typeof PoolCreate>;

/** Body of `PUT /v2.0/lbaas/pools/{id}`, below `pool`. */
export const PoolUpdate = z.strictObject({
  ...Settings,
  lb_algorithm: oneOf(LbAlgorithm.options).nullish(),
  session_persistence: z.strictObject({ type: PersistenceType.nullish(), ...Persistence }).nullish(),
});
export type PoolUpdate = z.infer<typeof PoolUpdate>;

export const PoolResponse = z.object({
  ...Common,
  name: z.string(),
  description: z.string(),
  protocol: z.string(),
  lb_algorithm: z.string(),
  session_persistence: z
    .object({
      type: z.string(),
      cookie_name: z.string().nullable(),
      persistence_timeout: z.int().nullable(),
      persistence_granularity: z.string().nullable(),
    })
    .nullable(),
  loadbalancers: z.array(Id),
  listeners: z.array(Id),
  members: z.array(Id),
  healthmonitor_id: z.string().nullable(),
  tls_enabled: z.boolean(),
  tls_container_ref: z.string().nullable(),
  ca_tls_container_ref: z.string().nullable(),
  crl_container_ref: z.string().nullable(),
  tls_ciphers: z.string().nullable(),
  tls_versions: z.array(z.string()),
  alpn_protocols: z.array(z.string()),
});
export type PoolResponse = z.infer<typeof PoolResponse>;

const REFERENCES = ['tls_container_ref', 'ca_tls_container_ref', 'crl_container_ref'] as const;
const TLS_FIELDS = ['tls_enabled', ...REFERENCES, 'tls_ciphers', 'tls_versions', 'alpn_protocols'] as const;

/** The pool as Octavia shows it. */
export function poolOf(view: View, pool: Pool): PoolResponse {
  const { loadBalancer } = view;
  const [path, persistence] = [pathOf.pool(pool), pool.sessionPersistence];
  return {
    ...commonOf(view, path),
    ...view.statuses.pool(pool),
    ...read(pool, ['admin_state_up', 'protocol', 'lb_algorithm']),
    name: nameOf(view, path, pool.name),
    description: pool.description ?? '',
    session_persistence: persistence
      ? { type: persistence.type, cookie_name: persistence.cookieName ?? null, persistence_timeout: null, persistence_granularity: null }
      : null,
    loadbalancers: [{ id: loadBalancer.metadata.uid! }],
    listeners: (loadBalancer.spec.listeners ?? [])
      .filter((listener) => poolsOf(listener).includes(pool.name))
      .map((listener) => ({ id: idOf(loadBalancer, pathOf.listener(listener)) })),
    members: (pool.members ?? []).map((member) => ({ id: idOf(loadBalancer, pathOf.member(pool, member)) })),
    healthmonitor_id: pool.healthMonitor ? idOf(loadBalancer, pathOf.healthmonitor(pool)) : null,
    ...read(pool.tls ?? ({} as Partial<PoolTls>), [...REFERENCES, 'tls_ciphers']),
    tls_enabled: pool.tls?.tlsEnabled ?? false,
    tls_versions: pool.tls?.tlsVersions ?? (pool.tls?.tlsEnabled ? ['TLSv1.2', 'TLSv1.3'] : []),
    alpn_protocols: pool.tls?.alpnProtocols ?? [],
  };
}

/**
 * Which load balancer this is for is the caller's to find: by `loadbalancer_id`, else by `listener_id`.
 * @throws OctaviaFault 400, 403, 404, 409 where the listener has a default pool, 501
 */
export const createPool = (loadBalancer: LoadBalancer, body: PoolCreate): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => {
    if (!body.loadbalancer_id && !body.listener_id) throw invalid('Must provide at least one of: loadbalancer_id, listener_id');
    const listener = body.listener_id ? findListener(draft, body.listener_id) : undefined;
    if (listener?.defaultPool !== undefined) throw conflict('This listener already has a default pool');
    const pool = addPool(draft, body);
    if (listener) {
      requireFit(listener, pool);
      listener.defaultPool = pool.name;
    }
    return pathOf.pool(pool);
  });

const MOST = 64;

/** Adds a pool with its members and health monitor to the draft. @throws OctaviaFault */
export function addPool(draft: Draft, body: PoolInTree): Pool {
  const { spec, notes } = draft;
  const pools = spec.pools ?? [];
  if (pools.length >= MOST) throw quotaMet('Pool', `${MOST} in a load balancer`);
  for (const name of ['protocol', 'lb_algorithm'] as const)
    if (!body[name]) throw invalid(`Pool definition for '${body.name ?? ''}' missing required attribute: ${name}`);
  const { protocol } = body;
  if (protocol === 'UDP' || protocol === 'SCTP')
    throw unsupported(`protocol ${protocol}: HAProxy does not speak it. Use a pool of protocol TCP, HTTP, HTTPS, PROXY or PROXYV2.`);
  const name = keyFor(body.name ?? '', new Set(pools.map((other) => other.name)), 'pool');
  const pool = written({ name }, { ...body, protocol });
  spec.pools = [...pools, pool];
  note(notes, pathOf.pool(pool), { name: body.name ?? '', tags: body.tags ?? [] }, name);
  addMembers(draft, pool, body.members ?? []);
  if (body.healthmonitor) addHealthMonitor(draft, pool, body.healthmonitor);
  return pool;
}

/** @throws OctaviaFault 400, 404, 501 */
export const updatePool = (loadBalancer: LoadBalancer, id: string, body: PoolUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const pool = findPool(draft, id);
    swap(draft.spec.pools!, pool, written({ ...pool }, body));
    note(draft.notes, pathOf.pool(pool), body, pool.name);
  });

/**
 * Deletes a pool with its members and health monitor. A listener whose default pool it is goes on without one, as in Octavia.
 * @throws OctaviaFault 404, 409 where an L7 policy sends to it
 */
export const deletePool = (loadBalancer: LoadBalancer, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { spec } = draft;
    const pool = findPool(draft, id);
    for (const listener of spec.listeners ?? []) {
      const policy = listener.l7Policies?.find(({ redirectPool }) => redirectPool === pool.name);
      if (policy) throw conflict(`Pool ${id} is in use by L7 policy ${idOf(draft, pathOf.l7policy(listener, policy))}`);
      if (listener.defaultPool === pool.name) delete listener.defaultPool;
    }
    spec.pools = spec.pools!.filter((other) => other !== pool);
  });

/** Octavia's VALID_LISTENER_POOL_PROTOCOL_MAP. */
const FITTING: Partial<Record<Listener['protocol'], Pool['protocol'][]>> = {
  TCP: ['HTTP', 'HTTPS', 'PROXY', 'PROXYV2', 'TCP'],
  HTTP: ['HTTP', 'PROXY', 'PROXYV2'],
  HTTPS: ['HTTPS', 'PROXY', 'PROXYV2', 'TCP'],
  TERMINATED_HTTPS: ['HTTP', 'PROXY', 'PROXYV2'],
};

/** @throws OctaviaFault 400 where a listener can't send to such a pool */
export function requireFit({ protocol }: Pick<Listener, 'protocol'>, pool: Pick<Pool, 'protocol'>): void {
  const fitting = FITTING[protocol] ?? [];
  if (!fitting.includes(pool.protocol))
    throw invalid(
      `The pool protocol '${pool.protocol}' is invalid while the listener protocol is '${protocol}'. Use a pool of protocol ${fitting.join(', ')}.`,
    );
}

/** What becomes of a pool when a body is written into it. */
function written(next: Partial<Pool>, body: PoolUpdate & { protocol?: Pool['protocol'] | null }): Pool {
  if (body.lb_algorithm === 'SOURCE_IP_PORT') throw unsupported('lb_algorithm SOURCE_IP_PORT. Use SOURCE_IP.');
  write(next, body, ['description', 'admin_state_up', 'protocol', 'lb_algorithm']);
  writePersistence(next, body.session_persistence);
  writeTls(next, body);
  const pool = settled(Pool, next);
  if (pool.sessionPersistence && pool.sessionPersistence.type !== 'SOURCE_IP' && pool.protocol !== 'HTTP')
    throw invalid(
      `session_persistence of type ${pool.sessionPersistence.type} needs a pool of protocol HTTP, this one has ${pool.protocol}. Use SOURCE_IP.`,
    );
  return pool;
}

function writePersistence(next: Partial<Pool>, body: PoolUpdate['session_persistence']): void {
  if (body === undefined) return;
  if (body === null) {
    delete next.sessionPersistence;
    return;
  }
  if (body.persistence_timeout || body.persistence_granularity)
    throw invalid('persistence_timeout and persistence_granularity is only for UDP and SCTP protocol pools.');
  const type = body.type ?? next.sessionPersistence?.type;
  if (!type) throw invalid('Invalid session_persistence provided: it has no type.');
  // A change of the type leaves nothing of the cookie's name.
  const before = type === next.sessionPersistence?.type ? next.sessionPersistence.cookieName : undefined;
  const cookieName = (body.cookie_name === undefined ? before : body.cookie_name) || undefined;
  if (cookieName !== undefined && type !== 'APP_COOKIE')
    throw invalid('Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".');
  if (cookieName === undefined && type === 'APP_COOKIE')
    throw invalid('Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.');
  next.sessionPersistence = { type, ...(cookieName !== undefined && { cookieName }) };
}

/** A pool that says nothing of TLS has no `tls` at all. */
function writeTls(next: Partial<Pool>, body: PoolUpdate): void {
  const tls: Partial<PoolTls> = { ...(next.tls ?? { tlsEnabled: false }) };
  write(tls, { ...body, tls_enabled: body.tls_enabled === null ? false : body.tls_enabled }, TLS_FIELDS);
  requireVersions(tls.tlsVersions);
  if (tls.crlContainerRef && !tls.caTlsContainerRef) throw invalid('A CA certificate reference is required to specify a revocation list.');
  if (tls.tlsEnabled || Object.keys(tls).length > 1) next.tls = settled(PoolTls, tls);
  else delete next.tls;
}
