import type { RequestOptions } from 'node:https';
import { type DispatcherOptions, KubeConfig } from '@kubernetes/client-node';

/** Where to find the API server and who we are to it. */
export interface KubeConfigSource {
  /** Path of a kubeconfig. Default: what `KUBECONFIG` names, `~/.kube/config`, or the pod's service account, in this order. */
  kubeconfig?: string;
  /** A context of that kubeconfig. Default: its current one. */
  context?: string;
}

/** What a request needs, as it stands now. Tokens and certificates change under a running process. */
export interface Access {
  /** Without a trailing slash; it may have a path. */
  server: string;
  headers: Record<string, string>;
  dispatcher: DispatcherOptions;
}

/**
 * Loads a kubeconfig. client-node knows the files, the exec plugins and the service account; nothing else of it is used.
 *
 * @throws Error saying what to do when there is no cluster to talk to, or no such context
 */
export function loadKubeConfig(source: KubeConfigSource = {}): KubeConfig {
  const config = new KubeConfig();
  if (source.kubeconfig) config.loadFromFile(source.kubeconfig);
  else config.loadFromDefault();
  if (source.context) {
    const known = config.getContexts().map((context) => context.name);
    if (!known.includes(source.context)) {
      throw new Error(`the kubeconfig has no context "${source.context}"; it has ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(source.context);
  }
  // client-node falls back to http://localhost:8080 when it finds nothing at all, which then fails as a refused connection.
  const cluster = config.getCurrentCluster();
  if (!cluster || (cluster.server === 'http://localhost:8080' && !source.kubeconfig && !process.env.KUBECONFIG)) {
    throw new Error('no cluster to talk to: name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a pod with a service account');
  }
  return config;
}

/** Asks the kubeconfig for the credentials of this moment; an exec plugin may be run for them. */
export async function currentAccess(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('the kubeconfig has no current cluster');
  const options: RequestOptions & { auth?: string } = {};
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
  if (options.auth) headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  return {
    server: cluster.server.replace(/\/+$/, ''),
    headers,
    dispatcher: config.createDispatcherOptions(cluster, { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }),
  };
}

/** The namespace that the current context, or the pod's service account, is for. Default: `default`. */
export function currentNamespace(config: KubeConfig): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
}
