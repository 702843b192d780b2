import { expect, test } from '@jest/globals';
import { parseCall } from '../../../chaos/real/api-call.ts';
import type { ApiProxy, Interference } from '../../../chaos/real/api-proxy.ts';
import { watchCommits } from '../../../chaos/real/commits.ts';

/** What is said of statuses that are written one after the other. */
function judged(...statuses: object[]): string[] {
  const asked: Interference[] = [];
  const commits = watchCommits({ interfere: (interference: Interference) => asked.push(interference) } as unknown as ApiProxy);
  for (const status of statuses) {
    const call = parseCall('PUT', '/apis/reflavor.dev/v1alpha1/namespaces/a/loadbalancers/web/status', JSON.stringify({ status }));
    void asked[0]?.after?.(call, { status: 200, body: '' });
  }
  return commits.wrong('a');
}

const created = { flavorId: 'small', operation: { to: 'small', result: 'Succeeded' }, amphorae: [] };

test('a flavor that comes into force by an operation that has succeeded is as it should be', () => {
  const resized = {
    flavorId: 'large',
    operation: { to: 'large', result: 'Succeeded' },
    amphorae: [
      { name: 'new', flavorId: 'large', traffic: 'Carries' },
      { name: 'old', flavorId: 'small', traffic: 'NoLonger' },
    ],
  };
  expect(judged(created, { ...created, operation: { to: 'large' } }, resized)).toEqual([]);
});

test('one that comes too early is told of', () => {
  expect(judged(created, { flavorId: 'large', operation: { to: 'large' } })).toEqual([
    'flavor large came into force by no operation to it that has succeeded',
  ]);
  const early = { flavorId: 'large', operation: { to: 'large', result: 'Succeeded' } };
  expect(judged(created, { ...early, amphorae: [{ name: 'old', flavorId: 'small', traffic: 'Carries' }] })).toEqual([
    'flavor large came into force while old carried traffic',
  ]);
});
