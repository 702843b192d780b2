/** Runs tasks of the same key one after the other, in the order of asking; those of different keys don't wait for each other. */
export class KeyedMutex {
  /** Invariant: a key is here exactly while a task of it runs or waits. */
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves or rejects as the task does; a task that rejects doesn't hold up the next. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(task);
    const done = result.then(
      () => {},
      () => {},
    );
    this.#last.set(key, done);
    try {
      return await result;
    } finally {
      if (this.#last.get(key) === done) this.#last.delete(key);
    }
  }
}
