import { flavorRefusal, type Operation, olderImage, type Refusal, stays } from '../../api/index.ts';
import type { World } from './world.ts';

/** The goal Accepted: whether the load balancer may enter a flavor. */
export function refusalOf(world: World, flavorId: string): Refusal | undefined {
  const { loadBalancer } = world;
  const found = world.lookup(flavorId);
  if ('refused' in found) return { reason: found.refused, message: `${found.message}${stays(loadBalancer.status?.flavorId)}` };
  const { id, enabled, provider, data } = found.flavor;
  return flavorRefusal(loadBalancer, { id, enabled, provider, loadbalancerTopology: data.loadbalancerTopology });
}

/**
 * What entering a flavor may break although it is allowed. Images are compared by the numbers that their tags begin with; where the one in force has
 * no tag of its own, its HAProxy's version stands for it.
 */
export function warningOf({ loadBalancer, amphorae, lookup }: World, flavorId: string): Operation['warning'] {
  const found = lookup(flavorId);
  const tag = 'flavor' in found ? found.flavor.data.ampImageTag : undefined;
  const inForce = amphorae.map((v) => v.object).find(({ spec }) => spec.flavorId === loadBalancer.status?.flavorId);
  const present = inForce?.spec.flavorData.ampImageTag ?? inForce?.status?.haproxyVersion;
  const words = olderImage(flavorId, tag, present);
  return words === undefined ? undefined : { reason: 'OlderImage', message: `${words} Set flavorId back to cancel.` };
}
