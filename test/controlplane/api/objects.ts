/** Objects that show what matters, and the API that takes them. */
import { afterAll, beforeAll } from '@jest/globals';
import { API_VERSION, GROUP, VERSION } from '../../../src/api/index.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import type { KubeObject, Resource } from '../../../src/kube/types.ts';
import { type KindDefinition, kinds } from '../../../tools/crd/kinds.ts';
import type { TestControlPlane } from '../../support/controlplane.ts';

/** An object as a test writes it: its spec may be wrong on purpose. */
export type AnyObject = KubeObject & { spec: Record<string, unknown>; status?: Record<string, unknown> };

export const definitionOf = (kind: string): KindDefinition => {
  const definition = kinds.find((candidate) => candidate.kind === kind);
  if (!definition) throw new Error(`no kind ${kind}`);
  return definition;
};

export const resourceOf = (kind: string): Resource => {
  const { plural, scope } = definitionOf(kind);
  return { group: GROUP, version: VERSION, plural, kind, namespaced: scope === 'Namespaced' };
};

const object = (kind: string, name: string, spec: object): AnyObject => ({
  apiVersion: API_VERSION,
  kind,
  metadata: { name, ...(resourceOf(kind).namespaced && { namespace: 'default' }) },
  spec: { ...spec },
});

export const loadBalancer = (name = 'web', spec: object = {}): AnyObject => object('LoadBalancer', name, { flavorId: 'small', ...spec });
export const flavor = (name: string, spec: object = {}): AnyObject => object('Flavor', name, { flavorProfile: name, ...spec });
export const flavorProfile = (name: string, spec: object = {}): AnyObject => object('FlavorProfile', name, spec);

export const httpListener = (fields: object = {}) => ({ name: 'http', protocol: 'HTTP', protocolPort: 8080, ...fields });
export const httpPool = (fields: object = {}) => ({ name: 'web', protocol: 'HTTP', ...fields });
export const member = (fields: object = {}) => ({ address: '192.0.2.1', protocolPort: 80, ...fields });

/** A client of the administrator, open while the suite runs; may be read inside hooks and tests only. */
export function useClient(controlPlane: TestControlPlane): { current: KubeClient } {
  const holder = { current: undefined as unknown as KubeClient };
  beforeAll(() => {
    holder.current = connect({ kubeconfig: controlPlane.kubeconfigPath });
  });
  afterAll(() => holder.current.close());
  return holder;
}
