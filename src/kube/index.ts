import { Connection } from './connection.ts';
import { HttpKubeClient } from './http-client.ts';
import { currentNamespace, type KubeConfigSource, loadKubeConfig } from './kubeconfig.ts';
import type { SenderOptions } from './sender.ts';

/**
 * A client for the cluster that `source` names.
 *
 * @throws Error saying what to do when there is no such kubeconfig or context
 */
export function connect(source: KubeConfigSource = {}, options: SenderOptions = {}): HttpKubeClient {
  return new HttpKubeClient(new Connection(() => loadKubeConfig(source)), options);
}

/** The namespace of the context, or of the pod's service account, that `source` leads to. */
export function namespaceOf(source: KubeConfigSource = {}): string {
  return currentNamespace(loadKubeConfig(source));
}
