import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import { type LoadBalancer, Member, type Pool } from '../../api/index.ts';
import { Bool, IpAddress, integer, Port, Project, Reference, Tags, Text } from './body.ts';
import { changed, type Draft, note, settled, swap, withChild } from './change.ts';
import { conflict, invalid, invalidOption, OctaviaFault, quotaMet, unsupported } from './fault.ts';
import { read, write } from './fields.ts';
import { findMember, findPool, idOf, pathOf } from './ids.ts';
import { Common, commonOf, type View } from './view.ts';

const Settings = {
  name: Text,
  admin_state_up: Bool,
  weight: integer(0, 256).nullish(),
  backup: Bool,
  monitor_address: IpAddress.nullish(),
  monitor_port: Port.nullish(),
  tags: Tags,
};

/** Body of `POST /v2.0/lbaas/pools/{pool_id}/members`, below `member`; and of an element of `members` wherever there are any. */
export const MemberCreate = z.strictObject({
  address: IpAddress,
  protocol_port: Port,
  ...Settings,
  ...Project,
  subnet_id: Reference,
  request_sriov: Bool,
});
export type MemberCreate = z.infer<typeof MemberCreate>;

/** Body of `PUT /v2.0/lbaas/pools/{pool_id}/members/{id}`, below `member`. */
export const MemberUpdate = z.strictObject(Settings);
export type MemberUpdate = z.infer<typeof MemberUpdate>;

export const MemberResponse = z.object({
  ...Common,
  name: z.string(),
  address: z.string(),
  protocol_port: z.int(),
  weight: z.int(),
  backup: z.boolean(),
  monitor_address: z.string().nullable(),
  monitor_port: z.int().nullable(),
  subnet_id: z.string().nullable(),
  vnic_type: z.string(),
});
export type MemberResponse = z.infer<typeof MemberResponse>;

const FIELDS = ['admin_state_up', 'weight', 'backup', 'monitor_address', 'monitor_port'] as const;

/** The member as Octavia shows it. */
export const memberOf = (view: View, pool: Pool, member: Member): MemberResponse => ({
  ...commonOf(view, pathOf.member(pool, member)),
  ...view.statuses.member(pool, member),
  ...read(member, FIELDS),
  ...read(member, ['address', 'protocol_port']),
  name: member.name ?? '',
  subnet_id: null,
  vnic_type: 'normal',
});

/** @throws OctaviaFault 400, 404, 403 where the pool is full, 409 where it has the member or takes its members from a Service, 501 */
export const createMember = (loadBalancer: LoadBalancer, poolId: string, body: MemberCreate): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => {
    const pool = findPool(draft, poolId);
    refuseService(draft, pool);
    addMembers(draft, pool, [body]);
    return pathOf.member(pool, pool.members!.at(-1)!);
  });

const MOST = 512;

/** Adds members to a pool of the draft, in their order. @throws OctaviaFault */
export function addMembers({ notes }: Draft, pool: Pool, bodies: readonly MemberCreate[]): void {
  if (bodies.length === 0) return;
  const members = [...(pool.members ?? [])];
  const paths = new Set(members.map((member) => pathOf.member(pool, member)));
  for (const body of bodies) {
    const member = memberFor(body);
    const path = pathOf.member(pool, member);
    if (paths.has(path))
      throw conflict(`Another member on this pool is already using ip ${body.address} on protocol_port ${body.protocol_port}`);
    if (members.length >= MOST) throw quotaMet('Member', `${MOST} in a pool`);
    paths.add(path);
    members.push(member);
    note(notes, path, { tags: body.tags ?? [] });
  }
  pool.members = members;
}

/** @throws OctaviaFault 404 */
export const updateMember = (loadBalancer: LoadBalancer, poolId: string, id: string, body: MemberUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { pool, member } = findMember(draft, poolId, id);
    const next = { ...member };
    write(next, body, ['name', ...FIELDS]);
    refuseNoHost(body.monitor_address);
    swap(pool.members!, member, settled(Member, next));
    note(draft.notes, pathOf.member(pool, member), { tags: body.tags });
  });

/** @throws OctaviaFault 404 */
export const deleteMember = (loadBalancer: LoadBalancer, poolId: string, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { pool, member } = findMember(draft, poolId, id);
    pool.members = pool.members!.filter((other) => other !== member);
  });

/**
 * `PUT /v2.0/lbaas/pools/{pool_id}/members`: the pool has these members afterwards, beside those that it had where `additiveOnly`. Members that
 * stay keep their ids; what the body does not say of them goes back to the default, but for name and tags.
 *
 * @throws OctaviaFault 400, 403, 404, 409, 501
 */
export const replaceMembers = (
  loadBalancer: LoadBalancer,
  poolId: string,
  bodies: readonly MemberCreate[],
  { additiveOnly }: { additiveOnly: boolean },
): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const pool = findPool(draft, poolId);
    if (bodies.length > 0) refuseService(draft, pool);
    const before = new Map((pool.members ?? []).map((member) => [pathOf.member(pool, member), member]));
    const updates = new Map<string, MemberCreate>();
    const additions: MemberCreate[] = [];
    for (const body of bodies) {
      const path = pathOf.member(pool, { address: body.address, protocolPort: body.protocol_port });
      if (updates.has(path)) throw invalid('Member must be updated only once in the same request.');
      if (before.has(path)) updates.set(path, body);
      else additions.push(body);
    }
    pool.members = [...before].flatMap(([path, member]) => {
      const body = updates.get(path);
      if (!body) return additiveOnly ? member : [];
      note(draft.notes, path, { tags: body.tags });
      return memberFor({ ...body, address: member.address, name: body.name === undefined ? member.name : body.name });
    });
    addMembers(draft, pool, additions);
  });

function memberFor(body: MemberCreate): Member {
  refuseNoHost(body.address);
  refuseNoHost(body.monitor_address);
  if (body.subnet_id) throw unsupported('subnet_id: amphorae reach members by the routes of the cluster. Leave it out.');
  if (body.request_sriov) throw new OctaviaFault(400, 'The load balancer flavor does not allow SR-IOV member ports.');
  const member = {};
  write(member, body, ['address', 'protocol_port', 'name', ...FIELDS]);
  return settled(Member, member);
}

/** Addresses of no one host: unspecified, multicast, broadcast. */
const NO_HOST = new BlockList();
NO_HOST.addAddress('0.0.0.0');
NO_HOST.addAddress('255.255.255.255');
NO_HOST.addSubnet('224.0.0.0', 4);
NO_HOST.addAddress('::', 'ipv6');
NO_HOST.addSubnet('ff00::', 8, 'ipv6');

function refuseNoHost(address: string | null | undefined): void {
  if (address && NO_HOST.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'))
    throw invalidOption(address, 'member address: it must be the address of one host');
}

function refuseService(loadBalancer: LoadBalancer, pool: Pool): void {
  if (!pool.service) return;
  const id = idOf(loadBalancer, pathOf.pool(pool));
  throw conflict(
    `Pool ${id} is in use and cannot be modified: its members are the endpoints of Service ${pool.service.name}. Change that, or take \`service\` from the pool ${pool.name} in the LoadBalancer.`,
  );
}
