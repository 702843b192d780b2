import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationRefused, DriverError } from '../driver.ts';
import type { MasterControl } from '../haproxy/index.ts';

/** A kubelet that was nudged has brought a Secret's files in after this; most often. */
const firstMs = 400;
const againMs = 300;
/** Each reload of the old files leaves a worker behind that may take a while to end: later ones come less often. */
const growth = 1.5;
const seldomMs = 5_000;
/** How often a kubelet is told once more. */
const nudgeMs = 2_000;
/** After this long, a kubelet that was told has what it was told of. */
const surelyMs = 5_000;
/** It looks by itself every minute or so: whoever waits for that comes back. */
const patienceMs = 30_000;

export interface Loading {
  control: Pick<MasterControl, 'reload'>;
  /** Whether the running process has loaded what is wanted. */
  isLoaded(): Promise<boolean>;
  /** Tells the kubelet once more that the Secret has changed. */
  nudge(times: number): Promise<void>;
  /** Called after a reload that took the old files: what had been changed at run time since is to be changed again. */
  tookOld(): Promise<void>;
  /** The files from before are known to be refused: a refusal may be theirs. */
  doubtRefusal: boolean;
  signal?: AbortSignal;
}

/**
 * Reloads HAProxy until it runs what its Secret has. Nobody tells when the kubelet has brought the files into the pod; a reload that comes too early
 * loads the old ones, which harms nothing, and the process says itself what it has loaded. What is refused twice in a row is refused.
 * @throws ConfigurationRefused; DriverError DriverFailed when the files don't come
 */
export async function loadFiles({ control, isLoaded, nudge, tookOld, doubtRefusal, signal }: Loading): Promise<void> {
  const startedAt = performance.now();
  const elapsed = () => performance.now() - startedAt;
  let nudges = 0;
  let refusals = 0;
  let pauseMs = againMs;
  await sleep(firstMs, undefined, { signal });
  for (;;) {
    try {
      await control.reload(signal);
      if (await isLoaded()) return;
      refusals = 0;
      await tookOld();
    } catch (error) {
      if (!(error instanceof ConfigurationRefused)) throw error;
      refusals++;
      // A kubelet that swaps the files while they are read has the old configuration look for files that are gone: the next look tells.
      if (refusals > 1 && (!doubtRefusal || elapsed() > surelyMs)) throw error;
    }
    if (elapsed() > patienceMs)
      throw new DriverError(
        'DriverFailed',
        `The kubelet has not brought the new configuration into the pod within ${patienceMs / 1000} s; what was loaded before serves on, and it is tried again.`,
      );
    if (elapsed() > (nudges + 1) * nudgeMs) await nudge(++nudges);
    await sleep(pauseMs, undefined, { signal });
    pauseMs = Math.min(pauseMs * growth, seldomMs);
  }
}
