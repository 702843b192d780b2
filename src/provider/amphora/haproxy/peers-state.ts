import type { Configuration } from '../configuration.ts';

/** `RESYNC_LOCAL` and `RESYNC_REMOTE`: nothing more is to be learnt, or waiting for it has been given up. */
const RESYNC_OVER = 0x3;
/**
 * That a peer, this process's forerunner or another amphora, has taught all it had: 0x100 and 0x200 up to HAProxy 2.9, 0x1000000 and 0x2000000
 * from 3.0 on, bits which have no other meaning in either (include/haproxy/peers-t.h).
 */
const TAUGHT = 0x100 | 0x200 | 0x1000000 | 0x2000000;

/**
 * That a peer taught what it had but called it partial: one does in its first ten seconds or so, while it still waits for somebody to learn from
 * itself. It never teaches again by itself, and nobody has more.
 */
const PARTIAL = 0x400 | 0x800 | 0x4000000 | 0x8000000;

/**
 * Whether the stick tables have all that those of older amphorae had, from `show peers`: learnt to the end, not given up after five seconds.
 * True where no table is shared and where no older amphora has an address to learn from.
 */
export function stickTablesSynced(showPeers: string, peers: Configuration['peers']): boolean {
  const flags = /^0x[0-9a-f]+: .*\bflags=0x([0-9a-f]+)/m.exec(showPeers)?.[1];
  if (flags === undefined || peers.every(({ address }) => address === undefined)) return true;
  const bits = Number.parseInt(flags, 16);
  return (bits & RESYNC_OVER) === RESYNC_OVER && (bits & (TAUGHT | PARTIAL)) !== 0;
}
