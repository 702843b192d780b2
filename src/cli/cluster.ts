import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type Client, fromKubeConfig } from '../sdk/index.ts';

/** The flags by which kubectl's users choose a cluster. */
export interface ClusterOptions {
  kubeconfig?: string;
  context?: string;
  namespace?: string;
}

export interface Cluster {
  client: Client;
  /** Of `--namespace`, else of the context. */
  namespace: string;
}

/**
 * The cluster that kubectl would speak to with these flags.
 *
 * @throws Error saying what to do when there is no kubeconfig or no such context
 */
export function clusterOf(options: ClusterOptions, env: NodeJS.ProcessEnv): Cluster {
  const kubeConfig = loadKubeConfig(options, env);
  const context = kubeConfig.getContextObject(kubeConfig.getCurrentContext());
  return {
    client: fromKubeConfig(kubeConfig, { userAgent: 'kubectl-lb' }),
    namespace: options.namespace ?? context?.namespace ?? 'default',
  };
}

/** As kubectl does: `--kubeconfig`, else the files of `KUBECONFIG`, else `~/.kube/config`, else the pod's service account. */
export function loadKubeConfig({ kubeconfig, context }: ClusterOptions, env: NodeJS.ProcessEnv): KubeConfig {
  const config = kubeconfig ? fromFiles([kubeconfig]) : fromFiles(defaultFiles(env));
  if (!kubeconfig && config.getContexts().length === 0 && env.KUBERNETES_SERVICE_HOST) config.loadFromCluster();
  const contexts = config.getContexts().map(({ name }) => name);
  if (contexts.length === 0) throw new Error('no cluster to talk to: name a kubeconfig with --kubeconfig or KUBECONFIG');
  if (context !== undefined) config.setCurrentContext(context);
  const current = config.getCurrentContext();
  if (!contexts.includes(current)) {
    const wanted = current ? `the kubeconfig has no context "${current}"` : 'the kubeconfig has no current context';
    throw new Error(`${wanted}: choose one with --context (${contexts.join(', ')})`);
  }
  return config;
}

function defaultFiles(env: NodeJS.ProcessEnv): string[] {
  const files = env.KUBECONFIG ? env.KUBECONFIG.split(delimiter).filter(Boolean) : [join(env.HOME ?? homedir(), '.kube', 'config')];
  return files.filter((file) => existsSync(file));
}

/** Merged by kubectl's rule: of each name, and of the current context, the first that is set counts. client-node takes the last. */
function fromFiles(files: string[]): KubeConfig {
  const loaded = files.map((file) => {
    const config = new KubeConfig();
    try {
      config.loadFromFile(file);
    } catch (error) {
      throw new Error(`the kubeconfig ${file} can't be read: ${(error as Error).message}`, { cause: error });
    }
    return config;
  });
  const merged = new KubeConfig();
  merged.loadFromOptions({
    clusters: firstOfEachName(loaded.flatMap(({ clusters }) => clusters ?? [])),
    users: firstOfEachName(loaded.flatMap(({ users }) => users ?? [])),
    contexts: firstOfEachName(loaded.flatMap(({ contexts }) => contexts ?? [])),
    currentContext: loaded.map((config) => config.getCurrentContext()).find(Boolean) ?? '',
  });
  return merged;
}

const firstOfEachName = <T extends { name: string }>(items: T[]): T[] =>
  items.filter(({ name }, index) => items.findIndex((other) => other.name === name) === index);
