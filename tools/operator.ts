/** The operator as a process of its own, from source. */
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.ts';
import { endProcess, isRunning, logTail, type ProcessIdentity, startProcess } from './processes.ts';

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
  const deadline = performance.now() + readyTimeoutMs;
  while (!(await answersOk(`http://127.0.0.1:${health}/readyz`))) {
    if (!isRunning(identity)) throw new Error(`the operator ended before it was ready\n${logTail(logFile)}`);
    if (performance.now() > deadline) {
      await endProcess(identity);
      throw new Error(`the operator was not ready after ${readyTimeoutMs} ms\n${logTail(logFile)}`);
    }
    await sleep(100);
  }
  return identity;
}

function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(false));
  });
}
