/** The root of a small Debian, from the mirror that this machine uses itself or `DEBIAN_MIRROR` names. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';

/**
 * Installs `packages` and what they need into the folder `root`, which must not exist yet. Documentation and translations are left out.
 * @throws where debootstrap fails, with the end of its words
 */
export async function debianRoot(root: string, suite: string, packages: readonly string[]): Promise<void> {
  const mirror = debianMirror();
  await run('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, root, mirror]);
  // As in the images of the Docker library: what apt downloads and computes does not stay in a layer.
  await writeFile(
    join(root, 'etc/apt/apt.conf.d/docker-clean'),
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; APT::Keep-Downloaded-Packages "false"; DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n',
  );
  await writeFile(join(root, 'etc/apt/sources.list'), `deb ${mirror} ${suite} main\n`);
  const unused = [
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
    'usr/share/info',
    'var/lib/apt/lists',
    'var/cache/apt',
    'debootstrap',
  ];
  await run('find', [join(root, 'var/log'), '-type', 'f', '-delete']);
  await Promise.all(unused.map((path) => rm(join(root, path), { recursive: true, force: true })));
}

/**
 * `DEBIAN_MIRROR`, or the first archive of Debian proper that apt's sources name, in either of their two formats (sources.list(5)).
 * @throws when there is none
 */
export function debianMirror(env: NodeJS.ProcessEnv = process.env, sources: string = aptSources()): string {
  if (env.DEBIAN_MIRROR) return env.DEBIAN_MIRROR;
  const uris = [...sources.matchAll(/^(?:deb\s+(?:\[.*?\]\s+)?|URIs:\s*)(https?:\/\/\S+)/gm)].map(([, uri]) => uri as string);
  const mirror = uris.find((uri) => /\/debian\/?$/.test(uri));
  if (!mirror) throw new Error('/etc/apt names no mirror of Debian, whose packages the images are made from; set DEBIAN_MIRROR to one');
  return mirror;
}

function aptSources(): string {
  const list = (dir: string) => {
    try {
      return readdirSync(dir).map((file) => join(dir, file));
    } catch {
      return [];
    }
  };
  return ['/etc/apt/sources.list', ...list('/etc/apt/sources.list.d')]
    .flatMap((file) => {
      try {
        return [readFileSync(file, 'utf8')];
      } catch {
        return [];
      }
    })
    .join('\n');
}
