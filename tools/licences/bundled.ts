import { packageInputs } from '../package/build.ts';
import { programInputs } from '../package/program.ts';
import { foldersOf } from './packages.ts';
import type { Bundles } from './page.ts';

/** The folders of the packages that the bundles are made of, by bundling them to nowhere. */
export async function bundledFolders(): Promise<Bundles> {
  return { image: foldersOf(await programInputs()), package: foldersOf(await packageInputs()) };
}
