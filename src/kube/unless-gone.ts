import { isNotFound } from './errors.ts';

/** What an act on an object gives; undefined where there is no such object, so that nothing is left to be done. */
export async function unlessGone<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
