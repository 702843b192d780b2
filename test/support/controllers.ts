import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtDir } from '../../tools/binaries.ts';
import { endProcess, logTail, startProcess } from '../../tools/processes.ts';
import { use } from './use.ts';

/** What keeps them from running here: where the tests have a cluster elsewhere, nobody may have built them. */
export const noControllers =
  process.env.TEST_KUBECONFIG && !existsSync(builtDir('cluster')) ? 'Kubernetes’ controllers are not built here' : undefined;

/** A control plane that runs nothing but the API server. */
type Bare = { dir: string; kubeconfigPath: string };

/**
 * Some of Kubernetes' own controllers on a control plane that has none, for as long as a suite runs. Names as in
 * `kube-controller-manager --controllers`.
 */
export const useControllers = (controlPlane: Bare, controllers: readonly string[]) =>
  useProgram('kube-controller-manager', controlPlane, [`--controllers=${controllers.join()}`]);

/** Kubernetes' own scheduler on a control plane that has none, for as long as a suite runs. */
export const useScheduler = (controlPlane: Bare) => useProgram('kube-scheduler', controlPlane, []);

function useProgram(name: string, controlPlane: Bare, flags: readonly string[]): { log(): string } {
  const start = async () => {
    const logFile = join(controlPlane.dir, `${name}.log`);
    const identity = await startProcess({
      name,
      command: join(builtDir('cluster'), name),
      args: [`--kubeconfig=${controlPlane.kubeconfigPath}`, '--leader-elect=false', '--secure-port=0', ...flags],
      logFile,
    });
    return { identity, log: () => logTail(logFile) };
  };
  return use(name, start, ({ identity }) => endProcess(identity, { graceMs: 3_000 }));
}
