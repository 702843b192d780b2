import { expect, test } from '@jest/globals';
import { buildAmphora } from '../../test/contract/builders.ts';
import type { Amphora } from '../api/index.ts';
import { amphoraeOf, INDEXES, sistersOf } from './caches.ts';
import { Store } from './runtime/store.ts';

test('the amphorae of a load balancer are those of its own namespace, whatever uid others name', () => {
  const amphorae = new Store<Amphora>(INDEXES.amphorae);
  const [own, other, foreign] = [buildAmphora({ name: 'a' }), buildAmphora({ name: 'b', uid: 'other' }), buildAmphora({ name: 'a' })];
  foreign.metadata = { ...foreign.metadata, namespace: 'elsewhere', uid: 'another' };
  for (const amphora of [own, other, foreign]) amphorae.put(amphora);
  expect(amphoraeOf({ amphorae }, { namespace: 'shop', uid: 'lb-uid' })).toEqual([own]);
  expect(sistersOf({ amphorae }, foreign)).toEqual([foreign]);
});
