import { isIP, SocketAddress } from 'node:net';

/** The address as inet_ntop(3) writes it, which is how HAProxy reports it; undefined where it is none. A zone (`%eth0`) is refused. */
export function canonicalAddress(address: string): string | undefined {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return undefined;
  return family === 4 ? address : new SocketAddress({ address, family: 'ipv6' }).address;
}

/** The address, in brackets if it is IPv6: HAProxy takes the last colon for that of a port. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** `address:port`, IPv6 in brackets. */
export function endpoint(address: string, port: number): string {
  return `${bracketed(address)}:${port}`;
}

/** Whether this is a network as HAProxy takes it in `src`: an address and a prefix length that fits it. */
export function isCidr(cidr: string): boolean {
  const [address = '', prefix = '', ...rest] = cidr.split('/');
  return (
    rest.length === 0 &&
    canonicalAddress(address) !== undefined &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (isIP(address) === 4 ? 32 : 128)
  );
}
