import { join } from 'node:path';
import { builtDir } from '../../tools/binaries.ts';
import { endProcess, logTail, startProcess } from '../../tools/processes.ts';
import { use } from './use.ts';

/**
 * Some of Kubernetes' own controllers on a control plane that has none, for as long as a suite runs. Names as in
 * `kube-controller-manager --controllers`.
 */
export function useControllers(controlPlane: { dir: string; kubeconfigPath: string }, controllers: readonly string[]): { log(): string } {
  const start = async () => {
    const logFile = join(controlPlane.dir, 'kube-controller-manager.log');
    const identity = await startProcess({
      name: 'kube-controller-manager',
      command: join(builtDir('cluster'), 'kube-controller-manager'),
      args: [
        `--kubeconfig=${controlPlane.kubeconfigPath}`,
        `--controllers=${controllers.join()}`,
        '--leader-elect=false',
        '--secure-port=0',
      ],
      logFile,
    });
    return { identity, log: () => logTail(logFile) };
  };
  return use('kube-controller-manager', start, ({ identity }) => endProcess(identity, { graceMs: 3_000 }));
}
