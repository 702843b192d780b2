import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Members, type MembersOptions, startMembers } from '../../../tools/traffic/members.ts';
import { startTraffic } from '../../../tools/traffic/traffic.ts';
import { issueCertificate, makeCa } from '../../support/certificates.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function members(options: MembersOptions = {}): Promise<Members['members']> {
  const started = await startMembers({ count: 1, ...options });
  cleanUps.push(() => started.close());
  return started.members;
}

async function listen(server: net.Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanUps.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;
}

/** A server that answers as told, to see that what is wrong with the answer is found. */
function serverThat(answers: http.RequestListener): Promise<string> {
  return listen(http.createServer(answers));
}

describe('traffic to members that are well', () => {
  test('all kinds of clients are answered, none fails, and each request is counted once', async () => {
    const [member] = await members();
    const traffic = startTraffic({
      ...{ newConnections: 2, keepAlive: 2, slow: 2, downloads: 2, sticky: 2, held: 2 },
      ...{ url: `http://127.0.0.1:${member!.port}/app`, slowMs: 50, holdMs: 100, downloadBytes: 200_000, downloadSeconds: 0.1 },
    });
    await traffic.waitFor(({ requests, byKind }) => requests >= 500 && Object.values(byKind).every((kind) => kind.requests >= 2));
    const counts = await traffic.stop();
    expect(counts).toMatchObject({ failed: 0, failures: [], retriedOnClosedIdle: 0, moved: 0, inFlight: 0, ended: 'stopped' });
    expect(counts.byMember).toEqual({ 'member-1': counts.requests });
    expect((await member!.stats()).requests).toBe(counts.requests);
    expect(counts.byKind.newConnections.connections).toBe(counts.byKind.newConnections.requests);
    expect(counts.byKind.keepAlive.connections).toBe(2);
    expect(counts.p50Ms).toBeGreaterThan(0);
    expect(counts.maxMs).toBeGreaterThanOrEqual(counts.p99Ms);
  });

  test('a keep-alive client follows a server that says Connection: close, without a failure or a retry', async () => {
    let answered = 0;
    const url = await serverThat((_, res) => {
      if (++answered % 5 === 0) res.setHeader('connection', 'close');
      res.end('well');
    });
    const counts = await startTraffic({ url, keepAlive: 1, maxRequests: 50 }).ended;
    expect(counts).toMatchObject({ requests: 50, failed: 0, retriedOnClosedIdle: 0, byMember: { unknown: 50 } });
    expect(counts.byKind.keepAlive.connections).toBe(10);
  });

  test('https clients check the certificate and show their own', async () => {
    const ca = await makeCa();
    const server = await issueCertificate({ ca, cn: 'member', dnsNames: ['member.example'] });
    const client = await issueCertificate({ ca, cn: 'client', client: true });
    const [member] = await members({ protocol: 'https', tls: { ...server, clientCaPem: ca.certPem } });
    const tls = { caPem: ca.certPem, serverName: 'member.example', certPem: client.certPem, keyPem: client.keyPem };
    const load = { url: `https://127.0.0.1:${member!.port}/`, newConnections: 1, keepAlive: 1, maxRequests: 20 };
    expect(await startTraffic({ ...load, tls }).ended).toMatchObject({ requests: 20, failed: 0 });

    const otherName = await startTraffic({ ...load, tls: { ...tls, serverName: 'other.example' } }).ended;
    expect(otherName).toMatchObject({ requests: 20, failed: 20 });
    expect(otherName.failures[0]!.error).toContain('other.example');
    const noClientCertificate = await startTraffic({ ...load, tls: { caPem: tls.caPem, serverName: tls.serverName } }).ended;
    expect(noClientCertificate.failed).toBe(20);
  });

  test('tcp clients have every line echoed, quick or over a while', async () => {
    const [member] = await members({ protocol: 'tcp' });
    const url = `tcp://127.0.0.1:${member!.port}`;
    const counts = await startTraffic({
      url,
      newConnections: 2,
      slow: 2,
      slowMs: 100,
      sticky: 2,
      maxRequests: 100,
      checkClientAddress: true,
    }).ended;
    expect(counts).toMatchObject({ requests: 100, failed: 0, moved: 0, byMember: { 'member-1': 100 } });
  });

  test('it keeps to the rate', async () => {
    const [member] = await members();
    const traffic = startTraffic({ url: `http://127.0.0.1:${member!.port}`, keepAlive: 5, rate: 100, maxSeconds: 1 });
    const { requests, ended } = await traffic.ended;
    expect(ended).toBe('maxSeconds');
    expect(requests).toBeGreaterThan(0);
    expect(requests).toBeLessThanOrEqual(115);
  });
});

