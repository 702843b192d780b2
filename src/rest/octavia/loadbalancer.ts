import * as z from 'zod';
import { API_VERSION, type LoadBalancer, LoadBalancerSpec } from '../../api/index.ts';
import { Bool, IpAddress, Project, Reference, Tags, Text } from './body.ts';
import { changed, type Draft, settled } from './change.ts';
import { conflict, invalid, OctaviaFault, unsupported } from './fault.ts';
import { write } from './fields.ts';
import type { Flavors } from './flavors.ts';
import { idOf, pathOf } from './ids.ts';
import { addListener, ListenerInTree } from './listener.ts';
import { objectNameFor } from './names.ts';
import { findNetwork, networkOf } from './networks.ts';
import { annotated } from './notes.ts';
import { PoolInTree } from './pool.ts';
import { addPools } from './pools.ts';
import { Common, Id, octaviaTime, projectOf, type View } from './view.ts';

/** Attributes of Octavia's that only say something where there is Neutron; refused in words where they are given. */
const Neutron = { vip_qos_policy_id: Reference, vip_sg_ids: z.array(z.string()).nullish() };

/** Body of `POST /v2.0/lbaas/loadbalancers`, below `loadbalancer`. */
export const LoadBalancerCreate = z.strictObject({
  name: Text,
  description: Text,
  admin_state_up: Bool,
  ...Project,
  flavor_id: Reference.meta({ description: 'Id or name of a flavor; the operator’s default where absent.' }),
  provider: Text,
  vip_address: IpAddress.nullish(),
  vip_network_id: Reference,
  vip_subnet_id: Reference,
  vip_port_id: Reference,
  additional_vips: z.array(z.unknown()).nullish(),
  availability_zone: Text,
  ...Neutron,
  listeners: z.array(ListenerInTree).nullish(),
  pools: z.array(PoolInTree).nullish(),
  tags: Tags,
});
export type LoadBalancerCreate = z.infer<typeof LoadBalancerCreate>;

/** Body of `PUT /v2.0/lbaas/loadbalancers/{id}`, below `loadbalancer`. */
export const LoadBalancerUpdate = z.strictObject({ name: Text, description: Text, admin_state_up: Bool, ...Neutron, tags: Tags });
export type LoadBalancerUpdate = z.infer<typeof LoadBalancerUpdate>;

export const LoadBalancerResponse = z.object({
  ...Common,
  name: z.string(),
  description: z.string(),
  vip_address: z.string().nullable(),
  vip_port_id: z.string().nullable(),
  vip_subnet_id: z.string().nullable(),
  vip_network_id: z.string().nullable(),
  vip_qos_policy_id: z.string().nullable(),
  vip_vnic_type: z.string(),
  vip_sg_ids: z.array(z.string()),
  additional_vips: z.array(z.unknown()),
  listeners: z.array(Id),
  pools: z.array(Id),
  provider: z.string(),
  flavor_id: z.string().nullable().meta({ description: 'The flavor in force; while a resize runs, still the old one.' }),
  availability_zone: z.string().nullable(),
});
export type LoadBalancerResponse = z.infer<typeof LoadBalancerResponse>;

/** The load balancer as Octavia shows it. */
export function loadBalancerOf({ loadBalancer, flavors, statuses }: View): LoadBalancerResponse {
  const { metadata, spec, status } = loadBalancer;
  const network = networkOf(spec.vip);
  const flavor = status?.flavorId ?? spec.flavorId;
  return {
    id: metadata.uid!,
    name: spec.name ?? metadata.name,
    description: spec.description ?? '',
    ...statuses.loadBalancer,
    admin_state_up: spec.adminStateUp,
    ...projectOf(loadBalancer),
    created_at: metadata.creationTimestamp ? octaviaTime(metadata.creationTimestamp) : null,
    updated_at: updatedAt(loadBalancer),
    vip_address: status?.vipAddress ?? spec.vip.address ?? null,
    vip_port_id: null,
    vip_subnet_id: network.subnetId,
    vip_network_id: network.id,
    vip_qos_policy_id: null,
    vip_vnic_type: 'normal',
    vip_sg_ids: [],
    additional_vips: [],
    listeners: (spec.listeners ?? []).map((listener) => ({ id: idOf(loadBalancer, pathOf.listener(listener)) })),
    pools: (spec.pools ?? []).map((pool) => ({ id: idOf(loadBalancer, pathOf.pool(pool)) })),
    provider: spec.provider,
    flavor_id: flavor === undefined ? null : flavors.idOf(flavor),
    availability_zone: null,
    tags: spec.tags ?? [],
  };
}

/** When somebody last wrote anything but the status, from the API server's books; null where that is the creation, or not kept. */
function updatedAt({ metadata }: LoadBalancer): string | null {
  const entries = (metadata.managedFields ?? []) as { time?: string; subresource?: string }[];
  const last = entries
    .flatMap(({ time, subresource }) => (subresource || time === undefined ? [] : time))
    .sort()
    .at(-1);
  return last === undefined || last === metadata.creationTimestamp ? null : octaviaTime(last);
}

