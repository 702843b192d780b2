import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Reflector, type ReflectorOptions } from '../../../src/controller/runtime/reflector.ts';
import type { HttpKubeClient } from '../../../src/kube/http-client.ts';
import { connect } from '../../../src/kube/index.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { type ConfigMap, configMap, configMaps, namespaces } from '../../support/core-resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type ProxiedAccess, throughProxy } from '../../support/through-proxy.ts';

/** A reflector that runs, and all it told. */
interface Running {
  reflector: Reflector<ConfigMap>;
  told: string[];
  /** How often the collection was read in whole, and how. */
  syncs: string[];
  watches: () => number;
  failures: string[];
  /** Objects of the store as `name=data.v`. */
  state(): string[];
  stop(): Promise<void>;
}

function run(client: HttpKubeClient, options: Partial<ReflectorOptions<ConfigMap>> = {}): Running {
  const told: string[] = [];
  const syncs: string[] = [];
  const failures: string[] = [];
  let watches = 0;
  const reflector = new Reflector<ConfigMap>({
    client,
    resource: configMaps,
    backoff: { baseMs: 20, maxMs: 200, jitter: 0.5 },
    metrics: {
      synced: (how) => syncs.push(how),
      watchOpened: () => watches++,
      event() {},
      failed: (what) => failures.push(what),
    },
    ...options,
  });
  const show = ({ metadata, data }: ConfigMap) => `${metadata.name}=${data?.v ?? ''}`;
  reflector.onEvent(({ type, object }) => told.push(`${type} ${show(object)}`));
  const abort = new AbortController();
  const done = reflector.run(abort.signal);
  return {
    reflector,
    told,
    syncs,
    failures,
    watches: () => watches,
    state: () => reflector.store.list().map(show).sort(),
    async stop() {
      abort.abort();
      await done;
    },
  };
}

/** A namespace of the test's own, so that tests don't see each other's objects. */
async function newNamespace(client: HttpKubeClient): Promise<string> {
  const name = `test-${crypto.randomUUID().slice(0, 8)}`;
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  return name;
}

