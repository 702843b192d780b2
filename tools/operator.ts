/** The operator as a process of its own, from source. */
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import { type ProcessIdentity, startProcess } from './processes.ts';
import { untilReady } from './readiness.ts';

export interface OperatorOptions {
  kubeconfigPath: string;
  /** Holds what the driver keeps of its amphorae. */
  stateDir: string;
  logFile: string;
  detached?: boolean;
  env?: NodeJS.ProcessEnv;
  /** Appended to the operator's flags. */
  flags?: readonly string[];
  /** Default 30 000. */
  readyTimeoutMs?: number;
}

/**
 * Starts `reflavor operator` with the driver `process` and waits until its /readyz answers 200.
 * @throws with the end of its log when it ends before that, or takes longer than `readyTimeoutMs`
 */
export async function startOperator(options: OperatorOptions): Promise<ProcessIdentity> {
  const { kubeconfigPath, stateDir, logFile, detached, env, flags = [], readyTimeoutMs = 30_000 } = options;
  const [health, metrics] = (await freePorts(2)) as [number, number];
  const identity = await startProcess({
    name: 'operator',
    command: process.execPath,
    args: [
      join(import.meta.dirname, '../src/main.ts'),
      'operator',
      `--kubeconfig=${kubeconfigPath}`,
      '--driver=process',
      `--state-dir=${stateDir}`,
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
