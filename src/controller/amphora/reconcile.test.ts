import { expect, test } from '@jest/globals';
import { ApiFaults } from '../../../chaos/memory/api-faults.ts';
import { MemoryKubeClient } from '../../../chaos/memory/client.ts';
import { LB, MemoryCluster } from '../../../chaos/memory/cluster.ts';
import { Link } from '../../../chaos/memory/link.ts';
import { unrest } from '../../../chaos/memory/rest.ts';
import { type Amphora, conditionOf, type LoadBalancer } from '../../api/index.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { SimulatedDriver } from '../../provider/amphora/simulated/driver.ts';
import { type Caches, INDEXES } from '../caches.ts';
import { vipRef } from '../loadbalancer/vip.ts';
import { Resolutions } from '../resolutions.ts';
import { amphorae, loadBalancers } from '../resources.ts';
import { silentLog } from '../runtime/log.ts';
import { amphoraReconciler } from './reconcile.ts';

const listener = (protocolPort: number) => ({ name: `web-${protocolPort}`, protocol: 'HTTP', protocolPort, defaultPool: 'web' });
const pools = [{ name: 'web', protocol: 'HTTP', members: [{ address: '10.1.0.1', protocolPort: 8080 }] }];

/** The one amphora of a load balancer that no operator looks after any more, and what one visit to it comes to. */
async function lastAmphora() {
  const cluster = new MemoryCluster({ seed: 1, topology: 'SINGLE' });
  const operator = cluster.startOperator();
  cluster.createLoadBalancer({ flavorId: 'a', listeners: [listener(80)], pools });
  expect(await cluster.until(() => unrest(cluster).length === 0, 100_000)).toBe(true);
  cluster.killOperator(operator);

  const driver = new SimulatedDriver(cluster.amphorae);
  const cacheOf = <T extends KubeObject>(resource: Resource, indexes: Record<string, (object: T) => readonly string[]> = {}) => {
    const list = () => cluster.server.list(resource) as unknown as T[];
    return {
      list,
      get: (key: string) => list().find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
      byIndex: (index: string, value: string) => list().filter((object) => indexes[index]!(object).includes(value)),
      saw() {},
    };
  };
  const none = { list: () => [], get: () => undefined, byIndex: () => [] };
  const caches: Caches = {
    loadBalancers: cacheOf<LoadBalancer>(loadBalancers, INDEXES.loadBalancers),
    amphorae: cacheOf<Amphora>(amphorae, INDEXES.amphorae),
    flavors: none,
    flavorProfiles: none,
    secrets: none,
    services: none,
    endpointSlices: none,
  };
  const reconcile = amphoraReconciler({
    client: new MemoryKubeClient(cluster.server, new Link(cluster.clock), new ApiFaults(cluster.random)),
    caches,
    resolutions: new Resolutions(caches),
    driver,
    clock: cluster.clock,
    events: { record() {} },
    observeMs: () => 5000,
    progressMs: 100,
  });
  const [{ metadata }] = cluster.amphoraObjects as [Amphora];
  return {
    cluster,
    steer: (steering: Amphora['spec']['steering']) => cluster.server.patchMerge(amphorae, metadata, { spec: { steering } }),
    visit: () => reconcile(`${LB.namespace}/${metadata.name}`, { signal: new AbortController().signal, log: silentLog }),
    async seen() {
      const [object] = cluster.amphoraObjects as [Amphora];
      const { attached } = (await driver.observeVip(vipRef(cluster.loadBalancer!)))!;
      const { listeners } = await driver.observe(object);
      return { attached, ports: listeners.map(({ protocolPort }) => protocolPort), ready: conditionOf(object.status?.conditions, 'Ready') };
    },
    name: metadata.name,
  };
}

test.each(['Detached', 'Draining'] as const)(
  'the last one behind the VIP stays there though it is %s, says so, and takes edits',
  async (steering) => {
    const { cluster, steer, visit, seen, name } = await lastAmphora();
    steer(steering);
    await visit();
    expect(await seen()).toMatchObject({
      attached: [name],
      ready: { reason: 'LastAmphora', message: expect.stringContaining('stays behind the VIP') },
    });

    cluster.edit({ listeners: [listener(80), listener(8080)] });
    await visit();
    expect(await seen()).toMatchObject({ attached: [name], ports: [80, 8080], ready: { reason: 'LastAmphora' } });
    cluster.close();
  },
);
