import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { connects } from '../../../tools/traffic/connects.ts';

test('it says whether a connection is taken, from a port that no other client is given', async () => {
  const ports: (number | undefined)[] = [];
  const server = createServer((socket: Socket) => {
    ports.push(socket.remotePort);
    socket.resume();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  expect([await connects('127.0.0.1', port), await connects('127.0.0.1', port)]).toEqual([true, true]);
  server.close();
  await once(server, 'close');
  expect(await connects('127.0.0.1', port)).toBe(false);
  expect(new Set(ports).size).toBe(2);
  for (const taken of ports) expect(taken).toBeLessThan(32_768);
});
