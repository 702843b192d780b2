/** The fewest of these that halving finds to be refused still; all of them where it takes more than one half together. */
export async function firstRefused<T>(all: readonly T[], isRefused: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  if (all.length === 1) return all;
  const middle = Math.floor(all.length / 2);
  for (const half of [all.slice(0, middle), all.slice(middle)]) if (await isRefused(half)) return firstRefused(half, isRefused);
  return all;
}
