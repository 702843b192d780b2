// Exits 0 when node_modules holds exactly the versions of package-lock.json. Plain JavaScript: it runs before Node 24 is there.
import { readFileSync } from 'node:fs';

const packagesOf = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).packages;

function isFresh() {
  try {
    const [wanted, installed] = [packagesOf('../package-lock.json'), packagesOf('../node_modules/.package-lock.json')];
    // An optional package may be for another platform.
    return Object.entries(wanted).every(
      ([path, { version, optional, devOptional }]) =>
        path === '' || installed[path]?.version === version || (!installed[path] && (optional || devOptional)),
    );
  } catch {
    return false;
  }
}

process.exitCode = isFresh() ? 0 : 1;
