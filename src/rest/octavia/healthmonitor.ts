import * as z from 'zod';
import { HealthMonitor, type LoadBalancer, type Pool } from '../../api/index.ts';
import { Bool, integer, oneOf, Project, Tags, Text } from './body.ts';
import { changed, type Draft, note, settled, withChild } from './change.ts';
import { conflict, invalid, invalidOption, unsupported } from './fault.ts';
import { read, write } from './fields.ts';
import { findHealthMonitor, findPool, idOf, pathOf } from './ids.ts';
import { Common, commonOf, Id, nameOf, type View } from './view.ts';

const Seconds = integer(1, 86_400);
const Retries = integer(1, 10);
const { options: METHODS } = HealthMonitor.shape.httpMethod.unwrap();

const Checks = {
  http_method: oneOf(METHODS).nullish(),
  url_path: z.string().nullish(),
  expected_codes: z.string().nullish(),
  http_version: z
    .union([z.literal([1, 1.1]), z.literal(['1.0', '1.1'])], 'Value should be one of: 1.0, 1.1')
    .nullish()
    .meta({ description: '1.0 or 1.1, a number.' }),
  domain_name: z.string().nullish(),
};

/** Body of an element that describes the health monitor of a pool: `healthmonitor` of a pool to be created. */
export const HealthMonitorInPool = z.strictObject({
  name: Text,
  type: oneOf(HealthMonitor.shape.type.options),
  delay: Seconds,
  timeout: Seconds,
  max_retries: Retries,
  max_retries_down: Retries.nullish(),
  admin_state_up: Bool,
  ...Checks,
  tags: Tags,
});
export type HealthMonitorInPool = z.infer<typeof HealthMonitorInPool>;

/** Body of `POST /v2.0/lbaas/healthmonitors`, below `healthmonitor`. */
export const HealthMonitorCreate = HealthMonitorInPool.extend({ pool_id: z.string(), ...Project });
export type HealthMonitorCreate = z.infer<typeof HealthMonitorCreate>;

/** Body of `PUT /v2.0/lbaas/healthmonitors/{id}`, below `healthmonitor`. */
export const HealthMonitorUpdate = z.strictObject({
  name: Text,
  delay: Seconds.nullish(),
  timeout: Seconds.nullish(),
  max_retries: Retries.nullish(),
  max_retries_down: Retries.nullish(),
  admin_state_up: Bool,
  ...Checks,
  tags: Tags,
});
export type HealthMonitorUpdate = z.infer<typeof HealthMonitorUpdate>;

export const HealthMonitorResponse = z.object({
  ...Common,
  name: z.string(),
  type: z.string(),
  delay: z.int(),
  timeout: z.int(),
  max_retries: z.int(),
  max_retries_down: z.int(),
  http_method: z.string().nullable(),
  url_path: z.string().nullable(),
  expected_codes: z.string().nullable(),
  http_version: z.number().nullable(),
  domain_name: z.string().nullable(),
  pools: z.array(Id),
});
export type HealthMonitorResponse = z.infer<typeof HealthMonitorResponse>;

const FIELDS = ['type', 'delay', 'timeout', 'max_retries', 'max_retries_down', 'admin_state_up'] as const;
const HTTP_FIELDS = ['http_method', 'url_path', 'expected_codes'] as const;

const isHttp = ({ type }: Pick<HealthMonitor, 'type'>): boolean => type === 'HTTP' || type === 'HTTPS';

/** The health monitor of a pool as Octavia shows it. What only HTTP and HTTPS monitors have is null for others. */
export function healthMonitorOf(view: View, pool: Pool, healthMonitor: HealthMonitor): HealthMonitorResponse {
  const path = pathOf.healthmonitor(pool);
  const http = isHttp(healthMonitor);
  return {
    ...commonOf(view, path),
    ...view.statuses.switched(healthMonitor.adminStateUp),
    ...read(healthMonitor, FIELDS),
    ...(http ? read(healthMonitor, HTTP_FIELDS) : { http_method: null, url_path: null, expected_codes: null }),
    name: nameOf(view, path, ''),
    http_version: http ? Number(healthMonitor.httpVersion) : null,
    domain_name: healthMonitor.domainName ?? null,
    pools: [{ id: idOf(view.loadBalancer, pathOf.pool(pool)) }],
  };
}

/** @throws OctaviaFault 400, 404, 409 where the pool has one, 501 */
export const createHealthMonitor = (loadBalancer: LoadBalancer, body: HealthMonitorCreate): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => addHealthMonitor(draft, findPool(draft, body.pool_id), body));

/** Gives a pool of the draft its health monitor, and says its path. @throws OctaviaFault */
export function addHealthMonitor({ notes }: Draft, pool: Pool, body: HealthMonitorInPool): string {
  if (pool.healthMonitor) throw conflict('This pool already has a health monitor');
  if (body.type === 'PING')
    throw unsupported('type PING: an amphora may send no ICMP without privileges. Use a health monitor of type TCP.');
  if (body.type === 'UDP-CONNECT' || body.type === 'SCTP')
    throw unsupported(`type ${body.type}: there are no pools of UDP and SCTP. Use a health monitor of type HTTP, HTTPS, TCP or TLS-HELLO.`);
  if (body.domain_name && !body.http_version) throw invalid("'http_version' must be specified when 'domain_name' is provided.");
  pool.healthMonitor = checked({}, body, body);
  const path = pathOf.healthmonitor(pool);
  note(notes, path, { name: body.name ?? '', tags: body.tags ?? [] }, '');
  return path;
}

/** @throws OctaviaFault 400, 404 */
export const updateHealthMonitor = (loadBalancer: LoadBalancer, id: string, body: HealthMonitorUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { pool, healthMonitor } = findHealthMonitor(draft, id);
    for (const name of ['delay', 'timeout', 'max_retries'] as const) if (body[name] === null) throw invalidOption('None', name);
    pool.healthMonitor = checked({ ...healthMonitor }, body, healthMonitor);
    note(draft.notes, pathOf.healthmonitor(pool), body, '');
  });

/** @throws OctaviaFault 404 */
export const deleteHealthMonitor = (loadBalancer: LoadBalancer, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    delete findHealthMonitor(draft, id).pool.healthMonitor;
  });

/** What becomes of a health monitor of this type when a body is written into it. */
function checked(next: Partial<HealthMonitor>, body: HealthMonitorUpdate, type: Pick<HealthMonitor, 'type'>): HealthMonitor {
  const alien = isHttp(type) ? undefined : HTTP_FIELDS.find((name) => body[name]);
  if (alien) throw invalidOption(alien, `health monitors of type ${type.type}`);
  const { http_version: version, expected_codes: codes } = body;
  write(
    next,
    {
      ...body,
      http_version: version && Number(version).toFixed(1),
      // Octavia takes blanks in a list of codes.
      expected_codes: codes?.replaceAll(/\s/g, '') ?? codes,
    },
    [...FIELDS, ...HTTP_FIELDS, 'http_version', 'domain_name'],
  );
  const healthMonitor = settled(HealthMonitor, next);
  if (healthMonitor.timeout > healthMonitor.delay)
    throw invalid(`timeout ${healthMonitor.timeout} must not be longer than delay ${healthMonitor.delay}: lower timeout, or raise delay.`);
  if (healthMonitor.domainName !== undefined && healthMonitor.httpVersion !== '1.1')
    throw invalidOption(`http_version ${healthMonitor.httpVersion}`, 'health monitors HTTP 1.1 domain name health check');
  return healthMonitor;
}
