import type { KubeObject, Resource } from '../../src/kube/types.ts';

/** Built-in kinds that tests use where any kind would do. */
const core = (plural: string, kind: string, namespaced = true): Resource => ({ group: '', version: 'v1', plural, kind, namespaced });

export const namespaces = core('namespaces', 'Namespace', false);
export const configMaps = core('configmaps', 'ConfigMap');
export const secrets = core('secrets', 'Secret');
export const events: Resource = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export function configMap(
  name: string,
  { namespace = 'default', labels, data = {} }: { namespace?: string; labels?: Record<string, string>; data?: Record<string, string> } = {},
): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data };
}
