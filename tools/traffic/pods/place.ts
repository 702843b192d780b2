import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Where in a cluster traffic or members are put, and how to get at it. */
export interface Place {
  kubeconfigPath: string;
  kubectl(args: readonly string[], options?: { input?: string }): Promise<string>;
  namespace: string;
  /** An image with Node 24, such as the operator's own. */
  image: string;
  /** Default: wherever the scheduler puts it. */
  nodeName?: string;
}

/** Runs kubectl in the namespace of a place. */
export const inside = ({ kubectl, namespace }: Place, args: string[], options?: { input?: string }): Promise<string> =>
  kubectl([`--namespace=${namespace}`, ...args], options);

/** A name that no other has. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`;

let bundle: Promise<string> | undefined;

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'program.ts')],
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
  });
  return outputFiles[0]!.text;
}

/** The ConfigMap that has program.ts as one file; pods mount it. */
export async function programConfigMap(name: string): Promise<object> {
  bundle ??= bundled();
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { 'program.mjs': await bundle } };
}

/** A pod that runs program.ts from that ConfigMap, under the restricted Pod Security Standard. */
export function programPod({ image, nodeName }: Place, configMap: string, container: object): Record<string, unknown> {
  return {
    ...(nodeName && { nodeName }),
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'main',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/program/program.mjs'],
        resources: { requests: { cpu: '50m', memory: '96Mi' } },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'program', mountPath: '/program' }],
        ...container,
      },
    ],
    volumes: [{ name: 'program', configMap: { name: configMap } }],
  };
}
