import type { Amphora, LoadBalancer } from '../api/index.ts';
import { configurationHash, membersRevision } from '../provider/amphora/haproxy/index.ts';
import { configurationFor, type Resolved, resolve } from './amphora/configuration.ts';
import type { Sources } from './amphora/sources.ts';
import { type Caches, sourcesOf } from './caches.ts';
import { parsedLoadBalancer } from './parse.ts';

/** What an amphora reports once it has loaded what it should. */
export interface Digests {
  configurationHash: string;
  membersRevision: string;
}

interface Known {
  generation: number | undefined;
  spec: LoadBalancer['spec'];
  resolved: Resolved;
  /** What was read for it, each with how to read it again. */
  read: [again: () => unknown, value: unknown][];
}

/**
 * What specs come to: parsed, with their Secrets and endpoints, and hashed. Every visit asks for that, and it seldom changes, so that the last of each load
 * balancer is remembered, for as long as its generation is the same and so is every object that was read for it. Objects of caches are never written to.
 */
export class Resolutions {
  readonly #caches: Pick<Caches, 'secrets' | 'services' | 'endpointSlices'>;
  /** By uid. */
  readonly #known = new Map<string, Known>();
  readonly #digests = new WeakMap<Resolved, Map<string, Digests>>();

  constructor(caches: Pick<Caches, 'secrets' | 'services' | 'endpointSlices'>) {
    this.#caches = caches;
  }

  /** The load balancer with its spec checked and its defaults filled in, and everything that it refers to. @throws InvalidObject */
  of(lb: LoadBalancer): { loadBalancer: LoadBalancer; resolved: Resolved } {
    const { uid = '', generation, namespace = '' } = lb.metadata;
    let known = this.#known.get(uid);
    if (known?.generation !== generation || !known?.read.every(([again, value]) => areSameObjects(again(), value))) {
      const loadBalancer = parsedLoadBalancer(lb);
      const read: Known['read'] = [];
      const resolved = resolve(loadBalancer, noting(sourcesOf(this.#caches, namespace), read));
      known = { generation, spec: loadBalancer.spec, resolved, read };
      this.#known.set(uid, known);
    }
    return { loadBalancer: { ...lb, spec: known.spec }, resolved: known.resolved };
  }

  /** Of what one of its amphorae is to have loaded; neither its peers nor its address matter. */
  digests(resolved: Resolved, amphora: Amphora): Digests {
    const { role, flavorData } = amphora.spec;
    const kind = `${role} ${flavorData.threads} ${flavorData.maxConnections}`;
    const known = this.#digests.get(resolved)?.get(kind);
    if (known) return known;
    const configuration = configurationFor(resolved, amphora, []);
    const digests = { configurationHash: configurationHash(configuration), membersRevision: membersRevision(configuration) };
    this.#digests.set(resolved, (this.#digests.get(resolved) ?? new Map<string, Digests>()).set(kind, digests));
    return digests;
  }

  /** The load balancer of this uid is gone. */
  forget(uid: string | undefined): void {
    this.#known.delete(uid ?? '');
  }
}

/** Arrays are made anew at each read, of the same objects. */
const areSameObjects = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((value, index) => value === b[index]) : a === b;

function noting(sources: Sources, read: Known['read']): Sources {
  const note = <T>(again: () => T): T => {
    const value = again();
    read.push([again, value]);
    return value;
  };
  return {
    secret: (name) => note(() => sources.secret(name)),
    service: (name) => note(() => sources.service(name)),
    endpointSlices: (service) => note(() => sources.endpointSlices(service)),
  };
}
