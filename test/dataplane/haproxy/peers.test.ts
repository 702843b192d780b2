import { randomInt } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import type { Configuration } from '../../../src/provider/amphora/configuration.ts';
import { PEERS_PORT, readLoaded } from '../../../src/provider/amphora/haproxy/index.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Members, startMembers } from '../../../tools/traffic/members.ts';
import { eventually } from '../../support/eventually.ts';
import { configuration, listener, pool, startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { request } from '../../support/request.ts';

jest.setTimeout(60_000);

let members: Members;
const running: TestHaproxy[] = [];

beforeAll(async () => {
  members = await startMembers({ count: 3 });
});
afterAll(() => members?.close());
afterEach(async () => {
  for (const haproxy of running.splice(0)) await haproxy.stop();
});

/** Two loopback addresses that no other test has, since the port of peers is one and the same. */
const addresses = () => {
  const net = `127.${randomInt(1, 60)}.${randomInt(256)}`;
  return [`${net}.1`, `${net}.2`] as const;
};

async function start(
  address: string,
  given: Pick<Configuration, 'peer' | 'peers'>,
): Promise<{ haproxy: TestHaproxy; ask: (i: number) => Promise<string> }> {
  const [port] = (await freePorts(1)) as [number];
  const pools = [
    pool(
      members.members.map((member) => ({ protocolPort: member.port })),
      { sessionPersistence: { type: 'SOURCE_IP' } },
    ),
  ];
  const haproxy = await startHaproxy(configuration({ listeners: [listener({ protocolPort: port })], pools, ...given }), {
    address,
    peersBind: `${address}:${PEERS_PORT}`,
  });
  running.push(haproxy);
  return { haproxy, ask: async (i) => String((await request({ address, port, localAddress: `127.0.9.${i}` })).headers['x-member']) };
}

test('the younger amphora learns the stick tables of the older, which never knew its address, and goes on learning', async () => {
  const [older, younger] = addresses();
  const old = await start(older, { peer: 0, peers: [{ peer: 1 }] });
  const before: string[] = [];
  for (let i = 1; i <= 20; i++) before.push(await old.ask(i));
  const peers = [{ peer: 0, address: older }];
  const next = await start(younger, { peer: 1, peers });
  await eventually(async () => expect((await readLoaded(next.haproxy.control.worker, peers)).stickTablesSynced).toBe(true), {
    withinMs: 20_000,
  });
  for (let i = 1; i <= 20; i++) expect(await next.ask(i)).toBe(before[i - 1]);
  const later = await old.ask(30);
  const entries = async () => (await next.haproxy.control.worker('show table pool:app')).match(/^0x/gm)?.length;
  await eventually(async () => expect(await entries()).toBe(21));
  expect(await next.ask(30)).toBe(later);
});

test('tables that could not be fetched are not said to be there', async () => {
  const [older, younger] = addresses();
  const peers = [{ peer: 0, address: older }];
  const next = await start(younger, { peer: 1, peers });
  await noLongerWaiting(next.haproxy);
  expect((await readLoaded(next.haproxy.control.worker, peers)).stickTablesSynced).toBe(false);
  expect((await readLoaded(next.haproxy.control.worker, [{ peer: 0 }])).stickTablesSynced).toBe(true);
});

test('a reload keeps the tables, once the process has stopped waiting to be taught itself', async () => {
  const [address] = addresses();
  const { haproxy, ask } = await start(address, { peer: 0, peers: [] });
  const before = await Promise.all([1, 2, 3, 4, 5].map(ask));
  await noLongerWaiting(haproxy);
  await haproxy.control.reload();
  await eventually(async () => expect((await haproxy.control.worker('show table pool:app')).match(/^0x/gm)).toHaveLength(5));
  expect(await Promise.all([1, 2, 3, 4, 5].map(ask))).toEqual(before);
});

/** A process waits for its forerunner and then for a remote peer to teach it, five seconds each, before it is complete by itself. */
async function noLongerWaiting({ control }: TestHaproxy): Promise<void> {
  const flags = async () => Number.parseInt(/flags=0x([0-9a-f]+)/.exec(await control.worker('show peers'))![1]!, 16);
  await eventually(async () => expect((await flags()) & 3).toBe(3), { withinMs: 40_000 });
}
