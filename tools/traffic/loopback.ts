import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Returns the loopback address that `host` stands for: an address in 127.0.0.0/8, `::1` (brackets allowed), or `localhost`,
 * which is taken as 127.0.0.1 without asking a resolver. Throws a RangeError for anything else: this traffic is a load that
 * must not be let loose on another machine.
 */
export function requireLoopback(host: string): string {
  const address = host === 'localhost' ? '127.0.0.1' : host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  if (family === 0 || !loopback.check(address, family === 4 ? 'ipv4' : 'ipv6')) {
    throw new RangeError(`traffic goes to loopback addresses only (127.0.0.0/8, ::1 or localhost), not to ${host}`);
  }
  return address;
}

const ownNetwork = new BlockList();
for (const [address, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  ownNetwork.addSubnet(address, prefix, 'ipv4');
ownNetwork.addSubnet('fc00::', 7, 'ipv6');

/** As `requireLoopback`, for programs in a pod: also the addresses that a cluster gives itself, which no router of the internet knows. */
export function requireOwnNetwork(host: string): string {
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(address);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (family !== 0 && (ownNetwork.check(address, type) || loopback.check(address, type))) return address;
  throw new RangeError(`traffic of a pod goes to private addresses only (RFC 1918, 6598, 4193), not to ${host}`);
}
