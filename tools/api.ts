/** The REST API as a process of its own, from source, and an admin's token for it. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { freePorts, listenerOn } from './ports.ts';
import { type ProcessIdentity, startProcess } from './processes.ts';
import { untilReady } from './readiness.ts';

export interface ApiOptions {
  kubeconfigPath: string;
  /** Of 127.0.0.1. */
  port: number;
  logFile: string;
  detached?: boolean;
  env?: NodeJS.ProcessEnv;
  /** Appended to the API's flags. */
  flags?: readonly string[];
  /** Default 30 000. */
  readyTimeoutMs?: number;
}

/**
 * Starts `reflavor api` and waits until its /readyz answers 200.
 * @throws saying who has the port when it is taken; with the end of its log when it ends before it is ready
 */
export async function startApi(options: ApiOptions): Promise<ProcessIdentity> {
  const { kubeconfigPath, port, logFile, detached, env, flags = [], readyTimeoutMs = 30_000 } = options;
  const holder = await listenerOn(port);
  if (holder) throw new Error(`the API can't listen on 127.0.0.1:${port}, which ${holder} has: end that first`);
  const [health, metrics] = (await freePorts(2)) as [number, number];
  const identity = await startProcess({
    name: 'API',
    command: process.execPath,
    args: [
      join(import.meta.dirname, '../src/main.ts'),
      'api',
      `--kubeconfig=${kubeconfigPath}`,
      `--bind-address=127.0.0.1:${port}`,
      `--health-bind-address=127.0.0.1:${health}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      ...flags,
    ],
    logFile,
    env,
    detached,
  });
  await untilReady(identity, { url: `http://127.0.0.1:${health}/readyz`, logFile, timeoutMs: readyTimeoutMs });
  return identity;
}

/** Gives a service account of the namespace `default` every right, and writes a token of it, good for a year, to a file that its owner alone may read. */
export async function writeAdminToken(kubeconfigPath: string, file: string): Promise<void> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'admin', namespace: 'default' } };
  const binding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'reflavor-admin' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'admin', namespace: 'default' }],
  };
  for (const object of [account, binding]) await kubectl(kubeconfigPath, ['apply', '--filename=-'], { input: JSON.stringify(object) });
  const token = await kubectl(kubeconfigPath, ['create', 'token', 'admin', '--namespace=default', '--duration=8760h']);
  await writeFile(file, token, { mode: 0o600 });
  await chmod(file, 0o600); // a file that was there already keeps its mode
}
