import { once } from 'node:events';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Members, type MembersOptions, startMembers } from '../../../tools/traffic/members.ts';
import { firstWrongByte } from '../../../tools/traffic/payload.ts';

let running: Members | undefined;

afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function oneMember(options: MembersOptions = {}) {
  running = await startMembers({ count: 1, ...options });
  const member = running.members[0]!;
  return { member, url: `http://127.0.0.1:${member.port}` };
}

/** Sends bytes on a connection of its own and returns all that comes back. */
async function exchange(port: number, data: string | Buffer): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.end(data);
  return text(socket);
}

describe('members', () => {
  test('each has a port of its own and answers with its name', async () => {
    running = await startMembers({ count: 3, prefix: 'web' });
    const answers = await Promise.all(running.members.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/any/path`)).text()));
    expect(answers).toEqual(['web-1', 'web-2', 'web-3']);
  });

  test('it reports the client that the last X-Forwarded-For names, else its peer', async () => {
    const { url } = await oneMember();
    const forwarded = await fetch(url, { headers: { 'x-forwarded-for': '192.0.2.1, 192.0.2.2' } });
    expect(forwarded.headers.get('x-client-address')).toBe('192.0.2.2');
    expect((await fetch(url)).headers.get('x-client-address')).toBe('127.0.0.1');
  });

  test('health fails and recovers on demand, while requests are served all the same', async () => {
    const { member, url } = await oneMember();
    const statuses = async () => [(await fetch(`${url}/health`)).status, (await fetch(url)).status];
    expect(await statuses()).toEqual([200, 200]);
    await member.setHealthy(false);
    expect(await statuses()).toEqual([503, 200]);
    await member.setHealthy(true);
    expect(await statuses()).toEqual([200, 200]);
    expect(await member.stats()).toMatchObject({ requests: 3, healthChecks: 3 });
  });

  test('health fails for all but some addresses where that is asked for', async () => {
    const { url } = await oneMember();
    expect((await fetch(`${url}/health?only=192.0.2.1,127.0.0.1`)).status).toBe(200);
    expect((await fetch(`${url}/health?only=192.0.2.1`)).status).toBe(503);
  });

  test('a slow answer and a slow download take the time they were asked to, and the download has the known bytes', async () => {
    const { url } = await oneMember();
    const startedAt = performance.now();
    await (await fetch(`${url}/slow?ms=150`)).text();
    expect(performance.now() - startedAt).toBeGreaterThan(140);
    const downloadAt = performance.now();
    const body = Buffer.from(await (await fetch(`${url}/download?bytes=300000&seconds=0.3`)).arrayBuffer());
    expect(performance.now() - downloadAt).toBeGreaterThan(240);
    expect(body.length).toBe(300_000);
    expect(firstWrongByte(0, body)).toBe(-1);
    body[200_001]! ^= 1;
    expect(firstWrongByte(0, body)).toBe(200_001);
  });

  test('it answers with the status, the session cookie and the echo that are asked for', async () => {
    const { url } = await oneMember();
    expect((await fetch(`${url}/status?code=418`)).status).toBe(418);
    expect((await fetch(`${url}/session?cookie=SID`)).headers.get('set-cookie')).toMatch(/^SID=member-1-/);
    expect((await fetch(`${url}/session?cookie=SID`, { headers: { cookie: 'SID=x' } })).headers.get('set-cookie')).toBeNull();
    const echo = await fetch(`${url}/app/echo?a=b`, { method: 'POST', headers: { 'x-mine': 'yes' } });
    expect(await echo.json()).toMatchObject({ member: 'member-1', method: 'POST', url: '/app/echo?a=b', headers: { 'x-mine': 'yes' } });
  });

  test('killed, it drops its connections and refuses new ones; started again, it has the same port', async () => {
    const { member, url } = await oneMember();
    const download = await fetch(`${url}/download?bytes=1000000&seconds=60`);
    await member.kill();
    await expect(download.arrayBuffer()).rejects.toThrow();
    await expect(fetch(url)).rejects.toThrow();
    await member.start();
    expect((await fetch(url)).status).toBe(200);
  });

  test('a tcp member greets, echoes, and refuses connections while it is down', async () => {
    const { member } = await oneMember({ protocol: 'tcp' });
    expect(await exchange(member.port, 'ping')).toBe('member-1 127.0.0.1\nping');
    await member.setHealthy(false);
    await expect(exchange(member.port, 'ping')).rejects.toThrow('ECONNREFUSED');
    await member.setHealthy(true);
    expect(await exchange(member.port, 'pong')).toBe('member-1 127.0.0.1\npong');
  });

  const v2 = (family: number, addresses: string) => Buffer.from(`0d0a0d0a000d0a515549540a21${family}1${addresses}`, 'hex');
  test.each([
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n'), '192.0.2.7'],
    ['version 1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
    ['version 2, IPv4', v2(1, '000cc00002087f00000112670050'), '192.0.2.8'],
    ['version 2, IPv6', v2(2, `0024${'20010db8'.padEnd(30, '0')}09${'1'.padStart(32, '0')}12670050`), '2001:db8:0:0:0:0:0:9'],
  ])('a PROXY header of %s, in one piece or many, tells it the client', async (_, header, client) => {
    const { member } = await oneMember({ protocol: 'tcp', proxyProtocol: true });
    expect(await exchange(member.port, Buffer.concat([header, Buffer.from('ping')]))).toBe(`member-1 ${client}\nping`);
    const socket = net.connect({ host: '127.0.0.1', port: member.port, noDelay: true });
    await once(socket, 'connect');
    for (const byte of header) await new Promise((sent) => socket.write(Buffer.from([byte]), sent));
    socket.end('pong');
    expect(await text(socket)).toBe(`member-1 ${client}\npong`);
  });

  test('http behind a PROXY header is served, and a connection without the header is dropped', async () => {
    const { member } = await oneMember({ proxyProtocol: true });
    const request = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const answer = await exchange(member.port, `PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n${request}`);
    expect(answer).toMatch(/^HTTP\/1.1 200 .*x-client-address: 192\.0\.2\.7\r\n.*\r\n\r\nmember-1$/s);
    expect(await exchange(member.port, request)).toBe('');
  });

  test('a port that is taken is said so, and no other address than a loopback one is listened on', async () => {
    const { member } = await oneMember();
    await expect(startMembers({ count: 1, ports: [member.port] })).rejects.toThrow('EADDRINUSE');
    await expect(startMembers({ host: '0.0.0.0' })).rejects.toThrow('loopback');
  });
});
