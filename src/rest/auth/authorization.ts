import { GROUP } from '../../api/meta.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { OctaviaFault } from '../octavia/index.ts';
import type { Caller } from './authentication.ts';
import { BriefMemory } from './brief-memory.ts';

/** What somebody wants to do, as RBAC knows it (authorization/v1 ResourceAttributes), with a kind of this project. */
export interface Deed {
  verb: 'get' | 'list' | 'create' | 'update' | 'delete';
  resource: 'loadbalancers' | 'amphorae' | 'flavors' | 'flavorprofiles';
  /** `resize` and `failover` of load balancers: no endpoint of the API server, only names for roles to grant. */
  subresource?: 'resize' | 'failover';
  /** All namespaces when absent. */
  namespace?: string;
  name?: string;
}

interface SubjectAccessReview extends KubeObject {
  spec: Record<string, unknown>;
  status?: { allowed?: boolean };
}

const subjectAccessReviews: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

/** Asks the API server what a caller may do (SubjectAccessReview), and remembers it for a moment. */
export class Authorization {
  readonly #client: Pick<KubeClient, 'create'>;
  readonly #memory: BriefMemory<boolean>;

  constructor(client: Pick<KubeClient, 'create'>, { ttlMs }: { ttlMs: number }) {
    this.#client = client;
    this.#memory = new BriefMemory(ttlMs);
  }

  may(caller: Caller, deed: Deed): Promise<boolean> {
    return this.#memory.get(JSON.stringify([caller, deed]), () => this.#review(caller, deed));
  }

  /** @throws OctaviaFault 403 in Octavia's words, with the right that is missing, unless the caller may do it */
  async require(caller: Caller, deed: Deed): Promise<void> {
    if (await this.may(caller, deed)) return;
    const { verb, resource, subresource, namespace } = deed;
    const what = `${verb} ${resource}${subresource ? `/${subresource}` : ''}.${GROUP}`;
    throw new OctaviaFault(
      403,
      `Policy does not allow this request to be performed: ${caller.username} may not ${what}${namespace ? ` in project ${namespace}` : ''}. An admin can give that right by one of the roles load-balancer-read, -write and -admin.`,
    );
  }

  async #review({ username, uid, groups, extra }: Caller, deed: Deed): Promise<boolean> {
    const review: SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: { user: username, uid, groups, extra, resourceAttributes: { group: GROUP, ...deed } },
    };
    const { status } = await this.#client.create(subjectAccessReviews, review);
    return status?.allowed === true;
  }
}
