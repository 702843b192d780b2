import { beforeEach, expect, test } from '@jest/globals';
import { buildAmphora } from '../../test/contract/builders.ts';
import type { LoadBalancer } from '../api/index.ts';
import type { Secret } from './amphora/sources.ts';
import { InvalidObject } from './parse.ts';
import { Resolutions } from './resolutions.ts';
import { Store } from './runtime/store.ts';

const slices = () => new Store<never>({ service: () => [] });
let secrets: Store<Secret>;
let resolutions: Resolutions;
beforeEach(() => {
  secrets = new Store<Secret>();
  resolutions = new Resolutions({ secrets, services: new Store<never>(), endpointSlices: slices() });
});

const listener = (more = {}) => ({ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web', ...more });
const lb = ({ generation = 1, resourceVersion = '1', listeners = [listener()] as unknown[] } = {}) =>
  ({
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { namespace: 'shop', name: 'web', uid: 'lb-uid', generation, resourceVersion },
    spec: {
      flavorId: 'small',
      listeners,
      pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '192.0.2.1', protocolPort: 80 }] }],
    },
  }) as LoadBalancer;

test('is remembered while the generation is the same, whatever else of the object changes', () => {
  const first = resolutions.of(lb());
  const second = resolutions.of(lb({ resourceVersion: '2' }));
  expect(second.resolved).toBe(first.resolved);
  expect(second.loadBalancer.metadata.resourceVersion).toBe('2');
  expect(second.loadBalancer.spec.strategy.settleSeconds).toBe(3);
  expect(resolutions.of(lb({ generation: 2, listeners: [] })).resolved.listeners).toEqual([]);
});

test('is made anew when a Secret comes, changes or goes that was read for it', () => {
  const tls = lb({ listeners: [listener({ protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'cert' } })] });
  const secret = (resourceVersion: string): Secret => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'shop', name: 'cert', uid: 's', resourceVersion },
    data: {},
  });
  const reason = () => resolutions.of(tls).resolved.problems[0]?.reason;
  expect(reason()).toBe('SecretNotFound');
  secrets.put(secret('1'));
  expect(reason()).toBe('SecretInvalid');
  const before = resolutions.of(tls).resolved;
  expect(resolutions.of(tls).resolved).toBe(before);
  secrets.put(secret('2'));
  expect(resolutions.of(tls).resolved).not.toBe(before);
  secrets.remove(secret('2'));
  expect(reason()).toBe('SecretNotFound');
});

test('of a spec that can’t be read is refused each time', () => {
  const broken = lb({ listeners: [listener({ protocolPort: 'eighty' })] });
  for (let look = 0; look < 2; look++) expect(() => resolutions.of(broken)).toThrow(InvalidObject);
});

test('digests differ by what the flavor gives, not by peers, and are those of another load balancer of the same spec', () => {
  const { resolved } = resolutions.of(lb());
  const small = buildAmphora({ name: 'a' });
  const large = structuredClone(small);
  large.spec.flavorData.threads = 4;
  const peer = structuredClone(small);
  peer.spec.peer = 5;
  expect(resolutions.digests(resolved, peer)).toEqual(resolutions.digests(resolved, small));
  expect(resolutions.digests(resolved, large).configurationHash).not.toBe(resolutions.digests(resolved, small).configurationHash);
  expect(resolutions.digests(resolved, large).membersRevision).toBe(resolutions.digests(resolved, small).membersRevision);
});
