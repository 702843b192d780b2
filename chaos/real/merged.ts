/**
 * What all of these yield, as it comes. When the reader leaves, or one of them throws, the others are ended after what they are at.
 */
export async function* merged<T>(generators: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (generator: AsyncGenerator<T>) => generator.next().then((result) => ({ generator, result }));
  const waiting = new Map(generators.map((generator) => [generator, next(generator)]));
  try {
    while (waiting.size > 0) {
      const { generator, result } = await Promise.race(waiting.values());
      if (result.done) {
        waiting.delete(generator);
      } else {
        waiting.set(generator, next(generator));
        yield result.value;
      }
    }
  } finally {
    await Promise.allSettled(waiting.values());
    await Promise.allSettled(generators.map((generator) => generator.return(undefined)));
  }
}
