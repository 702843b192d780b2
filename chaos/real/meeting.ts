/** Something that begins once all have come to where it is to befall them. */
export interface Meeting {
  /** To be called by each of them once, also by who gives up coming. Resolves once it has begun. */
  come(): Promise<void>;
  /** Resolves once it is over, rejects as it does. */
  readonly isOver: Promise<void>;
}

export function meeting(count: number, happen: () => Promise<void>): Meeting {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  // Whoever waits hears of it; nobody may be waiting.
  over.promise.catch(() => {});
  let missing = count;
  return {
    isOver: over.promise,
    come() {
      missing--;
      if (missing === 0) {
        happen().then(over.resolve, over.reject);
        begun.resolve();
      }
      return begun.promise;
    },
  };
}

/** The same as it is, done the first time only. */
export function once<T>(act: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
