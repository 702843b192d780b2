import type { LoadBalancer } from '../../api/index.ts';
import type { VipRef } from '../../provider/amphora/driver.ts';

/** The VIP of a load balancer: the address that it has had before, or else the one that its spec wants. */
export function vipRef({ metadata, spec, status }: LoadBalancer): VipRef {
  const address = spec.vip?.address ?? (status?.vipAddress || undefined);
  return { namespace: metadata.namespace!, name: metadata.name, uid: metadata.uid!, address, service: spec.vip?.service };
}
