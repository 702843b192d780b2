import { createHash } from 'node:crypto';
import { PEERS_SECTION } from './peers.ts';
import type { Backend } from './plan.ts';
import { type Line, quoteArgument } from './text.ts';

/** Clients that a stick table remembers; past it, the longest unseen are forgotten. */
const TABLE_SIZE = '100k';

/** Whether the backend's persistence stands in a stick table, which amphorae then hand to each other. */
export function usesStickTable({ pool, mode }: Pick<Backend, 'pool' | 'mode'>): boolean {
  const type = pool.sessionPersistence?.type;
  return type === 'SOURCE_IP' || (type === 'APP_COOKIE' && mode === 'http');
}

/**
 * Lines of a backend that keep a client with its member. Cookies need HTTP; a TCP listener spreads such a pool's clients without it.
 *
 * HTTP_COOKIE: the value is HAProxy's keyed hash of the member's address and port ("dynamic", manual section 4.2, "cookie"), so that it
 * means the same member in every amphora and tells clients no address. APP_COOKIE: the table has the SHA-1 of the cookie, not the cookie:
 * no session can be read from it, and long ones that begin alike (JSON web tokens) stay apart.
 */
export function persistenceLines(backend: Backend, peers: boolean): Line[] {
  const { pool, mode, name, stickTable } = backend;
  const persistence = pool.sessionPersistence;
  if (persistence?.type === 'HTTP_COOKIE' && mode === 'http') {
    return [
      ['cookie', 'SRV', 'insert', 'indirect', 'nocache', 'dynamic'],
      ['dynamic-cookie-key', createHash('sha256').update(`${backend.seed}/${pool.name}`).digest('hex')],
    ];
  }
  if (!persistence || !usesStickTable(backend)) return [];
  const [type, ...rules]: [string[], ...Line[]] =
    persistence.type === 'SOURCE_IP'
      ? [['ipv6'], ['stick', 'on', 'src', 'table', stickTable]]
      : [
          ['binary', 'len', '20'],
          ['stick', 'match', `req.cook(${quoteArgument(persistence.cookieName ?? '')}),sha1`, 'table', stickTable],
          ['stick', 'store-response', `res.cook(${quoteArgument(persistence.cookieName ?? '')}),sha1`, 'table', stickTable],
        ];
  const table: Line = ['stick-table', 'type', ...type, 'size', TABLE_SIZE, ...(peers ? ['peers', PEERS_SECTION] : [])];
  return name === stickTable ? [table, ...rules] : rules;
}
