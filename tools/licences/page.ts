import { lockedPackages, type Package, refused } from './packages.ts';

/** What is bundled into what we give to others, by the folders of its packages. */
export interface Bundles {
  image: ReadonlySet<string>;
  package: ReadonlySet<string>;
}

/** docs/licences.md. @throws Error naming packages with a licence that is not allowed */
export function licencesPage(root: string, bundles: Bundles): string {
  const locked = lockedPackages(root);
  const folders = [...locked.keys()].filter((folder) => bundles.image.has(folder) || bundles.package.has(folder));
  const lost = [...bundles.image, ...bundles.package].filter((folder) => !locked.has(folder));
  const bad = [
    ...lost.map((folder) => `${folder} is not in package-lock.json`),
    ...refused(
      folders.map((folder) => locked.get(folder)!),
      'distributed',
    ),
    ...refused(locked.values(), 'used'),
  ];
  if (bad.length > 0) throw new Error(`licences: ${bad.join('; ')}`);
  const rows = folders.map((folder) => {
    const { name, version, licence } = locked.get(folder)!;
    return `| ${name} | ${version} | ${licence} | ${bundles.image.has(folder) ? 'yes' : ''} | ${bundles.package.has(folder) ? 'yes' : ''} |`;
  });
  const others = [...locked].filter(([folder]) => !folders.includes(folder)).map(([, one]) => one);
  return `# Licences

Reflavor is under the [Apache License 2.0](../LICENSE). What it has of others is under licences that ask for no more than their text and their notices, which go
with it: \`THIRD-PARTY-LICENSES.txt\` in the image of the operator and in the npm package.

\`make verify\` fails when a package comes in whose licence is not in [the list of those that are allowed](../tools/licences/allowed.ts), and \`make licences\` looks
at the Go modules and Python packages of the tools and tests as well, where they are on the machine.

## What is given to others

| package | version | licence | image | npm package |
|---|---|---|---|---|
${rows.sort().join('\n')}

The image has [Node.js](https://github.com/nodejs/node/blob/main/LICENSE) beside it, and HAProxy (GPL-2.0-or-later), which runs as a program of its own.
Amphorae in pods run HAProxy's own image, which is not ours.

## What is used here alone

${others.length} npm packages build and test it, or stand in package-lock.json for other platforms: ${counts(others)}.
`;
}

/** `460 MIT, 52 Apache-2.0`: the most frequent first. */
export function counts(packages: readonly Package[]): string {
  const byLicence = new Map<string, number>();
  for (const { licence } of packages) byLicence.set(licence, (byLicence.get(licence) ?? 0) + 1);
  return [...byLicence]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([licence, count]) => `${count} ${licence}`)
    .join(', ');
}
