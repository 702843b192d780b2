/**
 * `make licences`: what everything that we use is under, as far as this machine knows without asking anybody. Exits 1 when a licence is none of those that are
 * allowed. What is distributed, docs/licences.md has in full.
 */
import { join } from 'node:path';
import { openstackVenv, schemathesisVenv, toolsDir } from '../binaries.ts';
import { bundledFolders } from './bundled.ts';
import { goModules } from './go.ts';
import { lockedPackages, type Package, refused } from './packages.ts';
import { counts, licencesPage } from './page.ts';
import { pythonPackages } from './python.ts';

const root = join(import.meta.dirname, '../..');
const bad: string[] = [];

function report(what: string, packages: readonly Package[]): void {
  bad.push(...refused(packages, 'used'));
  console.log(`licences: ${packages.length} ${what}${packages.length > 0 ? `: ${counts(packages)}` : ' on this machine'}`);
}

report('npm packages', [...lockedPackages(root).values()]);
report('Go modules of tools/go.mod', goModules(toolsDir));
report('Go modules of tools/gitops/go.mod', goModules(join(toolsDir, 'gitops')));
report('Go modules of tools/network-policies/go.mod', goModules(join(toolsDir, 'network-policies')));
report('Python packages of clients/openstack', pythonPackages(openstackVenv()));
report('Python packages of chaos/security', pythonPackages(schemathesisVenv()));
try {
  licencesPage(root, await bundledFolders());
} catch (error) {
  bad.push((error as Error).message);
}
for (const one of bad) console.error(`licences: ${one}`);
console.log(`licences: ${bad.length} that are not allowed`);
process.exitCode = bad.length > 0 ? 1 : 0;
