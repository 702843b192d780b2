import { isAwaitingOperator, type LoadBalancer, type ProvisioningStatus } from '../api/index.ts';
import type { Item } from './listing.ts';

export function provisioningStatusOf(lb: LoadBalancer): ProvisioningStatus {
  if (lb.metadata.deletionTimestamp) return 'PENDING_DELETE';
  const waiting = lb.status?.flavorId === undefined ? 'PENDING_CREATE' : 'PENDING_UPDATE';
  return isAwaitingOperator(lb) ? waiting : (lb.status?.provisioningStatus ?? waiting);
}

export function loadBalancerView(lb: LoadBalancer, flavorIds: ReadonlyMap<string, string>): Item {
  const { metadata, spec, status } = lb;
  return {
    id: metadata.uid,
    name: spec.name ?? metadata.name,
    description: spec.description ?? '',
    provisioning_status: provisioningStatusOf(lb),
    operating_status: status?.operatingStatus ?? 'OFFLINE',
    admin_state_up: spec.adminStateUp,
    project_id: metadata.namespace,
    created_at: metadata.creationTimestamp?.replace('Z', ''),
    updated_at: null,
    vip_address: status?.vipAddress ?? spec.vip.address ?? null,
    vip_port_id: null,
    vip_subnet_id: null,
    vip_network_id: null,
    additional_vips: [],
    listeners: [],
    pools: [],
    provider: spec.provider,
    flavor_id: status?.flavorId ? (flavorIds.get(status.flavorId) ?? status.flavorId) : null,
    tags: spec.tags ?? [],
    availability_zone: null,
  };
}