/**
 * The object to create for a request, with all listeners, pools and what belongs to them that the request describes.
 * @param namespace the project's
 * @param suffix for `metadata.name`, where the plain one is taken: lower-case letters and digits, at most 8
 * @throws OctaviaFault 400 where a flavor, network or address is not to be had, 501 for what Reflavor can't do, and whatever a child is refused for
 */
export function createLoadBalancer(body: LoadBalancerCreate, namespace: string, flavors: Flavors, suffix?: string): LoadBalancer {
  refuseNeutron(body);
  if (body.vip_port_id) throw unsupported('vip_port_id: a VIP has no port of Neutron. Give vip_address for a certain address, or neither.');
  if (body.additional_vips?.length)
    throw unsupported(
      'additional_vips: a VIP has one address. For one of each IP family, set vip.service.ipFamilyPolicy of the LoadBalancer.',
    );
  if (body.availability_zone)
    throw unsupported('availability_zone: where amphorae run is said by the flavor (compute.nodeSelector of its profile). Leave it out.');
  // Octavia's provider driver has both names.
  if (body.provider && !['amphora', 'octavia'].includes(body.provider))
    throw new OctaviaFault(400, `Provider '${body.provider}' is not enabled. Use amphora, or none.`);
  const { name, vip_address: address } = body;
  const network = findNetwork(body.vip_network_id, body.vip_subnet_id);
  const vip = {
    ...(address && { address }),
    ...(network && network.serviceType !== 'ClusterIP' && { service: { type: network.serviceType } }),
  };
  const flavorId = flavorFor(body.flavor_id, flavors);
  const spec: Partial<LoadBalancerSpec> = { name: name ?? '', ...(flavorId !== undefined && { flavorId }), vip };
  write(spec, body, ['description', 'admin_state_up', 'tags']);
  const metadata = { name: objectNameFor(name ?? '', suffix), namespace };
  const draft: Draft = { apiVersion: API_VERSION, kind: 'LoadBalancer', metadata, spec: settled(LoadBalancerSpec, spec), notes: {} };
  const listeners = body.listeners ?? [];
  const pools = addPools(draft, body.pools ?? [], listeners);
  for (const listener of listeners) addListener(draft, listener, pools);
  const { notes, ...loadBalancer } = draft;
  const annotations = annotated({}, draft.spec, notes);
  return Object.keys(annotations).length === 0 ? loadBalancer : { ...loadBalancer, metadata: { ...metadata, annotations } };
}

/** The flavor that a new load balancer enters, by name. @throws OctaviaFault 400 */
function flavorFor(idOrName: string | null | undefined, flavors: Flavors): string | undefined {
  if (!idOrName) return undefined;
  const flavor = flavors.find(idOrName);
  if (!flavor)
    throw invalid(
      `Invalid flavor_id. There is no flavor ${idOrName}: choose one that "openstack loadbalancer flavor list" shows, or none.`,
    );
  if (!flavor.enabled)
    throw new OctaviaFault(
      400,
      `The selected flavor is not allowed in this deployment: ${idOrName}. It is disabled: choose an enabled one, or none.`,
    );
  if (flavor.provider !== undefined && flavor.provider !== 'amphora')
    throw new OctaviaFault(
      400,
      `Flavor '${idOrName}' is not compatible with provider 'amphora'. It belongs to provider '${flavor.provider}': choose another.`,
    );
  return flavor.name;
}

function refuseNeutron(body: z.infer<z.ZodObject<typeof Neutron>>): void {
  if (body.vip_qos_policy_id) throw unsupported('vip_qos_policy_id: there is no QoS policy of Neutron. Leave it out.');
  if (body.vip_sg_ids?.length) throw unsupported('vip_sg_ids: there are no security groups. Use allowed_cidrs of the listeners.');
}

/** @throws OctaviaFault 409 while it is being deleted, 501 */
export function updateLoadBalancer(loadBalancer: LoadBalancer, body: LoadBalancerUpdate): LoadBalancer {
  refuseNeutron(body);
  refuseDeleted(loadBalancer);
  return changed(loadBalancer, ({ spec }) => {
    write(spec, { ...body, name: body.name === null ? '' : body.name }, ['name', 'description', 'admin_state_up', 'tags']);
  });
}

/** @throws OctaviaFault 400 where it has children and `cascade` is not given, 409 while it is being deleted already */
export function checkDeletion(loadBalancer: LoadBalancer, { cascade }: { cascade: boolean }): void {
  const { metadata, spec } = loadBalancer;
  refuseDeleted(loadBalancer);
  if (!cascade && (spec.listeners?.length || spec.pools?.length))
    throw invalid(`Cannot delete Load Balancer ${metadata.uid} - it has children`);
}

function refuseDeleted({ metadata }: LoadBalancer): void {
  if (metadata.deletionTimestamp) throw conflict(`Invalid state PENDING_DELETE of loadbalancer resource ${metadata.uid}`);
}
