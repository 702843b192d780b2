import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlane } from '../../tools/controlplane.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface ProxiedAccess {
  /** An administrator's, by way of the proxy. */
  kubeconfigPath: string;
  proxy: TcpProxy;
  close(): Promise<void>;
}

/** Another way to the same API server, that a test can break. */
export async function throughProxy(controlPlane: ControlPlane): Promise<ProxiedAccess> {
  const { hostname, port } = new URL(controlPlane.url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-proxy-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  await writeFile(kubeconfigPath, controlPlane.adminKubeconfig.replace(controlPlane.url, `https://127.0.0.1:${proxy.port}`));
  return {
    kubeconfigPath,
    proxy,
    async close() {
      await proxy.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
