import { readFile } from 'node:fs/promises';
import type { OperatorOptions } from '../../tools/operator.ts';
import { spawnOperator } from '../../tools/operator.ts';
import { endProcess, isRunning, type ProcessIdentity } from '../../tools/processes.ts';

/** The operator as a process that is killed and started again. */
export class OperatorProcess {
  readonly #options: OperatorOptions;
  #running: Promise<ProcessIdentity> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #life = 0;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Counts the processes that there have been: who holds a request knows by it whether its sender is still alive. */
  get life(): number {
    return this.#life;
  }

  /** Does not wait until it is ready. */
  start(): Promise<void> {
    return this.#oneByOne(() => this.#start());
  }

  /** SIGKILL, and another one in its place; nothing where the one of this `life` has been killed before. */
  crash(life = this.#life): Promise<void> {
    return this.#oneByOne(async () => {
      if (life !== this.#life) return;
      await this.#end('SIGKILL');
      await this.#start();
    });
  }

  /** Ends it for good; SIGKILL is a crash. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    return this.#oneByOne(() => this.#end(signal));
  }

  /** As `kill -SIGNAL`. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const identity = await this.#running;
    if (identity && isRunning(identity)) process.kill(identity.pid, signal);
  }

  async isRunning(): Promise<boolean> {
    const identity = await this.#running;
    return identity !== undefined && isRunning(identity);
  }

  /** How it calls itself in a Lease, by its log; undefined before it has said so. */
  async identity(): Promise<string | undefined> {
    const log = await readFile(this.#options.logFile, 'utf8').catch(() => '');
    const starts = log.split('\n').filter((line) => line.includes('"starting"'));
    return starts.length < this.#life ? undefined : (JSON.parse(starts.at(-1)!) as { identity: string }).identity;
  }

  async #start(): Promise<void> {
    this.#life++;
    this.#running = spawnOperator(this.#options);
    await this.#running;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const identity = await this.#running;
    if (identity) await endProcess(identity, { signal, graceMs: 20_000 });
  }

  #oneByOne<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }
}
