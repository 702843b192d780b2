import type { KubeObject, Resource } from '../../../src/kube/types.ts';
import type { TestControlPlane } from '../../support/controlplane.ts';
import { useClient } from '../api/objects.ts';

const reviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};
type Review = KubeObject & { status: { allowed: boolean } };

export const writes = ['create', 'update', 'patch', 'delete', 'deletecollection'];
export const reads = ['get', 'list', 'watch'];

/** Rights as sentences: "patch loadbalancers/status.reflavor.dev". */
export const each = (verbs: string[], ...resources: string[]) =>
  resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`));

/** Asks the API server of a suite what users may do, in the namespace `team` unless another is named. */
export function useReviews(controlPlane: TestControlPlane) {
  const client = useClient(controlPlane);

  async function may(user: string, right: string, namespace = 'team', name?: string): Promise<boolean> {
    const [verb, what] = right.split(' ') as [string, string];
    const [path, ...group] = what.split('.') as [string, ...string[]];
    const [resource, subresource] = path.split('/');
    const spec = {
      user,
      groups: ['system:authenticated'],
      resourceAttributes: { namespace, name, verb, resource, subresource, group: group.join('.') },
    };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec } as unknown as Review;
    const answer = await client.current.create<Review>(reviews, review);
    return answer.status.allowed;
  }

  /** Those of the rights that a user has. */
  async function granted(user: string, rights: string[], namespace?: string): Promise<string[]> {
    const answers = await Promise.all(rights.map((right) => may(user, right, namespace)));
    return rights.filter((_, i) => answers[i]);
  }
  return { may, granted };
}
