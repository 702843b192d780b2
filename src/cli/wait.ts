import { setTimeout as sleep } from 'node:timers/promises';
import { Listr, ListrDefaultRendererLogLevels, ListrLogLevels, type ListrTask } from 'listr2';
import { GOALS } from '../api/names.ts';
import type { LoadBalancer, Progress } from '../sdk/index.ts';
import { shortDuration } from './durations.ts';
import type { Io } from './io.ts';
import { goalOutput } from './views/progress.ts';

const UNPAINTED = Object.fromEntries(
  [...Object.values(ListrDefaultRendererLogLevels), ...Object.values(ListrLogLevels)].map((level) => [level, (text = '') => text]),
);

/** Shows a wait goal by goal: as a list that moves on a terminal, as plain lines elsewhere. Resolves and rejects as the wait does. */
export async function showWait(steps: AsyncGenerator<Progress, LoadBalancer>, io: Io): Promise<LoadBalancer> {
  const wait = new Wait(steps, io.isTerminal);
  const tasks: ListrTask[] = GOALS.map((name) => ({
    title: name,
    task: async (_, task) => {
      const isMet = ({ goals }: Progress) => goals.some((goal) => goal.name === name && goal.met);
      const show = (progress: Progress) => {
        task.output = goalOutput(progress);
      };
      const last = await wait.until(isMet, show).catch((error: Error) => {
        // The whole story is told once, after the list.
        throw new Error(error.name);
      });
      const goal = last?.goals.find((candidate) => candidate.name === name);
      if (!goal?.met) return void task.skip(`${name}: nothing to do`);
      task.title = `${name}  after ${shortDuration(goal.afterSeconds!)}`;
    },
  }));
  // Older Nodes paint whatever the terminal and NO_COLOR say.
  const color = io.paint('red', '') === '' ? UNPAINTED : {};
  const list = new Listr(tasks, {
    renderer: io.isTerminal ? 'default' : 'simple',
    rendererOptions: { color, showErrorMessage: false, collapseErrors: false } as object,
    registerSignalListeners: false,
    exitOnError: true,
  });
  await list.run().catch(() => {});
  return wait.end;
}

/** How often the time beside the goal at hand moves on; milliseconds. */
const TICK_MS = 1000;

/** The steps of a wait, for those who wait for one of them each. */
class Wait {
  readonly end: Promise<LoadBalancer>;
  readonly #ticks: boolean;
  #last: Progress | undefined;
  #lastAt = 0;
  #over = false;
  #wake = Promise.resolve();
  #wakeUp = () => {};

  /** @param ticks show a step again while none comes, with the time that it is then */
  constructor(steps: AsyncGenerator<Progress, LoadBalancer>, ticks: boolean) {
    this.#ticks = ticks;
    this.#sleepAgain();
    this.end = this.#follow(steps);
    this.end.catch(() => {});
  }

  /** The first step that is so, or the last of all; every one before is shown. Rejects as the wait does. */
  async until(isSo: (progress: Progress) => boolean, show: (progress: Progress) => void): Promise<Progress | undefined> {
    for (;;) {
      const last = this.#last;
      if (last && isSo(last)) return last;
      if (this.#over) {
        await this.end;
        return last;
      }
      if (last) show({ ...last, elapsedSeconds: last.elapsedSeconds + (performance.now() - this.#lastAt) / 1000 });
      const wake = this.#wake;
      if (!this.#ticks) await wake;
      else {
        const stop = new AbortController();
        await Promise.race([wake, sleep(TICK_MS, undefined, { signal: stop.signal }).catch(() => {})]);
        stop.abort();
      }
    }
  }

  async #follow(steps: AsyncGenerator<Progress, LoadBalancer>): Promise<LoadBalancer> {
    try {
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
        this.#last = value;
        this.#lastAt = performance.now();
        this.#sleepAgain();
      }
    } finally {
      this.#over = true;
      this.#sleepAgain();
    }
  }

  /** Wakes all who wait; who waits from now on waits for the next step. */
  #sleepAgain(): void {
    this.#wakeUp();
    this.#wake = new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
  }
}
