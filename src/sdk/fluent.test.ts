import { expect, test } from '@jest/globals';
import { fromFluentClient, jsonPatch } from './fluent.ts';
import { LoadBalancer } from './kinds.ts';

test('a merge patch becomes operations that add no more than it says', () => {
  const object = { metadata: { name: 'web', annotations: { 'a/b': '1' } }, spec: { flavorId: 'small', tags: ['x'] } };
  expect(
    jsonPatch(object, { metadata: { uid: 'u', annotations: { 'a/b': '2', 'c~d': '3' } }, spec: { flavorId: 'large', tags: null } }),
  ).toEqual([
    { op: 'add', path: '/metadata/uid', value: 'u' },
    { op: 'add', path: '/metadata/annotations/a~1b', value: '2' },
    { op: 'add', path: '/metadata/annotations/c~0d', value: '3' },
    { op: 'add', path: '/spec/flavorId', value: 'large' },
    { op: 'remove', path: '/spec/tags' },
  ]);
  expect(jsonPatch({ metadata: {} }, { metadata: { annotations: { x: '1' } }, spec: null })).toEqual([
    { op: 'add', path: '/metadata/annotations', value: { x: '1' } },
  ]);
});

test('a signal that has aborted already lets no call begin, and one that aborts later leaves no rejection to nobody', async () => {
  const calls: ((answer: unknown) => void)[] = [];
  const Get = () => new Promise<never>((_, reject) => calls.push(reject));
  const client = fromFluentClient({ K8s: () => ({ Get, Patch: Get }), RegisterKind: () => {} });
  const ref = { name: 'web', namespace: 'shop' };
  const reason = new Error('enough');
  await expect(client.get(LoadBalancer, ref, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(calls).toEqual([]);
  const stop = new AbortController();
  const got = client.get(LoadBalancer, ref, { signal: stop.signal });
  stop.abort(reason);
  await expect(got).rejects.toBe(reason);
  calls[0]!({ status: 503, data: {}, statusText: '' });
  await new Promise((resolve) => setImmediate(resolve));
});
