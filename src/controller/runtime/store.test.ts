import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubeObject } from '../../kube/types.ts';
import { Store } from './store.ts';

interface Pod extends KubeObject {
  node: string;
}

let version = 0;
function pod(name: string, { uid = `uid-${name}`, node = 'n1', resourceVersion = String(++version) } = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'team-a', uid, resourceVersion }, node };
}

const told = (events: { type: string; object: Pod }[]) => events.map(({ type, object }) => `${type} ${object.metadata.uid}`);

describe('store', () => {
  test('the same version again is no change', () => {
    const store = new Store<Pod>();
    const web = pod('web');
    expect(told(store.put(web))).toEqual(['added uid-web']);
    expect(store.put({ ...web })).toEqual([]);
  });

  test('a change comes with the object as it was', () => {
    const store = new Store<Pod>();
    const before = pod('web');
    const after = pod('web');
    store.put(before);
    expect(store.put(after)).toEqual([{ type: 'modified', object: after, oldObject: before }]);
  });

  test('another uid under the same name is a deletion and an addition', () => {
    const store = new Store<Pod>();
    store.put(pod('web', { uid: 'first' }));
    expect(told(store.put(pod('web', { uid: 'second' })))).toEqual(['deleted first', 'added second']);
  });

  test('an index that comes late finds what is there already', () => {
    const store = new Store<Pod>();
    store.put(pod('web', { node: 'n2' }));
    store.addIndex('node', ({ node }) => [node]);
    store.put(pod('db', { node: 'n2' }));
    expect(store.byIndex('node', 'n2').map((p) => p.metadata.name)).toEqual(['web', 'db']);
  });

  test('what a new list no longer has was deleted', () => {
    const store = new Store<Pod>();
    const stays = pod('stays');
    store.replace([stays, pod('goes')]);
    expect(told(store.replace([stays, pod('comes')]))).toEqual(['added uid-comes', 'deleted uid-goes']);
    expect(store.get('team-a/goes')).toBeUndefined();
  });

  test('an index that nobody made is an error that names those there are', () => {
    const store = new Store<Pod>({ byNode: (p) => [p.node] });
    expect(() => store.byIndex('byName', 'web')).toThrow('no index "byName"; there are: byNode');
  });

  test('an index always agrees with a scan of the objects', () => {
    const step = fc.record({
      do: fc.constantFrom('put', 'remove', 'replace'),
      name: fc.constantFrom('a', 'b', 'c'),
      node: fc.constantFrom('n1', 'n2'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = new Store<Pod>({ byNode: (p) => [p.node] });
        for (const { do: what, name, node } of steps) {
          if (what === 'put') store.put(pod(name, { node }));
          if (what === 'remove') store.remove(pod(name));
          if (what === 'replace') store.replace([pod(name, { node }), pod('z', { node: 'n2' })]);
          for (const value of ['n1', 'n2']) {
            const names = (pods: Pod[]) => pods.map((p) => p.metadata.name).sort();
            expect(names(store.byIndex('byNode', value))).toEqual(names(store.list().filter((p) => p.node === value)));
          }
        }
      }),
    );
  });
});
