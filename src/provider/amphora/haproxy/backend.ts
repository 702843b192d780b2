import type { LbAlgorithm } from '../../../api/index.ts';
import type { Configuration } from '../configuration.ts';
import { checkLines } from './check.ts';
import type { Files } from './files.ts';
import { milliseconds } from './milliseconds.ts';
import { persistenceLines } from './persistence.ts';
import type { Backend } from './plan.ts';
import { commonServerWords, serverWords } from './servers.ts';
import type { Line, Section } from './text.ts';

/**
 * SOURCE_IP hashes consistently: a member that comes or goes moves its own clients only, and members can be added at run time. The
 * avalanche spreads neighbouring addresses, which would all fall on one member otherwise.
 */
const balance: Record<LbAlgorithm, Line[]> = {
  ROUND_ROBIN: [['balance', 'roundrobin']],
  LEAST_CONNECTIONS: [['balance', 'leastconn']],
  SOURCE_IP: [
    ['balance', 'source'],
    ['hash-type', 'consistent', 'sdbm', 'avalanche'],
  ],
  SOURCE_IP_PORT: [
    ['balance', 'source'],
    ['hash-type', 'consistent', 'sdbm', 'avalanche'],
  ],
};

/** A pool with its members. */
export function backendSection(backend: Backend, secrets: Configuration['secrets'], files: Files, options: { peers: boolean }): Section {
  const common = commonServerWords(backend, secrets, files);
  return {
    opening: ['backend', backend.name],
    lines: [
      ['mode', backend.mode],
      ...balance[backend.pool.lbAlgorithm],
      ...persistenceLines(backend, options.peers),
      ['option', 'allbackups'],
      ['timeout', 'connect', milliseconds(backend.timeoutConnect)],
      ['timeout', 'server', milliseconds(backend.timeoutServer)],
      ...checkLines(backend),
      ...(common.length > 0 ? [['default-server', ...common]] : []),
      ...backend.servers.map((server) => ['server', server.name, ...serverWords(server), ...(server.enabled ? [] : ['disabled'])]),
    ],
  };
}
