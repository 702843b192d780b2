import { expect, test } from '@jest/globals';
import { describeCall, isWrite, parseCall, statusWritten } from '../../../chaos/real/api-call.ts';

const own = '/apis/reflavor.dev/v1alpha1/namespaces/a';

test.each([
  ['GET', '/version', 'other'],
  ['GET', '/api/v1/namespaces/a', 'get namespaces a'],
  ['GET', `${own}/amphorae/web-1`, 'get amphorae a/web-1'],
  ['GET', `${own}/amphorae?limit=500`, 'list amphorae a'],
  ['GET', '/apis/reflavor.dev/v1alpha1/flavors?watch=true&resourceVersion=3', 'watch flavors'],
  ['POST', `${own}/amphorae?fieldManager=x`, 'create amphorae a'],
  ['PUT', `${own}/loadbalancers/web/status?fieldManager=x`, 'update loadbalancers/status a/web'],
  ['PUT', '/apis/coordination.k8s.io/v1/namespaces/a/leases/b', 'update leases a/b'],
  ['DELETE', `${own}/amphorae/web-1`, 'delete amphorae a/web-1'],
])('%s %s is read as: %s', (method, path, words) => {
  expect(describeCall(parseCall(method, path, ''))).toBe(words);
});

test('a write is what changes something that the operator reads back', () => {
  const calls = [
    ['GET', `${own}/amphorae/web-1`],
    ['POST', '/apis/events.k8s.io/v1/namespaces/a/events'],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/a/leases/b'],
    ['PATCH', `${own}/amphorae/web-1`],
    ['DELETE', `${own}/amphorae/web-1`],
  ] as const;
  expect(calls.map(([method, path]) => isWrite(parseCall(method, path, '')))).toEqual([false, false, false, true, true]);
});

test('the status that the operator writes is read out of its call', () => {
  const body = JSON.stringify({ metadata: { resourceVersion: '7' }, status: { flavorId: 'large' } });
  expect(statusWritten({ body })).toEqual({ flavorId: 'large' });
});
