/** Time, handed in so that a test can be its master. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump: for what is shown or shared, never for measuring. */
  now(): number;
  /** Milliseconds since some start; it never goes back. For measuring. */
  monotonic(): number;
  /** Runs `task` once, after `ms`. More than 24.8 days is cut to that. */
  setTimer(ms: number, task: () => void): Timer;
}

export interface Timer {
  /** After this the task does not run. Harmless when it already has. */
  cancel(): void;
}

/** setTimeout takes a signed 32-bit number and runs anything larger at once. */
const maxTimerMs = 2 ** 31 - 1;

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (ms, task) => {
    const timer = setTimeout(task, Math.min(Math.max(ms, 0), maxTimerMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after `ms`, or at once when the signal aborts: the caller looks at the signal to tell which. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimer(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
