import { expect, test } from '@jest/globals';
import { jsonPatch } from './fluent.ts';

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
