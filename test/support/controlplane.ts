import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../../tools/controlplane.ts';
import { applyCrds, kubectl } from '../../tools/kubectl.ts';
import { use } from './use.ts';

export interface TestControlPlane extends ControlPlane {
  /** Runs the real kubectl as the administrator, or with the kubeconfig that is given; rejects with what it wrote to stderr. */
  kubectl(args: readonly string[], options?: { kubeconfig?: string; input?: string }): Promise<string>;
  /** Applies every file of crds/ and waits until the API server serves these kinds. */
  applyCrds(): Promise<void>;
}

/**
 * A control plane of this suite's own: up before its tests (3 s), gone after them. The value may be read inside hooks and tests only.
 * `crds: true` applies crds/ as well.
 */
export function useControlPlane({ crds = false, ...options }: { crds?: boolean } & Partial<ControlPlaneOptions> = {}): TestControlPlane {
  const start = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-test-'));
    const controlPlane = withKubectl(await startControlPlane({ dir, ...options }));
    if (crds) await controlPlane.applyCrds();
    return controlPlane;
  };
  return use('the control plane', start, async (controlPlane) => {
    await controlPlane.stop();
    await rm(controlPlane.dir, { recursive: true, force: true });
  });
}

function withKubectl(controlPlane: ControlPlane): TestControlPlane {
  return Object.assign(Object.create(controlPlane) as ControlPlane, {
    kubectl: (args: readonly string[], { kubeconfig = controlPlane.kubeconfigPath, input = '' } = {}) =>
      kubectl(kubeconfig, args, { input }),
    applyCrds: () => applyCrds(controlPlane.kubeconfigPath),
  });
}
