/** The REST API as a process of its own, from source, and an admin's token for it. */
import { chmod, writeFile } from 'node:fs/promises';
import { kubectl } from './kubectl.ts';
import { listenerOn } from './ports.ts';
import type { ProcessIdentity } from './processes.ts';
import { type ReflavorOptions, startReflavor } from './reflavor.ts';

export interface ApiOptions extends ReflavorOptions {
  /** Of 127.0.0.1. */
  port: number;
}

/** Starts `reflavor api`. @throws saying who has the port when it is taken; as {@link startReflavor} does */
export async function startApi({ port, ...options }: ApiOptions): Promise<ProcessIdentity> {
  const holder = await listenerOn(port);
  if (holder) throw new Error(`the API can't listen on 127.0.0.1:${port}, which ${holder} has: end that first`);
  return startReflavor('api', 'API', [`--bind-address=127.0.0.1:${port}`], options);
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
