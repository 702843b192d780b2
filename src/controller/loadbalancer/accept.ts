import type { Reason } from '../../api/index.ts';
import type { World } from './world.ts';

/** Why a flavor is not taken; nothing was touched. */
export interface Refusal {
  reason: Reason;
  message: string;
}

/** The goal Accepted: whether the load balancer may enter a flavor. Asked only before an operation starts; `enabled` gates nothing else. */
export function refusalOf(world: World, flavorId: string): Refusal | undefined {
  const { spec, status } = world.loadBalancer;
  const found = world.lookup(flavorId);
  const keep = status?.flavorId ? ` Flavor ${status.flavorId} stays in force and serves.` : '';
  if ('refused' in found) return { reason: found.refused, message: `${found.message}${keep}` };
  const { flavor } = found;
  if (flavor.provider !== spec.provider) {
    return {
      reason: 'ProviderMismatch',
      message: `Flavor ${flavorId} belongs to provider ${flavor.provider}, this load balancer to ${spec.provider}: set flavorId to a flavor of that provider.${keep}`,
    };
  }
  if (!flavor.enabled) {
    return {
      reason: 'FlavorDisabled',
      message: `Flavor ${flavorId} is disabled: choose another flavorId, or ask an admin to enable it.${keep}`,
    };
  }
  const topology = flavor.data.loadbalancerTopology;
  if (status?.topology && topology !== status.topology) {
    return {
      reason: 'TopologyChange',
      message: `Flavor ${flavorId} has topology ${topology}, this load balancer ${status.topology}, which a resize cannot change: choose a ${status.topology} flavor, or create another load balancer.${keep}`,
    };
  }
  return undefined;
}
