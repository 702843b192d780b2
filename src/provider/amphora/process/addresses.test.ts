import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AddressBook, amphoraAddresses, controlAddress, isAmphorae, portProblem, vipAddress, vipAddresses } from './addresses.ts';

let dir: string;
const usable = async () => true;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reflavor-'));
});
afterEach(async () => rm(dir, { recursive: true, force: true }));

test('each owner has an address of its own, and the same one whenever it asks', async () => {
  const owners = Array.from({ length: 50 }, (_, i) => `lb/amp-${i}`);
  const first = await Promise.all(owners.map((owner) => new AddressBook(dir).allocate(owner, amphoraAddresses, usable)));
  expect(new Set(first).size).toBe(50);
  expect(first.every((address) => /^127\.(6[4-9]|[78]\d|9[0-5])\.\d+\.\d+$/.test(address))).toBe(true);
  expect(await Promise.all(owners.map((owner) => new AddressBook(dir).allocate(owner, amphoraAddresses, usable)))).toEqual(first);
});

test('owners that ask for the same few addresses at once never get the same', async () => {
  const few = { first: vipAddresses.first + 1, size: 20 };
  const owners = Array.from({ length: 20 }, (_, i) => `lb-${i}/vip`);
  const given = await Promise.all(owners.map((owner) => new AddressBook(dir).allocate(owner, few, usable)));
  expect(new Set(given).size).toBe(20);
  await expect(new AddressBook(dir).allocate('late/vip', few, usable)).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
});

test('an address that can not be used is passed over', async () => {
  const few = { first: vipAddresses.first + 1, size: 2 };
  const only = async (address: string) => address.endsWith('.2');
  expect(await new AddressBook(dir).allocate('lb/vip', few, only)).toBe('127.128.0.2');
});

test('an address is freed by its owner alone', async () => {
  const book = new AddressBook(dir);
  await book.take('lb/vip', '127.128.0.7');
  await book.free('other/vip', '127.128.0.7');
  await expect(book.take('other/vip', '127.128.0.7')).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
  await book.free('lb/vip', '127.128.0.7');
  await book.take('other/vip', '127.128.0.7');
});

test('the claim of an owner of which nothing is left is void, and only one of those that want its address gets it', async () => {
  const there = new Set(['gone/vip', 'a/vip', 'b/vip', 'c/vip']);
  const book = new AddressBook(dir, async (owner) => there.has(owner));
  await book.take('gone/vip', '127.128.0.7');
  await expect(book.take('a/vip', '127.128.0.7')).rejects.toMatchObject({ reason: 'AddressNotAvailable' });
  there.delete('gone/vip');
  const outcomes = await Promise.allSettled(['a/vip', 'b/vip', 'c/vip'].map((owner) => book.take(owner, '127.128.0.7')));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
});

test('an address of the amphorae is known in every spelling', () => {
  for (const address of ['127.64.0.1', '127.127.255.254', '::ffff:127.96.0.1', '::ffff:7f60:1']) expect(isAmphorae(address)).toBe(true);
  for (const address of ['127.63.255.255', '127.128.0.0', '10.64.0.1', '::1', '2001:db8::1']) expect(isAmphorae(address)).toBe(false);
});

test('a VIP is at a loopback address where no amphora lives, in its one spelling', () => {
  for (const address of ['127.0.0.1', '127.63.255.254', '127.128.0.1', '127.200.14.7', '::1']) expect(vipAddress(address)).toBe(address);
  expect(vipAddress('0:0:0:0:0:0:0:1')).toBe('::1');
  for (const address of [
    '0.0.0.0',
    '::',
    '192.0.2.7',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '127.64.0.1',
    '127.96.0.1',
    '127.127.255.254',
    'localhost',
  ]) {
    expect(() => vipAddress(address)).toThrow(expect.objectContaining({ reason: 'AddressNotAvailable' }));
  }
});

test('the control address of an amphora is in a range of its own', () => {
  expect(controlAddress('127.64.3.4')).toBe('127.96.3.4');
  expect(controlAddress('127.95.255.254')).toBe('127.127.255.254');
});

test('a port that is taken is told of, also when it is taken on all addresses', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as { port: number };
  expect(await portProblem('127.128.0.7', port)).toMatchObject({ reason: 'PortInUse' });
  await new Promise((resolve) => server.close(resolve));
  expect(await portProblem('127.128.0.7', port)).toBeUndefined();
  expect(await portProblem('192.0.2.1', port)).toMatchObject({ reason: 'AddressNotAvailable' });
});
