import type { Pool, Reason } from '../../api/index.ts';
import type { MemberServer } from '../../provider/amphora/configuration.ts';
import type { EndpointSlice, Sources } from './sources.ts';

/** The members of a pool: its own, or the endpoints of its Service. Unique by address and port, sorted by them. */
export function membersOf(pool: Pool, sources: Sources): { servers: MemberServer[]; problem?: { reason: Reason; message: string } } {
  const found = pool.service ? ofService(pool, pool.service, sources) : { servers: ofMembers(pool) };
  // An address may stand in two slices while it moves: where one has it ready, it is.
  const byReadiness = [...found.servers].sort((a, b) => Number(b.draining) - Number(a.draining));
  const unique = new Map(byReadiness.map((server) => [`${server.address} ${String(server.protocolPort).padStart(5, '0')}`, server]));
  return { ...found, servers: [...unique.keys()].sort().map((key) => unique.get(key)!) };
}

const ofMembers = (pool: Pool): MemberServer[] =>
  (pool.members ?? []).map((m) => ({
    address: m.address,
    protocolPort: m.protocolPort,
    weight: m.weight,
    backup: m.backup,
    enabled: m.adminStateUp,
    draining: false,
    ...(m.monitorAddress ? { monitorAddress: m.monitorAddress } : {}),
    ...(m.monitorPort ? { monitorPort: m.monitorPort } : {}),
  }));

function ofService(pool: Pool, service: NonNullable<Pool['service']>, sources: Sources): ReturnType<typeof membersOf> {
  const object = sources.service(service.name);
  const port = object?.spec?.ports?.find((p) => p.port === service.port || (p.name ?? '') === service.port);
  if (!object || !port) {
    const what = object
      ? `Service ${service.name} has no port ${service.port}`
      : `Service ${service.name} does not exist in this namespace`;
    return {
      servers: [],
      problem: {
        reason: 'ServiceNotFound',
        message: `${what}, so pool ${pool.name} has no members: create it, or change the pool's service.`,
      },
    };
  }
  // A dual-stack Service has each endpoint twice: its first family counts.
  const family = object.spec?.ipFamilies?.[0];
  const slices = sources.endpointSlices(service.name).filter((slice) => family === undefined || slice.addressType === family);
  return { servers: slices.flatMap((slice) => ofSlice(slice, port.name ?? '')) };
}

/** KEP-1672: an endpoint that is not ready but serving and terminating ends what it has; any other that is not ready is left out. */
function ofSlice(slice: EndpointSlice, portName: string): MemberServer[] {
  const port = slice.ports?.find((p) => (p.name ?? '') === portName)?.port;
  if (port === undefined || slice.addressType === 'FQDN') return [];
  return (slice.endpoints ?? []).flatMap(({ addresses, conditions = {} }) => {
    const ready = conditions.ready ?? true;
    const draining = !ready && conditions.terminating === true && conditions.serving === true;
    if (!ready && !draining) return [];
    return [{ address: addresses[0]!, protocolPort: port, weight: 1, backup: false, enabled: true, draining }];
  });
}
