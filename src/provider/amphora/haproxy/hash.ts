import { createHash } from 'node:crypto';
import type { Configuration } from '../configuration.ts';
import { assemble } from './assemble.ts';
import type { RenderEnvironment } from './environment.ts';

/** No driver's: addresses and paths of an amphora don't change what it does. */
const anywhere: RenderEnvironment = {
  bindAddress: '192.0.2.1',
  acceptProxy: true,
  filesDir: '/files',
  adminSocket: '/admin.sock',
  peersBind: '192.0.2.1:61025',
};

/**
 * What an amphora has loaded, in 32 hexadecimal digits, for the process to report as `CONFIG_HASH`. Covers all that is rendered, certificates
 * too, but for the members, which come and go without a reload (`membersRevision`), and for who the amphora and its peers are. The digests
 * of problems count, so that a listener that can't be served is looked at again when its cause changes.
 */
export function configurationHash(configuration: Configuration): string {
  const pools = configuration.pools.map((pool) => ({ ...pool, servers: [] }));
  const { config, files } = assemble({ ...configuration, pools, kept: undefined, peer: 0, peers: [] }, anywhere, '');
  const problems = configuration.problems.map(({ listener, digest }) => [listener, digest]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([config, Object.entries(files).sort(), problems]))
    .digest('hex')
    .slice(0, 32);
}
