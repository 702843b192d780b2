import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { OwnerReference } from '../../../../api/index.ts';
import type { KubeClient } from '../../../../kube/client.ts';
import { ADMIN_PORT, type Connect } from '../../haproxy/index.ts';
import { LABELS, MANAGED_BY, peersSecretName, serverName } from '../names.ts';
import type { Authority, Leaf } from './authority.ts';
import { type AuthorityPlace, openAuthoritySecret } from './authority-secret.ts';
import { type Dial, tlsConnector } from './connector.ts';

/** Secret of the operator's namespace with the authority by which the operator and the amphorae know each other. */
export const AUTHORITY_SECRET = 'reflavor-authority';

/** Files of an amphora: a certificate with its key, and the authority of the other side, once for the operator's port and once for peers. */
export const IDENTITY_FILES = ['admin.pem', 'admin-ca.pem', 'peer.pem', 'peer-ca.pem'] as const;
export type IdentityFiles = Record<(typeof IDENTITY_FILES)[number], string>;

/** An amphora to be given an identity. */
export interface IdentityOwner {
  namespace: string;
  name: string;
  loadBalancer: { name: string; uid: string };
  /** Of the LoadBalancer: its Secret with the authority of peers ends with it. */
  ownerReference?: OwnerReference;
}

/** How many authorities are kept in memory; another look at a Secret is what one more costs. */
const rememberedAuthorities = 1000;

const operatorLeaf: Leaf = { commonName: 'reflavor-operator', uses: ['client'] };

/**
 * Who the operator, the amphorae and their peers are to each other. The operator's authority signs its own certificate, which says "client", and
 * those of amphorae, which say "server" alone: none of these opens another's port. Each load balancer has an authority of its own for peers, so that
 * no amphora of another one can fetch or poison its stick tables.
 */
export class Identity {
  readonly #client: Pick<KubeClient, 'get' | 'create'>;
  readonly #namespace: string;
  readonly #now: () => number;
  readonly #dial: Dial | undefined;
  #operator: { context: SecureContext; renewAt: Date } | undefined;
  /** By uid of the load balancer; the operator's under the empty one. */
  readonly #authorities = new Map<string, Authority>();

  /** `namespace`: the operator's. `now`: milliseconds since the epoch. `dial`: how amphorae are reached; default: from here, by TCP. */
  constructor(options: { client: Pick<KubeClient, 'get' | 'create'>; namespace: string; now: () => number; dial?: Dial }) {
    this.#client = options.client;
    this.#namespace = options.namespace;
    this.#now = options.now;
    this.#dial = options.dial;
  }

  /**
   * The files of an amphora. Those of `existing` (by name; others are passed over) are kept while they are good and more than a third of their life is
   * left, so that another call gives the same. `digest`: names the content, in 16 hexadecimal digits. `renewAt`: when one is to be renewed.
   * @throws DriverError NameConflict, IdentityBroken; KubeError
   */
  async amphoraFiles(
    amphora: IdentityOwner,
    existing: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<{ files: IdentityFiles; digest: string; renewAt: Date }> {
    const [admin, peers] = [await this.#adminAuthority(signal), await this.#peersAuthority(amphora, signal)];
    const name = serverName(amphora);
    const [forOperator, forPeers] = [
      await this.#certificate(admin, { commonName: 'amphora', dnsNames: [name], uses: ['server'] }, existing['admin.pem']),
      await this.#certificate(peers, { commonName: 'amphora', dnsNames: [name], uses: ['server', 'client'] }, existing['peer.pem']),
    ];
    const files: IdentityFiles = {
      'admin.pem': forOperator.pem,
      'admin-ca.pem': admin.certificate,
      'peer.pem': forPeers.pem,
      'peer-ca.pem': peers.certificate,
    };
    const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
    return { files, digest, renewAt: new Date(Math.min(forOperator.renewAt.getTime(), forPeers.renewAt.getTime())) };
  }

  /** A connector to the operator's port of an amphora at an address. */
  connector(address: string, amphora: { namespace: string; name: string }): Connect {
    const peer = { address, port: ADMIN_PORT, serverName: serverName(amphora) };
    return tlsConnector(peer, (signal) => this.#operatorContext(signal), this.#dial);
  }

  /** The operator's own certificate stays in memory, and is renewed in time. */
  async #operatorContext(signal?: AbortSignal): Promise<SecureContext> {
    const known = this.#operator;
    if (known && known.renewAt.getTime() > this.#now()) return known.context;
    const admin = await this.#adminAuthority(signal);
    const { pem, renewAt } = await this.#certificate(admin, operatorLeaf);
    const context = createSecureContext({ ca: admin.certificate, cert: pem, key: pem, minVersion: 'TLSv1.3' });
    this.#operator = { context, renewAt };
    return context;
  }

  /** The one there is, while it is good, or a new one. */
  async #certificate(authority: Authority, leaf: Leaf, existing?: string): Promise<{ pem: string; renewAt: Date }> {
    const now = new Date(this.#now());
    const keptUntil = authority.renewalOf(existing, leaf);
    if (keptUntil && keptUntil > now) return { pem: existing!, renewAt: keptUntil };
    const { certificate, key } = await authority.issue(leaf, now);
    const pem = `${certificate}${key}`;
    return { pem, renewAt: authority.renewalOf(pem, leaf)! };
  }

  #adminAuthority(signal?: AbortSignal): Promise<Authority> {
    const place = {
      metadata: { namespace: this.#namespace, name: AUTHORITY_SECRET, labels: { [LABELS.managedBy]: MANAGED_BY } },
      commonName: 'reflavor-operator-authority',
      afterDeletion:
        'the operator then makes another; amphorae made before serve on, but know only the old one: set the annotation reflavor.dev/failover of each load balancer to a new value',
    };
    return this.#authority('', place, signal);
  }

  #peersAuthority({ namespace, loadBalancer: { name, uid }, ownerReference }: IdentityOwner, signal?: AbortSignal): Promise<Authority> {
    const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.loadBalancer]: name, [LABELS.loadBalancerUid]: uid };
    const ownerReferences = ownerReference ? [ownerReference] : undefined;
    const place = {
      metadata: { namespace, name: peersSecretName(name), labels, ownerReferences },
      commonName: `reflavor-peers-${uid}`,
      afterDeletion: 'the operator then makes another; nothing that serves is touched',
    };
    return this.#authority(uid, place, signal);
  }

  async #authority(key: string, place: AuthorityPlace, signal?: AbortSignal): Promise<Authority> {
    const now = new Date(this.#now());
    const known = this.#authorities.get(key);
    if (known && known.validTo > now) return known;
    const authority = await openAuthoritySecret(this.#client, place, now, signal);
    if (this.#authorities.size >= rememberedAuthorities) this.#authorities.delete(this.#authorities.keys().next().value!);
    this.#authorities.set(key, authority);
    return authority;
  }
}
