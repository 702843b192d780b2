import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CloudEvent } from 'cloudevents';
import { issueCertificate, makeCa } from '../../test/support/certificates.ts';
import { TestSink } from '../../test/support/sink.ts';
import { HttpSink, outcomeOf, type SinkOptions } from './sink.ts';

const event = new CloudEvent<unknown>({
  id: 'uid-1-2-start',
  source: '/apis/reflavor.dev/v1alpha1/loadbalancers',
  type: 'octavia.loadbalancer.resize.start',
  subject: 'default/web',
  time: '2026-01-01T00:00:00Z',
  datacontenttype: 'application/json',
  dataschema: 'https://example.org/schema.json',
  data: { name: 'Geschäft “1”', operation: { kind: 'Resize' } },
});

describe('the sink', () => {
  const never = new AbortController().signal;
  let dir: string;
  let server: TestSink;
  const sinks: HttpSink[] = [];
  const connect = (options: Partial<SinkOptions> = {}) => {
    const sink = new HttpSink({ url: server.url, mode: 'structured', timeoutMs: 5000, ...options });
    sinks.push(sink);
    return sink;
  };
  const start = async (tls?: ConstructorParameters<typeof TestSink>[0]) => {
    server = new TestSink(tls);
    await server.start();
  };
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-sink-'));
  });
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
    await server.stop();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.each(['structured', 'binary'] as const)('is sent what a receiver reads back as it was, in mode %s', async (mode) => {
    await start();
    expect(await connect({ mode }).send(event, never)).toEqual({ result: 'delivered' });
    const [heard] = server.heard;
    expect(heard!.event.toJSON()).toEqual({ ...event.toJSON(), time: '2026-01-01T00:00:00.000Z' });
    expect(heard!.headers['content-type']).toMatch(mode === 'binary' ? /^application\/json/ : /^application\/cloudevents\+json/);
    expect(heard!.headers['ce-id']).toBe(mode === 'binary' ? event.id : undefined);
  });

  test('is shown the token and the headers that the files hold now', async () => {
    await start();
    const [tokenFile, headersFile] = [join(dir, 'token'), join(dir, 'headers')];
    await writeFile(tokenFile, 'first\n');
    await writeFile(headersFile, 'X-Tenant: shop\n\nX-Stage:prod  \n');
    const sink = connect({ tokenFile, headersFile });
    await sink.send(event, never);
    await writeFile(tokenFile, 'second');
    await sink.send(event, never);
    expect(server.heard.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
    expect(server.heard[0]!.headers).toMatchObject({ 'x-tenant': 'shop', 'x-stage': 'prod' });
  });

  test('is not asked with headers that can’t be read: the file and the line are named, not what it holds', async () => {
    await start();
    const headersFile = join(dir, 'bad');
    await writeFile(headersFile, 'X-A: b\nsecret without a name\n');
    expect(await connect({ headersFile }).send(event, never)).toEqual({
      result: 'failed',
      message: `${headersFile}, line 2 is no header: write "Name: value"`,
    });
    expect(server.heard).toEqual([]);
  });

  test('is trusted by the authorities of the CA file alone', async () => {
    const ca = await makeCa();
    await start(await issueCertificate({ ca, cn: 'sink', ipAddresses: ['127.0.0.1'] }));
    const url = server.url.replace('http:', 'https:');
    const caFile = join(dir, 'ca.crt');
    await writeFile(caFile, ca.certPem);
    expect(await connect({ url, caFile }).send(event, never)).toEqual({ result: 'delivered' });
    await writeFile(caFile, (await makeCa('Another')).certPem);
    expect(await connect({ url, caFile }).send(event, never)).toMatchObject({
      result: 'failed',
      message: expect.stringMatching(/certificate/),
    });
  });

  test('that is silent is left after the time-out', async () => {
    await start();
    server.answer = () => {};
    expect(await connect({ timeoutMs: 200 }).send(event, never)).toEqual({ result: 'failed', message: 'no answer within 0.2 s' });
  });

  test('that is down may come back: it is a failure, not a refusal', async () => {
    await start();
    const sink = connect();
    await server.stop();
    expect(await sink.send(event, never)).toMatchObject({ result: 'failed', message: expect.stringContaining('ECONNREFUSED') });
  });

  test('leaves the rest to whoever ends it', async () => {
    await start();
    const stop = new AbortController();
    server.answer = () => stop.abort(new Error('stopping'));
    await expect(connect().send(event, stop.signal)).rejects.toThrow('stopping');
  });
});

describe('an answer of', () => {
  test.each([200, 202, 204])('%i takes the notification', (status) => expect(outcomeOf(status)).toEqual({ result: 'delivered' }));

  test.each([408, 429, 500, 502, 503])('%i may be another one later', (status) => expect(outcomeOf(status).result).toBe('failed'));

  test.each([301, 400, 401, 403, 404, 410, 415])('%i is a refusal', (status) => expect(outcomeOf(status).result).toBe('refused'));

  test('429 says how long to wait', () => {
    expect(outcomeOf(429, '7')).toMatchObject({ retryAfterMs: 7000 });
    expect(outcomeOf(429, 'Wed, 21 Oct 2026 07:28:00 GMT')).toMatchObject({ retryAfterMs: undefined });
  });

  test('307 says that redirects are not followed', () => {
    expect(outcomeOf(307)).toMatchObject({ message: expect.stringContaining('set the sink to where they lead') });
  });
});