describe('what counts as failed', () => {
  test('requests in flight when a member is killed, and those it refuses after', async () => {
    const [member] = await members();
    const traffic = startTraffic({
      url: `http://127.0.0.1:${member!.port}`,
      newConnections: 2,
      slow: 2,
      slowMs: 60_000,
      downloads: 1,
      downloadSeconds: 60,
    });
    await traffic.waitFor(200);
    await member!.kill();
    await traffic.waitFor(({ failed }) => failed >= 10);
    await member!.start();
    const { byMember } = traffic.counts();
    await traffic.waitFor((counts) => counts.byMember['member-1']! > byMember['member-1']! + 50);
    await member!.kill();
    const counts = await traffic.stop();
    expect(counts.failed).toBeGreaterThanOrEqual(10);
    expect(counts.byKind.slow.failed).toBeGreaterThanOrEqual(2);
    expect(counts.byKind.downloads.failed).toBeGreaterThanOrEqual(1);
    expect(counts.failures.map(({ error }) => error).join('\n')).toMatch(/connection was lost within the answer.*ECONNREFUSED/s);
    expect(counts.requests).toBe(counts.failed + counts.byMember['member-1']!);
  });

  test('how long there was no answer is told once there is one again', async () => {
    const [member] = await members();
    const traffic = startTraffic({ url: `http://127.0.0.1:${member!.port}`, newConnections: 1, rate: 100 });
    await traffic.waitFor(20);
    await member!.kill();
    const killedAt = performance.now();
    await traffic.waitFor(({ failed }) => failed >= 5);
    await member!.start();
    const outageMs = performance.now() - killedAt;
    const { requests, failed } = traffic.counts();
    await traffic.waitFor((counts) => counts.requests - counts.failed > requests - failed + 5);
    const { longestGapMs } = await traffic.stop();
    expect(longestGapMs).toBeGreaterThan(outageMs - 50);
  });

  test.each<[string, http.RequestListener, RegExp]>([
    ['a 503', (_, res) => res.writeHead(503).end('no server is available'), /status 503 from the load balancer/],
    ['a 404 of a member', (_, res) => res.writeHead(404, { 'x-member': 'm' }).end(), /status 404 from m/],
    ['a body that is not the name', (_, res) => res.writeHead(200, { 'x-member': 'm' }).end('n'), /the body of m is "n"/],
    ['a connection closed before the answer', (_, res) => res.destroy(), /lost before the answer/],
    [
      'a body cut short of its Content-Length',
      (_, res) => {
        res.writeHead(200, { 'content-length': 10 }).write('half', () => res.socket!.end());
      },
      /lost within the answer/,
    ],
    ['chunks without their end', (_, res) => res.write('half', () => res.socket!.end()) && undefined, /lost within the answer/],
    ['no answer in time', () => {}, /no complete answer within 100 ms/],
    ['an answer that does not end in time', (_, res) => res.write('a') && undefined, /no complete answer within 100 ms/],
    [
      'another client address than its own',
      (_, res) => res.writeHead(200, { 'x-client-address': '127.0.0.9' }).end(),
      /saw the client address 127\.0\.0\.9/,
    ],
  ])('%s', async (_, answers, error) => {
    const url = await serverThat(answers);
    const timeoutMs = String(error).includes('no complete answer') ? 100 : undefined;
    const load = { url, newConnections: 1, keepAlive: 1, sticky: 1, maxRequests: 6 };
    const { byKind, byMember, failures } = await startTraffic({ ...load, timeoutMs, checkClientAddress: true }).ended;
    for (const { requests, failed } of [byKind.newConnections, byKind.keepAlive, byKind.sticky]) {
      expect(requests).toBeGreaterThan(0);
      expect(failed).toBe(requests);
    }
    expect(byMember).toEqual({});
    expect(failures.map((failure) => failure.error)).toEqual(Array(6).fill(expect.stringMatching(error)));
  });

  test.each<[string, (body: Buffer, res: http.ServerResponse) => void, RegExp]>([
    ['is truncated although the answer looks whole', (body, res) => res.end(body.subarray(0, -1)), /99999 bytes, not 100000/],
    ['is too long', (body, res) => res.end(Buffer.concat([body, body])), /200000 bytes, not 100000/],
    ['has one wrong byte', (body, res) => res.end(body.fill(body[70_000]! ^ 1, 70_000, 70_001)), /byte 70000 of the download is wrong/],
  ])('a download that %s', async (_, spoil, error) => {
    const [member] = await members();
    const url = await serverThat((req, res) => {
      http.get(`http://127.0.0.1:${member!.port}${req.url}`, async (answer) => spoil(Buffer.concat(await answer.toArray()), res));
    });
    const counts = await startTraffic({ url, downloads: 1, downloadBytes: 100_000, downloadSeconds: 0, maxRequests: 1 }).ended;
    expect(counts).toMatchObject({ requests: 1, failed: 1, failures: [{ kind: 'downloads', error: expect.stringMatching(error) }] });
  });

  test('a tcp connection that ends before the echo, or echoes something else', async () => {
    const url = (await listen(net.createServer((socket) => socket.end('m 127.0.0.1\nnot it\n')))).replace('http', 'tcp');
    const counts = await startTraffic({ url, newConnections: 1, maxRequests: 3 }).ended;
    expect(counts).toMatchObject({ requests: 3, failed: 3 });
    expect(counts.failures[0]!.error).toMatch(/differs from what was sent|ECONNRESET|EPIPE/);
  });
});

