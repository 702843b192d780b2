import type { VipService } from '../../api/index.ts';
import { OctaviaFault } from './fault.ts';
import { uuid } from './ids.ts';

/** A network that a VIP can be on, with its one subnet. Ids never change. */
export interface Network {
  id: string;
  subnetId: string;
  name: string;
  serviceType: VipService['type'];
}

const network = (name: string, serviceType: VipService['type']): Network => ({
  id: uuid(`networks/${name}`),
  subnetId: uuid(`subnets/${name}`),
  name,
  serviceType,
});

/**
 * What Octavia asks by a VIP's network is in Reflavor the type of its Service: `cluster` is reached from inside the cluster (ClusterIP),
 * `external` has an address outside as well (LoadBalancer). `openstack loadbalancer create` can't do without one.
 */
export const NETWORKS: readonly Network[] = [network('cluster', 'ClusterIP'), network('external', 'LoadBalancer')];

/** The network that a spec has its VIP on. */
export const networkOf = (vip: { service?: VipService } | undefined): Network =>
  NETWORKS.find(({ serviceType }) => serviceType === (vip?.service?.type ?? 'ClusterIP'))!;

/**
 * The network that a request names by network, by subnet, or both, each by id or name; undefined where it names none.
 * @throws OctaviaFault 400 where there is no such one, or the two are not of each other
 */
export function findNetwork(networkId: string | null | undefined, subnetId: string | null | undefined): Network | undefined {
  const choices = (id: (network: Network) => string) => NETWORKS.map((n) => `${id(n)} (${n.name}: ${n.serviceType})`).join(' or ');
  const byNetwork = networkId ? NETWORKS.find(({ id, name }) => id === networkId || name === networkId) : undefined;
  const bySubnet = subnetId ? NETWORKS.find((n) => n.subnetId === subnetId || n.name === subnetId) : undefined;
  if (networkId && !byNetwork) throw new OctaviaFault(400, `Network ${networkId} not found. Use ${choices((n) => n.id)}, or none.`);
  if (subnetId && !bySubnet) throw new OctaviaFault(400, `Subnet ${subnetId} not found. Use ${choices((n) => n.subnetId)}, or none.`);
  if (byNetwork && bySubnet && byNetwork !== bySubnet)
    throw new OctaviaFault(400, `Subnet ${subnetId} not found. It is not of network ${networkId}: name one of the two only.`);
  return byNetwork ?? bySubnet;
}
