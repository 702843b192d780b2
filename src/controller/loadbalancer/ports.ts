import type { LoadBalancer } from '../../api/index.ts';
import { mayBeReached } from '../amphora/view.ts';
import type { AmphoraView, World } from './world.ts';

/** The enabled listeners with their ports; none while the load balancer is administratively down. */
export function listenerPorts(loadBalancer: Pick<LoadBalancer, 'spec'>): { name: string; port: number }[] {
  const { adminStateUp, listeners = [] } = loadBalancer.spec;
  return adminStateUp ? listeners.filter((l) => l.adminStateUp).map((l) => ({ name: l.name, port: l.protocolPort })) : [];
}

/**
 * The ports that the VIP is to serve now. One enters after all amphorae that the VIP may send connections to listen on it. One leaves once all of
 * them have loaded a configuration without it, in which they keep it open for as long as the VIP has it: an edit that HAProxy refuses closes nothing.
 */
export function portsToServe({ amphorae, loadBalancer, vip }: World): number[] {
  const serving = amphorae.filter(({ object }) => mayBeReached(object));
  const open = (port: number) =>
    serving.length > 0 && serving.every((v) => v.object.status?.listeners?.some((l) => l.protocolPort === port && l.open));
  const wanted = listenerPorts(loadBalancer).map((l) => l.port);
  const now = vip?.ports ?? [];
  const loaded = serving.every((v) => v.object.status?.configurationHash === v.configurationHash);
  const leaving = loaded ? [] : now.filter((port) => !wanted.includes(port));
  return [...wanted.filter((port) => now.includes(port) || open(port)), ...leaving].sort((a, b) => a - b);
}

/** Whether a VIP with these ports may serve less than it does: one that is wanted may be open, though a look that lags has not seen it yet. */
export const mayClose = ({ loadBalancer, vip }: World, ports: readonly number[]): boolean =>
  vip !== undefined && [...vip.ports, ...listenerPorts(loadBalancer).map((l) => l.port)].some((port) => !ports.includes(port));

/** Whether an amphora listens on every port of the VIP, so that none of its connections is refused by it. */
export const listensOnVip = ({ vip }: World, { object: { status } }: AmphoraView): boolean =>
  (vip?.ports ?? []).every((port) => status?.listeners?.some((l) => l.protocolPort === port && l.open));