for (const { watchList, how } of [
  { watchList: true, how: 'watchlist' },
  { watchList: false, how: 'list' },
]) {
  describe(`reflector, reading the collection by ${how}`, () => {
    const controlPlane = useControlPlane();
    let direct: HttpKubeClient;
    let access: ProxiedAccess;
    let client: HttpKubeClient;
    let namespace: string;
    let running: Running | undefined;
    const start = (options: Partial<ReflectorOptions<ConfigMap>> = {}) => {
      running = run(client, { selection: { namespace }, watchList, ...options });
      return running;
    };
    const create = (name: string, v = '1', labels?: Record<string, string>) =>
      direct.create(configMaps, configMap(name, { namespace, labels, data: { v } }));
    const setData = (name: string, v: string) => direct.patchMerge(configMaps, { namespace, name }, { data: { v } });
    // Its port is an ephemeral one: while nobody listens, any outgoing connection of this machine may sit on it for a moment.
    const restart = () => eventually(() => controlPlane.startApiServer(), { withinMs: 30_000 });
    const remove = (name: string) => direct.delete(configMaps, { namespace, name });

    beforeEach(async () => {
      direct = connect({ kubeconfig: controlPlane.kubeconfigPath });
      access = await throughProxy(controlPlane);
      client = connect({ kubeconfig: access.kubeconfigPath });
      namespace = await newNamespace(direct);
    });
    afterEach(async () => {
      await running?.stop();
      running = undefined;
      await client.close();
      await direct.close();
      await access.close();
    });

    test('tells what there is, then each change in order', async () => {
      await create('a');
      const { reflector, told, syncs, state } = start();
      await reflector.synced();
      expect(state()).toEqual(['a=1']);
      await create('b');
      await setData('a', '2');
      await remove('b');
      await eventually(() => expect(told).toEqual(['added a=1', 'added b=1', 'modified a=2', 'deleted b=1']));
      expect(syncs).toEqual([how]);
      expect(reflector.store.get(`${namespace}/a`)?.kind).toBe('ConfigMap');
      expect(reflector.store.get(`${namespace}/a`)?.metadata.managedFields).toBeUndefined();
    });

    test('an empty collection is synced as well', async () => {
      const { reflector, state } = start();
      await reflector.synced();
      expect(state()).toEqual([]);
    });

    test('what no longer matches the label selector is told as deleted', async () => {
      await create('mine', '1', { app: 'web' });
      await create('other', '1', { app: 'mail' });
      const { reflector, told, state } = start({ selection: { namespace, labelSelector: 'app=web' } });
      await reflector.synced();
      expect(state()).toEqual(['mine=1']);
      await direct.patchMerge(configMaps, { namespace, name: 'mine' }, { metadata: { labels: { app: 'mail' } } });
      await eventually(() => expect(told).toEqual(['added mine=1', 'deleted mine=1']));
    });

    test('after connection resets it goes on from where it was and misses nothing', async () => {
      await create('a');
      const { reflector, told, syncs, state } = start();
      await reflector.synced();
      for (let round = 1; round <= 3; round++) {
        access.proxy.reset();
        await create(`b${round}`);
        await setData('a', `round-${round}`);
      }
      access.proxy.reset();
      await remove('b1');
      await eventually(() => expect(state()).toEqual(['a=round-3', 'b2=1', 'b3=1']));
      expect(told.filter((line) => line.startsWith('modified'))).toEqual([
        'modified a=round-1',
        'modified a=round-2',
        'modified a=round-3',
      ]);
      expect(told).toContain('deleted b1=1');
      expect(syncs).toEqual([how]);
    });

    test('a connection that has died in silence is given up and the watch goes on elsewhere', async () => {
      await create('a');
      const { reflector, state, syncs } = start({ silenceMs: 300 });
      await reflector.synced();
      await setData('a', 'heard');
      await eventually(() => expect(state()).toEqual(['a=heard']));
      access.proxy.fallSilent();
      await setData('a', 'unheard');
      access.proxy.speakAgain();
      await eventually(() => expect(state()).toEqual(['a=unheard']));
      expect(syncs).toEqual([how]);
    });

    test('a handler that throws is told of the next change, and so are the others', async () => {
      const { reflector, told, failures } = start();
      const seen: string[] = [];
      reflector.onEvent(({ object }) => {
        seen.push(object.metadata.name);
        throw new Error('this handler is broken');
      });
      await reflector.synced();
      await create('a');
      await create('b');
      await eventually(() => expect(told).toEqual(['added a=1', 'added b=1']));
      expect(seen).toEqual(['a', 'b']);
      expect(failures).toEqual(['handler', 'handler']);
    });

    test('a handler that comes late is first told what there is', async () => {
      await create('a');
      const { reflector } = start();
      await reflector.synced();
      const seen: string[] = [];
      reflector.onEvent(({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
      expect(seen).toEqual(['added a']);
    });

    test('a collection of several pages is read whole', async () => {
      const names = Array.from({ length: 603 }, (_, i) => `cm-${String(i).padStart(4, '0')}`);
      for (let i = 0; i < names.length; i += 100) await Promise.all(names.slice(i, i + 100).map((name) => create(name)));
      const { reflector } = start();
      await reflector.synced();
      expect(reflector.store.size).toBe(names.length);
    }, 60_000);

    test('a stop ends the watch and its connection', async () => {
      const { reflector, stop } = start();
      await reflector.synced();
      await eventually(() => expect(access.proxy.open).toBeGreaterThan(0));
      await stop();
      // The other agent's connection is kept for the next request; the watch's is gone.
      await eventually(() => expect(access.proxy.open).toBeLessThanOrEqual(watchList ? 0 : 1));
    });

    test('an API server that comes back without the version last seen is read anew, and what vanished is told as deleted', async () => {
      await create('stays');
      await create('goes');
      const { reflector, told, syncs, state } = start();
      await reflector.synced();
      access.proxy.fallSilent();
      await remove('goes');
      await setData('stays', '2');
      // The watch cache of a new process begins at the version of its start: an older one is answered with 410.
      await controlPlane.stopApiServer('SIGKILL');
      await restart();
      await create('comes');
      access.proxy.speakAgain();
      access.proxy.reset();
      await eventually(() => expect(state()).toEqual(['comes=1', 'stays=2']), { withinMs: 20_000 });
      expect(told).toContain('deleted goes=1');
      expect(syncs).toEqual([how, how]);
    }, 60_000);

    test('an API server that is away at the start is waited for', async () => {
      await create('a');
      await controlPlane.stopApiServer();
      const { reflector, failures, state } = start();
      await eventually(() => expect(failures.length).toBeGreaterThan(2));
      expect(reflector.hasSynced()).toBe(false);
      await restart();
      await reflector.synced();
      expect(state()).toEqual(['a=1']);
    }, 60_000);
  });
}

describe('reflector, with an API server that does not stream initial lists', () => {
  const controlPlane = useControlPlane({ apiServerFlags: ['--feature-gates=WatchList=false'] });

  test('falls back to pages and then watches', async () => {
    const client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    const namespace = await newNamespace(client);
    await client.create(configMaps, configMap('a', { namespace }));
    const { reflector, syncs, told, failures, stop } = run(client, { selection: { namespace } });
    await reflector.synced();
    await client.create(configMaps, configMap('b', { namespace }));
    await eventually(() => expect(told).toEqual(['added a=', 'added b=']));
    expect(syncs).toEqual(['list']);
    expect(failures).toEqual([]);
    await stop();
    await client.close();
  });
});
