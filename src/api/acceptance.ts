import type { LoadBalancer } from './loadbalancer.ts';
import type { Reason } from './reasons.ts';

/** Why a flavor is not taken; nothing was touched. */
export interface Refusal {
  reason: Reason;
  message: string;
}

/** What of a flavor decides whether a load balancer may enter it; what is not known is not judged. */
export interface OfferedFlavor {
  id: string;
  enabled: boolean;
  provider?: string;
  loadbalancerTopology?: string;
}

/** Why the load balancer may not enter this flavor, if so. Asked only before an operation starts; `enabled` gates nothing else. */
export function flavorRefusal({ spec, status }: Pick<LoadBalancer, 'spec' | 'status'>, flavor: OfferedFlavor): Refusal | undefined {
  const { id, enabled, provider, loadbalancerTopology: topology } = flavor;
  const keep = stays(status?.flavorId);
  if (provider !== undefined && provider !== spec.provider) {
    return {
      reason: 'ProviderMismatch',
      message: `Flavor ${id} belongs to provider ${provider}, this load balancer to ${spec.provider}: set flavorId to a flavor of that provider.${keep}`,
    };
  }
  if (!enabled) {
    return { reason: 'FlavorDisabled', message: `Flavor ${id} is disabled: choose another flavorId, or ask an admin to enable it.${keep}` };
  }
  if (topology !== undefined && status?.topology && topology !== status.topology) {
    return {
      reason: 'TopologyChange',
      message: `Flavor ${id} has topology ${topology}, this load balancer ${status.topology}, which a resize cannot change: choose a ${status.topology} flavor, or create another load balancer.${keep}`,
    };
  }
  return undefined;
}

/** What a refusal ends with: what goes on. */
export const stays = (flavorInForce: string | undefined): string =>
  flavorInForce ? ` Flavor ${flavorInForce} stays in force and serves.` : '';
