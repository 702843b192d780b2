import { createHash } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { BriefMemory } from './brief-memory.ts';

/** Whoever sent a request, as the API server knows them (authentication/v1 UserInfo). */
export interface Caller {
  username: string;
  uid?: string;
  groups?: string[];
  extra?: Record<string, string[]>;
}

interface TokenReview extends KubeObject {
  spec: { token: string; audiences?: string[] };
  status?: { authenticated?: boolean; user?: Caller; audiences?: string[] };
}

const tokenReviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};

/** The token of a request: Octavia's `X-Auth-Token`, or `Authorization: Bearer` (RFC 6750 section 2.1). */
export function tokenOf(headers: Record<string, string | string[] | undefined>): string | undefined {
  const { 'x-auth-token': token, authorization } = headers;
  if (typeof token === 'string' && token) return token;
  return /^Bearer +(\S+)$/i.exec(typeof authorization === 'string' ? authorization : '')?.[1];
}

/** The namespace of a service account: the project of its token. Other users have none of their own. */
export const projectOf = ({ username }: Caller): string | undefined => /^system:serviceaccount:([^:]+):[^:]+$/.exec(username)?.[1];

/** Asks the API server whose a token is (TokenReview), and remembers it for a moment; of the token a hash alone. */
export class Authentication {
  readonly #client: Pick<KubeClient, 'create'>;
  readonly #audiences: readonly string[];
  readonly #memory: BriefMemory<Caller | undefined>;

  /** @param options.audiences of which a token must have one; none: those of the API server */
  constructor(client: Pick<KubeClient, 'create'>, { audiences, ttlMs }: { audiences: readonly string[]; ttlMs: number }) {
    this.#client = client;
    this.#audiences = audiences;
    this.#memory = new BriefMemory(ttlMs);
  }

  /** Whose token it is; undefined when it is nobody's. @throws KubeError when the API server can't be asked */
  callerOf(token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    return this.#memory.get(key, () => this.#review(token));
  }

  async #review(token: string): Promise<Caller | undefined> {
    const audiences = this.#audiences.length > 0 ? [...this.#audiences] : undefined;
    const review: TokenReview = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token, audiences },
    };
    const { status } = await this.#client.create(tokenReviews, review);
    // An authenticator that knows nothing of audiences names none in its answer.
    const meant = !audiences || audiences.some((audience) => status?.audiences?.includes(audience));
    return status?.authenticated && meant ? status.user : undefined;
  }
}