describe('what is counted apart', () => {
  test('a request on a connection that the server closed while it was idle is sent once more, and said so', async () => {
    // Each connection answers once and is closed at the moment the next request comes in, as if both had been under way at the same time.
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        socket.once('data', () => socket.destroy());
      });
    });
    const counts = await startTraffic({ url: await listen(server), keepAlive: 1, maxRequests: 10 }).ended;
    expect(counts).toMatchObject({ requests: 10, failed: 0, retriedOnClosedIdle: 9 });
  });

  test('a reused connection that breaks long after the request was taken is a failure, not a retry', async () => {
    let requests = 0;
    const url = await serverThat((_, res) => {
      if (++requests % 2 === 1) res.end('ok');
      else setTimeout(() => res.destroy(), 1200);
    });
    const counts = await startTraffic({ url, keepAlive: 1, maxRequests: 4 }).ended;
    expect(counts).toMatchObject({ requests: 4, failed: 2, retriedOnClosedIdle: 0 });
  });

  test('moves of sticky clients, by cookie or by source address', async () => {
    const clients = new Set<string>();
    let moveTo: string | undefined;
    const url = await serverThat((req, res) => {
      const known = req.headers.cookie?.replace('at=', '') ?? { '127.83.0.1': 'a', '127.83.0.2': 'b' }[req.socket.remoteAddress!];
      const member = moveTo ?? known ?? `m${clients.size}`;
      clients.add(member);
      res.writeHead(200, { 'x-member': member, 'set-cookie': `at=${known ?? member}; Path=/` }).end(member);
    });
    for (const stickyBy of ['cookie', 'sourceAddress'] as const) {
      moveTo = undefined;
      const traffic = startTraffic({ url, sticky: 2, stickyBy });
      const before = await traffic.waitFor(50);
      expect(before).toMatchObject({ failed: 0, moved: 0 });
      expect(Object.keys(before.byMember)).toHaveLength(2);
      moveTo = 'elsewhere';
      await traffic.waitFor(({ moved }) => moved >= 2);
      const counts = await traffic.stop();
      expect(counts).toMatchObject({ failed: 0, moved: 2 });
      expect(counts.moves.map(({ to }) => to)).toEqual(['elsewhere', 'elsewhere']);
    }
  });
});

describe('bounds', () => {
  test.each([
    ['another machine', { url: 'http://192.0.2.1/' }, 'loopback'],
    ['a name that a resolver would have to know', { url: 'http://example.org/' }, 'loopback'],
    ['no clients at all', { url: 'http://127.0.0.1/', newConnections: 0 }, 'clients of all kinds: 0'],
    ['too many clients', { url: 'http://127.0.0.1/', newConnections: 3000 }, 'newConnections: 3000'],
    ['no end in sight', { url: 'http://127.0.0.1/', maxSeconds: Number.POSITIVE_INFINITY }, 'maxSeconds'],
    ['another scheme', { url: 'ftp://127.0.0.1/' }, 'http, https or tcp'],
    ['keep-alive over tcp', { url: 'tcp://127.0.0.1:1', keepAlive: 1 }, 'keepAlive'],
  ])('%s is refused', (_, options, message) => {
    expect(() => startTraffic({ newConnections: 1, ...options })).toThrow(message);
  });

  test('exactly maxRequests are made, and waiting for more is answered with what there was', async () => {
    const [member] = await members();
    const traffic = startTraffic({ url: `http://localhost:${member!.port}`, newConnections: 3, keepAlive: 3, maxRequests: 100 });
    await expect(traffic.waitFor(101)).rejects.toThrow('traffic ended (maxRequests) after 100 requests');
    expect(await traffic.stop()).toMatchObject({ requests: 100, ended: 'maxRequests' });
    expect((await member!.stats()).requests).toBe(100);
  });
});
