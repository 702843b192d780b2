import { describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';
import { type AnyObject, httpListener, httpPool, loadBalancer, member, resourceOf, useClient } from './objects.ts';

interface Shared extends AnyObject {
  spec: { listeners: { name: string }[]; pools: { name: string; members: { address: string; weight: number }[] }[] };
}

describe('a load balancer that two share through server-side apply', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const apply = (fieldManager: string, spec: object) => {
    const { flavorId: _, ...wanted } = loadBalancer('shared', spec).spec;
    return client.current.apply<Shared>(resourceOf('LoadBalancer'), { ...loadBalancer('shared'), spec: wanted } as AnyObject, {
      fieldManager,
    });
  };
  const ours = (members: object[]) => ({ pools: [httpPool({ members })] });

  test('has the members of both, and loses only the own ones of the one who drops them', async () => {
    await apply('team', { listeners: [httpListener({ defaultPool: 'web' })], ...ours([member({ address: '192.0.2.1' })]) });
    const both = await apply('autoscaler', ours([member({ address: '192.0.2.2' })]));
    expect(both.spec.pools[0]?.members.map(({ address }) => address).sort()).toEqual(['192.0.2.1', '192.0.2.2']);
    const one = await apply('autoscaler', ours([]));
    expect(one.spec.pools[0]?.members.map(({ address }) => address)).toEqual(['192.0.2.1']);
    expect(one.spec.listeners).toHaveLength(1);
  });

  test('has the listeners of both', async () => {
    await apply('team', { listeners: [httpListener()], pools: [httpPool()] });
    const both = await apply('neighbour', { listeners: [httpListener({ name: 'admin', protocolPort: 9090 })] });
    expect(both.spec.listeners.map(({ name }) => name).sort()).toEqual(['admin', 'http']);
  });

  test('tells one that a field is the other’s', async () => {
    await apply('team', { pools: [httpPool({ members: [member({ weight: 5 })] })] });
    await expect(apply('autoscaler', { pools: [httpPool({ members: [member({ weight: 6 })] })] })).rejects.toThrow(/conflict with "team"/);
  });
});
