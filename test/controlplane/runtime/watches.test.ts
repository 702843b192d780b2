import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Watches } from '../../../src/controller/watches.ts';
import { keyOf } from '../../../src/kube/paths.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { type ConfigMap, configMap, configMaps, namespaces } from '../../support/core-resources.ts';
import { eventually } from '../../support/eventually.ts';
import { useClient } from '../api/objects.ts';

describe('what the operator watches', () => {
  const controlPlane = useControlPlane();
  const client = useClient(controlPlane);
  const abort = new AbortController();
  const running: Promise<void>[] = [];

  function start(watches: Watches): Promise<unknown> {
    running.push(...watches.reflectors.map((reflector) => reflector.run(abort.signal)));
    return Promise.all(watches.reflectors.map((reflector) => reflector.synced()));
  }

  beforeAll(async () => {
    for (const name of ['team-a', 'team-b', 'other']) {
      await client.current.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      await client.current.create(configMaps, configMap('ours', { namespace: name, labels: { owner: 'us' }, data: { v: '1' } }));
      await client.current.create(configMaps, configMap('theirs', { namespace: name, data: { v: '1' } }));
    }
  });
  afterAll(async () => {
    abort.abort();
    await Promise.all(running);
  });

  test('is read once, however many ask, and each finds objects by indexes of its own', async () => {
    const watches = new Watches({ client: client.current, namespaces: [] });
    const byName = watches.watch<ConfigMap>(configMaps, { indexes: { of: ({ metadata }) => [metadata.name] } });
    const byNamespace = watches.watch<ConfigMap>(configMaps, { indexes: { of: ({ metadata }) => [metadata.namespace!] } });
    expect(watches.reflectors.map((reflector) => reflector.name)).toEqual(['configmaps']);
    await start(watches);
    expect(byName.byIndex('of', 'ours').map(keyOf).sort()).toEqual(['other/ours', 'team-a/ours', 'team-b/ours']);
    expect(byNamespace.byIndex('of', 'team-a').map(keyOf)).toEqual(expect.arrayContaining(['team-a/ours', 'team-a/theirs']));
  });

  test('is what a selector selects, in the namespaces looked after alone', async () => {
    const watches = new Watches({ client: client.current, namespaces: ['team-a', 'team-b'] });
    const ours = watches.watch<ConfigMap>(configMaps, { labelSelector: 'owner=us', indexes: { version: ({ data }) => [data?.v ?? ''] } });
    const all = watches.watch<ConfigMap>(configMaps);
    const everywhere = watches.watch(namespaces);
    const told: string[] = [];
    ours.onEvent(({ type, object }) => told.push(`${type} ${keyOf(object)}`));
    expect(watches.reflectors.map((reflector) => reflector.name)).toEqual([
      'configmaps (owner=us) of team-a',
      'configmaps (owner=us) of team-b',
      'configmaps of team-a',
      'configmaps of team-b',
      'namespaces',
    ]);
    await start(watches);
    expect(ours.list().map(keyOf).sort()).toEqual(['team-a/ours', 'team-b/ours']);
    expect(all.get('team-b/theirs')).toBeDefined();
    expect(all.get('other/theirs')).toBeUndefined();
    expect(everywhere.get('other')).toBeDefined();

    await client.current.patchMerge(configMaps, { namespace: 'team-b', name: 'ours' }, { data: { v: '2' } });
    await eventually(() => expect(told.at(-1)).toBe('modified team-b/ours'));
    expect(ours.byIndex('version', '2').map(keyOf)).toEqual(['team-b/ours']);
  });
});
