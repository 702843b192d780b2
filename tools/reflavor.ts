/** A command of `reflavor` as a process of its own, from source. */
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.ts';
import { endProcess, isRunning, logTail, type ProcessIdentity, startProcess } from './processes.ts';

export interface ReflavorOptions {
  kubeconfigPath: string;
  logFile: string;
  detached?: boolean;
  env?: NodeJS.ProcessEnv;
  /** Appended to its flags. */
  flags?: readonly string[];
  /** Default 30 000. */
  readyTimeoutMs?: number;
  /**
   * Arguments of Node that name a program with the same commands and flags. Default: `src/main.ts`; a bundle of it (tools/bundle.ts) starts in a third of
   * the time.
   */
  program?: readonly string[];
}

const main = join(import.meta.dirname, '../src/main.ts');

/**
 * Starts it and waits until its /readyz answers 200. `name`: as errors call it.
 * @throws with the end of its log when it ends before that, or takes longer than `readyTimeoutMs`
 */
export async function startReflavor(
  command: 'operator' | 'api',
  name: string,
  own: readonly string[],
  options: ReflavorOptions,
): Promise<ProcessIdentity> {
  const [health, metrics] = (await freePorts(2)) as [number, number];
  const { logFile, readyTimeoutMs = 30_000 } = options;
  const addresses = [`--health-bind-address=127.0.0.1:${health}`, `--metrics-bind-address=127.0.0.1:${metrics}`];
  const identity = await spawnReflavor(command, name, [...own, ...addresses], options);
  await untilReady(identity, { url: `http://127.0.0.1:${health}/readyz`, logFile, timeoutMs: readyTimeoutMs });
  return identity;
}

/** Starts it, and waits for nothing. */
export function spawnReflavor(
  command: 'operator' | 'api',
  name: string,
  own: readonly string[],
  { kubeconfigPath, logFile, program = [main], detached, env, flags = [] }: ReflavorOptions,
): Promise<ProcessIdentity> {
  const args = [...program, command, `--kubeconfig=${kubeconfigPath}`, ...own, ...flags];
  return startProcess({ name, command: process.execPath, args, logFile, env, detached });
}

/**
 * Waits until `url` answers 200.
 * @throws with the end of its log when the process ends before that, or takes longer than `timeoutMs`, when it is ended
 */
export async function untilReady(
  identity: ProcessIdentity,
  { url, logFile, timeoutMs }: { url: string; logFile: string; timeoutMs: number },
) {
  const { name } = identity;
  const deadline = performance.now() + timeoutMs;
  while (!(await answersOk(url))) {
    if (!isRunning(identity)) throw new Error(`the ${name} ended before it was ready\n${logTail(logFile)}`);
    if (performance.now() > deadline) {
      await endProcess(identity);
      throw new Error(`the ${name} was not ready after ${timeoutMs} ms\n${logTail(logFile)}`);
    }
    await sleep(100);
  }
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
