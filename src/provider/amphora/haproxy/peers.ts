import type { Configuration } from '../configuration.ts';
import { canonicalAddress, endpoint } from './address.ts';
import { mutualTls } from './control-sections.ts';
import type { TlsFiles } from './environment.ts';
import type { Section } from './text.ts';

/** Name of the section that the stick tables refer to. */
export const PEERS_SECTION = 'amphorae';

/** Port of every amphora, on its own address, where the others fetch its stick tables. No listener can have it. */
export const PEERS_PORT = 61025;

/** Peers of a load balancer, from birth: a section whose names change would need a reload of the old amphorae, which they would lose traffic by. */
const PEERS = 8;

/**
 * A connection that can't be made, to no machine at all: for peers that have no address yet or none that matters here. HAProxy wants an
 * address of each; those that know ours connect by themselves, and one connection serves both ways (peers protocol).
 */
const NOWHERE = 'unix@/dev/null/no-such-peer';

/** Name of a peer, as it stands in the section and in `localpeer`. */
export function peerName(peer: number): string {
  return `peer${peer}`;
}

/**
 * With an identity, peers speak mutual TLS; in that form the own address stands in a line of its own (manual section 3.5).
 *
 * @param bind `address:port` where this amphora's own tables are served.
 */
export function peersSection(configuration: Pick<Configuration, 'peer' | 'peers'>, bind: string, tls?: TlsFiles): Section {
  const keyword = tls ? 'server' : 'peer';
  const lines = Array.from({ length: PEERS }, (_, peer) => {
    if (peer === configuration.peer) return [keyword, peerName(peer), ...(tls ? [] : [bind])];
    const address = canonicalAddress(configuration.peers.find((other) => other.peer === peer)?.address ?? '');
    return [keyword, peerName(peer), address === undefined ? NOWHERE : endpoint(address, PEERS_PORT)];
  });
  const identity = tls
    ? [
        ['bind', bind, ...mutualTls(tls)],
        ['default-server', ...mutualTls(tls)],
      ]
    : [];
  return { opening: ['peers', PEERS_SECTION], lines: [...identity, ...lines] };
}
