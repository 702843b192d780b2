import { describe, expect, test } from '@jest/globals';
import type { LoadBalancer } from './loadbalancer.ts';
import { isAwaitingOperator, requestsOf } from './requests.ts';

const loadBalancer = (metadata: object, status?: object) =>
  ({
    metadata: { name: 'web', generation: 2, ...metadata },
    spec: {},
    status: { observedGeneration: 2, ...status },
  }) as unknown as LoadBalancer;

describe('isAwaitingOperator', () => {
  test('no, where the status is of the present generation and every request was handled', () => {
    const annotations = { 'reflavor.dev/retry': 'a', 'reflavor.dev/failover': 'b' };
    expect(isAwaitingOperator(loadBalancer({}))).toBe(false);
    expect(isAwaitingOperator(loadBalancer({ annotations }, { handledRequests: { retry: 'a', failover: 'b' } }))).toBe(false);
  });

  test.each([
    ['a generation that was not observed', loadBalancer({ generation: 3 })],
    ['an object that was never visited', { ...loadBalancer({}), status: undefined }],
    ['a failover', loadBalancer({ annotations: { 'reflavor.dev/failover': 'b' } }, { handledRequests: { failover: 'a' } })],
    ['a retry', loadBalancer({ annotations: { 'reflavor.dev/retry': 'a' } })],
    ['a deletion', loadBalancer({ deletionTimestamp: '2026-01-01T00:00:00Z' }, { provisioningStatus: 'ACTIVE' })],
  ])('yes, for %s', (_, lb) => expect(isAwaitingOperator(lb)).toBe(true));

  test('a token that is longer than the status holds counts as handled by what it begins with', () => {
    const long = 'x'.repeat(300);
    expect(requestsOf(loadBalancer({ annotations: { 'reflavor.dev/retry': long } })).retry).toHaveLength(253);
    expect(
      isAwaitingOperator(loadBalancer({ annotations: { 'reflavor.dev/retry': long } }, { handledRequests: { retry: long.slice(0, 253) } })),
    ).toBe(false);
  });
});
