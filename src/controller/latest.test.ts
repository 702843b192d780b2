import { beforeEach, expect, test } from '@jest/globals';
import type { KubeObject } from '../kube/types.ts';
import { Latest } from './latest.ts';
import { Store, type StoreEvent } from './runtime/store.ts';

const at = (resourceVersion: string, uid = 'u'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { namespace: 'shop', name: 'web', uid, resourceVersion },
});
let store: Store<KubeObject>;
let tell: (event: StoreEvent<KubeObject>) => void;
let latest: Latest<KubeObject>;
const put = (object: KubeObject) => {
  for (const event of store.put(object)) tell(event);
};
const version = () => latest.get('shop/web')?.metadata.resourceVersion;

beforeEach(() => {
  store = new Store<KubeObject>({ kind: ({ kind }) => [kind] });
  latest = new Latest({
    get: (key) => store.get(key),
    list: () => store.list(),
    byIndex: (index, value) => store.byIndex(index, value),
    onEvent: (handler) => {
      tell = handler;
    },
  });
  put(at('1'));
});

test('shows what was written until the watch brings it, and then what the watch brings', () => {
  latest.saw(at('2'));
  expect(version()).toBe('2');
  expect(latest.byIndex('kind', 'Thing').map((o) => o.metadata.resourceVersion)).toEqual(['2']);
  put(at('2'));
  put(at('3'));
  expect(version()).toBe('3');
});

test('follows writes that were decided on one another, whichever of them the watch has reached', () => {
  latest.saw(at('2'));
  latest.saw(at('4'));
  expect(version()).toBe('4');
  put(at('2'));
  expect(version()).toBe('4');
  put(at('4'));
  expect(version()).toBe('4');
});

test('gives way to a version that it knows nothing of, and to a watch that was quicker than the answer', () => {
  latest.saw(at('2'));
  put(at('9'));
  expect(version()).toBe('9');
  latest.saw(at('2'));
  expect(version()).toBe('9');
});

test('has nothing of what is gone, nor of another object of its name', () => {
  latest.saw(at('2'));
  for (const event of store.remove(at('5'))) tell(event);
  expect(version()).toBeUndefined();
  put(at('6', 'other'));
  latest.saw(at('2'));
  expect(version()).toBe('6');
});

test('shows an object whose last finalizer was taken off as that leaves it, though its version is the same', () => {
  const going = (finalizers?: string[]): KubeObject => {
    const object = at('2');
    return { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', ...(finalizers && { finalizers }) } };
  };
  put(going(['reflavor.dev/amphora']));
  latest.saw(going());
  expect(latest.get('shop/web')?.metadata.finalizers).toBeUndefined();
  for (const event of store.remove(going())) tell(event);
  expect(latest.get('shop/web')).toBeUndefined();
});
