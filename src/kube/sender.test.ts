import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { Connection } from './connection.ts';
import { HttpKubeClient } from './http-client.ts';
import type { Resource } from './types.ts';

const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const web = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace: 'team-a' } };

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A client of a server that gives these answers, one after the other; the last one for good. */
async function clientOf(...answers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'test', server: url, skipTLSVerify: true }, { name: 'jo' });
  const client = new HttpKubeClient(new Connection(() => config), { timeoutMs: 5000 });
  cleanUps.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, asked };
}

const ok = (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(200).end(JSON.stringify(web));
const busy =
  (code: number, headers: Record<string, string> = { 'retry-after': '0' }) =>
  (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(code, headers).end('not even JSON');

describe('sender', () => {
  test('a call that the server was too busy for is sent again, a create too: the server has done nothing', async () => {
    const { client, asked } = await clientOf(busy(429), ok);
    expect(await client.create(configMaps, web)).toEqual(web);
    expect(asked).toHaveLength(2);
  });

  test('it is not sent again for ever', async () => {
    const { client, asked } = await clientOf(busy(429));
    await expect(client.create(configMaps, web)).rejects.toMatchObject({ status: 429 });
    expect(asked).toHaveLength(4);
  });

  test('after a 503 a write that may be repeated is, and one that may not is not', async () => {
    const repeated = await clientOf(busy(503), ok);
    expect(await repeated.client.replace(configMaps, web)).toEqual(web);
    expect(repeated.asked).toHaveLength(2);
    const once = await clientOf(busy(503), ok);
    await expect(once.client.create(configMaps, web)).rejects.toMatchObject({ status: 503 });
    expect(once.asked).toHaveLength(1);
  });

  test('a wait that the server asks for and that the time-out does not allow ends in what the server said', async () => {
    const { client } = await clientOf(busy(429, { 'retry-after': '60' }));
    const error = await client.get(configMaps, web.metadata, { timeoutMs: 20_000 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 429, retryAfterSeconds: 60 });
  });

  test('the caller’s signal ends the wait, and its reason is what the call rejects with', async () => {
    const { client } = await clientOf(busy(429, { 'retry-after': '60' }));
    const reason = new Error('the operator is stopping');
    const abort = new AbortController();
    const call = client.get(configMaps, web.metadata, { signal: abort.signal });
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  test('a write that got no answer is not sent again: nobody knows whether it took effect', async () => {
    const { client, asked } = await clientOf((request) => void request.socket.destroy());
    await expect(client.replace(configMaps, web)).rejects.toThrow('update configmaps team-a/web: no answer from the API server');
    expect(asked).toHaveLength(1);
  });

  test('names and namespaces are escaped, whatever stands in them', async () => {
    const { client, asked } = await clientOf(ok);
    await client.get(configMaps, { namespace: '../kube-system', name: 'a/b?c' });
    expect(asked).toEqual(['GET /api/v1/namespaces/..%2Fkube-system/configmaps/a%2Fb%3Fc']);
  });
});
