import type { LoadBalancer } from '../../api/index.ts';
import { serves } from '../amphora/view.ts';
import type { World } from './world.ts';

/** The enabled listeners with their ports; none while the load balancer is administratively down. */
export function listenerPorts(loadBalancer: LoadBalancer): { name: string; port: number }[] {
  const { adminStateUp, listeners = [] } = loadBalancer.spec;
  return adminStateUp ? listeners.filter((l) => l.adminStateUp).map((l) => ({ name: l.name, port: l.protocolPort })) : [];
}

/**
 * The ports that the VIP is to serve now. A port enters after all serving amphorae listen on it, and leaves before any of them stops: an
 * amphora keeps a listener open for as long as `status.vipPorts` has its port.
 */
export function portsToServe(world: World): number[] {
  const serving = world.amphorae.map((v) => v.object).filter(serves);
  const open = (port: number) =>
    serving.length > 0 && serving.every((a) => a.status?.listeners?.some((l) => l.protocolPort === port && l.open));
  return listenerPorts(world.loadBalancer)
    .map((l) => l.port)
    .filter((port) => world.vip?.ports.includes(port) || open(port))
    .sort((a, b) => a - b);
}
