import { type Amphora, LOADBALANCER_UID_LABEL, type LoadBalancer } from '../../api/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { amphorae } from '../resources.ts';

/** The amphorae of a load balancer as the API server has them at this moment. */
export async function freshAmphorae(
  client: Pick<KubeClient, 'listAll'>,
  { metadata }: LoadBalancer,
  signal: AbortSignal,
): Promise<Amphora[]> {
  const labelSelector = `${LOADBALANCER_UID_LABEL}=${metadata.uid}`;
  return (await client.listAll<Amphora>(amphorae, { namespace: metadata.namespace, labelSelector, signal })).items;
}
