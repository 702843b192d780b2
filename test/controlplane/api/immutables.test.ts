import { describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';
import { flavor, flavorProfile, httpListener, loadBalancer, resourceOf, useClient } from './objects.ts';

describe('what can’t be changed', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const [balancers, flavors, profiles] = ['LoadBalancer', 'Flavor', 'FlavorProfile'].map(resourceOf) as [
    ReturnType<typeof resourceOf>,
    ReturnType<typeof resourceOf>,
    ReturnType<typeof resourceOf>,
  ];

  test('the address of a VIP, once it was asked for', async () => {
    const balancer = loadBalancer('asked', { vip: { address: '192.0.2.10' } });
    await client.current.create(balancers, balancer);
    const change = (vip: object | null) => client.current.patchMerge(balancers, balancer.metadata, { spec: { vip } });
    await expect(change({ address: '192.0.2.11' })).rejects.toThrow('vip.address is immutable once set');
    await expect(change({ address: null })).rejects.toThrow('vip.address is immutable once set');
    await expect(change(null)).rejects.toThrow('vip.address is immutable once set');
  });

  test('the address of a VIP, once one was chosen', async () => {
    const balancer = loadBalancer('chosen');
    await client.current.create(balancers, balancer);
    await client.current.patchMerge(balancers, balancer.metadata, { status: { vipAddress: '192.0.2.10' } }, { subresource: 'status' });
    const change = (address: string) => client.current.patchMerge(balancers, balancer.metadata, { spec: { vip: { address } } });
    await expect(change('192.0.2.11')).rejects.toThrow('vip.address can no longer be chosen');
    await change('192.0.2.10');
  });

  test('but a VIP’s address may be asked for while there is none', async () => {
    const balancer = loadBalancer('later');
    await client.current.create(balancers, balancer);
    await client.current.patchMerge(balancers, balancer.metadata, { spec: { vip: { address: '192.0.2.12' } } });
  });

  test('what the address of a VIP hangs on: type, class and first family of its Service', async () => {
    const service = { type: 'LoadBalancer', loadBalancerClass: 'a/b', ipFamilies: ['IPv4'] };
    const balancer = loadBalancer('outside', { vip: { service } });
    await client.current.create(balancers, balancer);
    const change = (fields: object | null) =>
      client.current.patchMerge(balancers, balancer.metadata, { spec: { vip: { service: fields } } });
    await expect(change({ type: 'ClusterIP', loadBalancerClass: null })).rejects.toThrow('vip.service.type is immutable');
    await expect(change(null)).rejects.toThrow('vip.service.type is immutable');
    await expect(change({ loadBalancerClass: 'c/d' })).rejects.toThrow('vip.service.loadBalancerClass is immutable');
    await expect(change({ loadBalancerClass: null })).rejects.toThrow('vip.service.loadBalancerClass is immutable');
    await expect(change({ ipFamilies: ['IPv6'] })).rejects.toThrow('the first of vip.service.ipFamilies is immutable');
    await change({
      ipFamilyPolicy: 'PreferDualStack',
      ipFamilies: ['IPv4', 'IPv6'],
      externalTrafficPolicy: 'Local',
      annotations: { a: 'b' },
    });
  });

  test('the type of a VIP’s Service, where none was named', async () => {
    const balancer = loadBalancer('inside');
    await client.current.create(balancers, balancer);
    const change = (type: string) => client.current.patchMerge(balancers, balancer.metadata, { spec: { vip: { service: { type } } } });
    await expect(change('LoadBalancer')).rejects.toThrow('vip.service.type is immutable');
    await change('ClusterIP');
  });

  test('the provider of a load balancer, and there is but one', async () => {
    await expect(client.current.create(balancers, loadBalancer('other', { provider: 'octavia' }))).rejects.toThrow(
      'spec.provider: Unsupported value: "octavia"',
    );
  });

  test('a flavor profile', async () => {
    const profile = flavorProfile('fixed', { flavorData: { maxConnections: 100 } });
    await client.current.create(profiles, profile);
    const change = (spec: object) => client.current.patchMerge(profiles, profile.metadata, { spec });
    await expect(change({ flavorData: { maxConnections: 200 } })).rejects.toThrow('create another profile and a flavor that names it');
    await expect(change({ flavorData: { ampImageTag: 'v2' } })).rejects.toThrow('a flavor profile is immutable');
    await expect(change({ provider: 'octavia' })).rejects.toThrow('a flavor profile is immutable');
    await client.current.patchMerge(profiles, profile.metadata, { metadata: { labels: { size: 's' } } });
  });

  test('the profile of a flavor; whether it is enabled may change', async () => {
    await client.current.create(flavors, flavor('fixed'));
    const change = (spec: object) => client.current.patchMerge(flavors, { name: 'fixed' }, { spec });
    await expect(change({ flavorProfile: 'other' })).rejects.toThrow('flavorProfile is immutable: create a flavor of another name');
    await expect(change({ flavorProfile: null })).rejects.toThrow('Required value');
    await change({ enabled: false, description: 'no more' });
  });

  test('a flavor, listeners, pools and the rest of a load balancer may change at any time', async () => {
    const balancer = loadBalancer('free');
    await client.current.create(balancers, balancer);
    const spec = { flavorId: 'large', suspend: true, adminStateUp: false, strategy: { drainSeconds: 1 }, listeners: [httpListener()] };
    await expect(client.current.patchMerge(balancers, balancer.metadata, { spec })).resolves.toMatchObject({ spec });
    await expect(client.current.patchMerge(balancers, balancer.metadata, { spec: { flavorId: null } })).resolves.not.toHaveProperty(
      'spec.flavorId',
    );
  });
});
