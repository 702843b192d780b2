import { flavorRefusal, type Refusal, stays } from '../../api/index.ts';
import type { World } from './world.ts';

/** The goal Accepted: whether the load balancer may enter a flavor. */
export function refusalOf(world: World, flavorId: string): Refusal | undefined {
  const { loadBalancer } = world;
  const found = world.lookup(flavorId);
  if ('refused' in found) return { reason: found.refused, message: `${found.message}${stays(loadBalancer.status?.flavorId)}` };
  const { id, enabled, provider, data } = found.flavor;
  return flavorRefusal(loadBalancer, { id, enabled, provider, loadbalancerTopology: data.loadbalancerTopology });
}
