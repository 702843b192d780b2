import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { Amphora } from '../api/index.ts';
import { createLogger } from '../log.ts';
import type { App } from './app.ts';
import { RestMetrics } from './metrics.ts';
import { createServer, type ServerOptions } from './server.ts';

type Schema = { properties?: Record<string, Schema>; required?: string[]; items?: Schema };
type Responses = Record<string, { content?: Record<string, { schema: Schema }> }>;

const amphora: Amphora = {
  apiVersion: 'reflavor.dev/v1alpha1',
  kind: 'Amphora',
  metadata: { name: 'a-1-0', namespace: 'team', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    loadBalancer: { name: 'a', uid: 'l' },
    operation: 1,
    slot: 0,
    role: 'STANDALONE',
    peer: 0,
    provider: 'amphora',
    flavorId: 'small',
    flavorData: { loadbalancerTopology: 'SINGLE', threads: 1, maxConnections: 1 },
    steering: 'Attached',
  },
};

let app: App;
let operations: [name: string, responses: Responses][];
beforeAll(async () => {
  const some = {
    repository: { amphorae: async () => [amphora], loadBalancers: async () => [] },
    authentication: { callerOf: async () => ({ username: 'root' }) },
    authorization: { may: async () => true, require: async () => {} },
  } as unknown as ServerOptions;
  const rest = { gitopsManagers: [], bodyLimitBytes: 1 << 20, rateLimit: 0, trustedProxies: [] };
  app = await createServer({ ...some, ...rest, log: createLogger('silent'), metrics: new RestMetrics(new Registry()) });
  const { paths } = (await app.inject('/docs/json')).json() as { paths: Record<string, Record<string, { responses: Responses }>> };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]): [string, Responses] => [`${method} ${path}`, responses]),
  );
});
afterAll(() => app.close());

const bodyOf = (name: string, status: string): Schema | undefined =>
  operations.find(([one]) => one === name)?.[1][status]?.content?.['application/json']?.schema;

test('every operation says what it answers, and what an error is', () => {
  expect(operations.length).toBeGreaterThan(60);
  for (const [name, responses] of operations) {
    const fault = responses.default?.content?.['application/json']?.schema.required;
    expect({ name, statuses: Object.keys(responses).length, fault }).toEqual({
      name,
      statuses: 2,
      fault: ['faultcode', 'faultstring', 'debuginfo'],
    });
  }
});

test('a list has links, and its query may leave out any attribute', () => {
  const schema = bodyOf('get /v2.0/lbaas/loadbalancers', '200')!;
  expect(Object.keys(schema.properties!)).toEqual(['loadbalancers', 'loadbalancers_links']);
  expect(schema.properties!.loadbalancers!.items!.required).toBeUndefined();
  expect(bodyOf('get /v2.0/lbaas/loadbalancers/{id}', '200')!.properties!.loadbalancer!.required).toBeUndefined();
  expect(bodyOf('post /v2.0/lbaas/loadbalancers', '201')!.properties!.loadbalancer!.required).toContain('id');
});

test('what has no body is described so', () => {
  for (const [name, status] of [
    ['delete /v2.0/lbaas/listeners/{id}', '204'],
    ['put /v2.0/lbaas/pools/{id}/members', '202'],
  ] as const)
    expect({ name, body: bodyOf(name, status) }).toEqual({ name, body: undefined });
});

test('an amphora has the attributes that are described', async () => {
  const { amphorae } = (await app.inject({ url: '/v2.0/octavia/amphorae', headers: { 'x-auth-token': 'x' } })).json();
  const described = bodyOf('get /v2.0/octavia/amphorae', '200')!.properties!.amphorae!.items!.properties!;
  expect(Object.keys(amphorae[0]).sort()).toEqual(Object.keys(described).sort());
});
