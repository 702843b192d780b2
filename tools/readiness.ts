/** Waiting for a process of one's own until it answers. */
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isRunning, logTail, type ProcessIdentity } from './processes.ts';

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
