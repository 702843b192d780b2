/** Loopback addresses, one for each amphora and each VIP. */
import { createHash } from 'node:crypto';
import { mkdir, readlink, symlink, unlink } from 'node:fs/promises';
import { BlockList, createServer, isIPv6 } from 'node:net';
import { join } from 'node:path';
import { DriverError } from '../driver.ts';
import { canonicalAddress } from '../haproxy/address.ts';
import { KeyedMutex } from '../mutex.ts';

/** A range of IPv4 addresses: its first address as a number, and how many there are. */
interface Range {
  first: number;
  size: number;
}

/** Amphorae listen for the VIP on addresses of 127.64.0.0/11. */
export const amphoraAddresses: Range = { first: 0x7f40_0000, size: 2 ** 21 };
/** VIPs that want no address of their own get one of 127.128.0.0/10. */
export const vipAddresses: Range = { first: 0x7f80_0000, size: 2 ** 22 };

/** What else an amphora listens on (for the VIP's checks, for its peers) is at an address of its own in 127.96.0.0/11, so that no port of a tenant can collide with it. */
export function controlAddress(amphoraAddress: string): string {
  const [, b, c, d] = amphoraAddress.split('.').map(Number);
  return `127.${b! + 32}.${c}.${d}`;
}

/**
 * The loopback address that is asked for as a VIP, in its one spelling.
 * @throws DriverError AddressNotAvailable for one that a client elsewhere could reach, or that amphorae live on
 */
export function vipAddress(wanted: string): string {
  const address = canonicalAddress(wanted);
  if (address === '::1' || (address?.startsWith('127.') && !isAmphorae(address))) return address;
  throw new DriverError(
    'AddressNotAvailable',
    `${wanted} can't be a VIP: choose a loopback address (127.0.0.0/8 without 127.64.0.0/10, where amphorae live, or ::1), or leave vip.address unset`,
  );
}

/** Whether it is in 127.64.0.0/10 (also written as `::ffff:127.64.0.1`), where the amphorae of all load balancers listen, for the VIP and for control. */
export const isAmphorae = (address: string) => ofAmphorae.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

const ofAmphorae = new BlockList();
ofAmphorae.addSubnet('127.64.0.0', 10);

/**
 * Which address is whose. A claim is a symbolic link from the address to its owner: made in one step or not at all, whoever else tries
 * and whenever the operator dies.
 */
export class AddressBook {
  readonly #dir: string;
  readonly #isThere: (owner: string) => Promise<boolean>;
  /** Claims are undone one by one, so that nobody undoes one that was made since it looked. */
  readonly #mutex = new KeyedMutex();

  /** `isThere` says of an owner whether anything is left of it; a claim of one that is gone is void. Default: all are there. */
  constructor(dir: string, isThere: (owner: string) => Promise<boolean> = async () => true) {
    this.#dir = dir;
    this.#isThere = isThere;
  }

  /**
   * Gives the owner an address of the range; the search begins where its name hashes to, so that it finds its own again. `isUsable`
   * says whether a free one can be used.
   * @throws DriverError AddressNotAvailable
   */
  async allocate(owner: string, range: Range, isUsable: (address: string) => Promise<boolean>): Promise<string> {
    const start = createHash('sha256').update(owner).digest().readUInt32BE(0);
    for (let i = 0; i < 1000; i++) {
      const address = dotted(range.first + ((start + i) % range.size));
      if (isReserved(address)) continue;
      const holder = await this.#holder(address);
      if (holder === owner) return address;
      if (holder === undefined && (await isUsable(address)) && (await this.#claim(address, owner))) return address;
    }
    throw new DriverError(
      'AddressNotAvailable',
      `no free loopback address was found for ${owner}: are there load balancers that can be deleted?`,
    );
  }

  /** Takes this very address. @throws DriverError AddressNotAvailable when it is another owner's */
  async take(owner: string, address: string): Promise<void> {
    if ((await this.#holder(address)) !== owner && !(await this.#claim(address, owner))) {
      throw new DriverError('AddressNotAvailable', `${address} is the VIP of another load balancer: choose another vip.address`);
    }
  }

  /** Frees the address, if it is the owner's. */
  free(owner: string, address: string): Promise<void> {
    return this.#mutex.run(address, async () => {
      if ((await this.#owner(address)) === owner) await unlink(join(this.#dir, address));
    });
  }

  /** Whose the address is, once a claim that is void has been undone. */
  async #holder(address: string): Promise<string | undefined> {
    const owner = await this.#owner(address);
    if (owner === undefined || (await this.#isThere(owner))) return owner;
    await this.free(owner, address);
    return this.#owner(address);
  }

  #owner(address: string): Promise<string | undefined> {
    return readlink(join(this.#dir, address)).catch(() => undefined);
  }

  async #claim(address: string, owner: string): Promise<boolean> {
    await mkdir(this.#dir, { recursive: true });
    try {
      await symlink(owner, join(this.#dir, address));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }
}

/** Why this port can't be listened on, as an error that says what to do; undefined when it can. */
export async function portProblem(address: string, port: number): Promise<DriverError | undefined> {
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  switch (error?.code) {
    case undefined:
      return undefined;
    case 'EADDRINUSE':
      return new DriverError(
        'PortInUse',
        `port ${port} of ${address} is taken by another program (perhaps on all addresses, 0.0.0.0): stop it, or use another protocolPort`,
      );
    case 'EACCES':
      return new DriverError(
        'PermissionDenied',
        `this user may not listen on port ${port}: use a protocolPort of 1024 or more, run the operator as root, or lower the sysctl net.ipv4.ip_unprivileged_port_start`,
      );
    case 'EADDRNOTAVAIL':
      return new DriverError(
        'AddressNotAvailable',
        `${address} is no address of this machine: choose another loopback address (127.0.0.0/8), or leave vip.address unset`,
      );
    default:
      return new DriverError('DriverFailed', `port ${port} of ${address} can't be listened on: ${error?.message}`);
  }
}

const dotted = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');

/** First and last of each block of 256, which people expect to mean a network or a broadcast. */
const isReserved = (address: string) => /\.(0|255)$/.test(address);
