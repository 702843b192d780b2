import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DISTRIBUTED, isAllowed, USED } from './allowed.ts';

/** Something that we use. */
export interface Package {
  name: string;
  version: string;
  /** An SPDX expression; empty where nothing says. */
  licence: string;
}

/** All that package-lock.json has, by the folder that it stands in. It holds the licence of each, also of those for another platform. */
export function lockedPackages(root: string): Map<string, Package> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; license?: string }>;
  };
  return new Map(
    Object.entries(packages)
      .filter(([folder]) => folder !== '')
      .map(([folder, { version, license = '' }]) => [folder, { name: folder.split('node_modules/').at(-1)!, version, licence: license }]),
  );
}

/** The folder of the package that a file belongs to; undefined for our own. @param file relative to the checkout */
export const folderOf = (file: string): string | undefined => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

/** The folders of the packages that files belong to. @param files relative to the checkout */
export const foldersOf = (files: readonly string[]): Set<string> => new Set(files.flatMap((file) => folderOf(file) ?? []));

/** Packages whose licence we can't keep to, in words. */
export function refused(packages: Iterable<Package>, use: 'distributed' | 'used'): string[] {
  const allowed = use === 'distributed' ? DISTRIBUTED : USED;
  return [...packages]
    .filter(({ licence }) => !isAllowed(licence, allowed))
    .map(({ name, version, licence }) => `${name} ${version} is ${use} under ${licence || 'no licence that is known'}`);
}
