import { API_VERSION, type ObjectMeta } from '../../../../api/index.ts';
import type { KubeObject } from '../../../../kube/types.ts';
import { LABELS, MANAGED_BY } from '../names.ts';

/** Whose VIP it is: of a `VipRef`, what names its objects. */
export interface Owner {
  namespace: string;
  name: string;
  uid: string;
}

/** The API server's uids. Another text is no object's, and an owner that doesn't exist has what it owns deleted. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isUid = (text: string): boolean => UUID.test(text);

/** Metadata of an object that a load balancer has one of. */
export function metadataOf({ namespace, name, uid }: Owner, objectName: string): ObjectMeta {
  const owner = { apiVersion: API_VERSION, kind: 'LoadBalancer', name, uid, controller: true };
  return {
    namespace,
    name: objectName,
    labels: { [LABELS.managedBy]: MANAGED_BY, [LABELS.loadBalancer]: name, [LABELS.loadBalancerUid]: uid },
    ...(isUid(uid) && { ownerReferences: [owner] }),
  };
}

/** Whether an object was made for this load balancer: what wasn't is never touched, whatever its name. */
export const isOf = (uid: string, { metadata }: KubeObject): boolean => metadata.labels?.[LABELS.loadBalancerUid] === uid;
