import { beforeAll, describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { type AnyObject, loadBalancer, resourceOf, useClient } from '../api/objects.ts';
import { chart, helm } from './helm.ts';

const balancers = resourceOf('LoadBalancer');

describe('what may be asked of the Service of a VIP', () => {
  const controlPlane = useControlPlane();
  const client = useClient(controlPlane);
  const outside = { type: 'LoadBalancer', annotations: { 'cloud.example/tier': 'premium' } };

  const release = (command: 'install' | 'upgrade', vipService: object) =>
    helm(
      [
        ...[command, 'reflavor', chart, '--namespace=reflavor', '--create-namespace'],
        `--set-json=admissionPolicy.vipService=${JSON.stringify(vipService)}`,
      ],
      controlPlane.kubeconfigPath,
    );
  const create = (service: object | undefined, name = 'new') =>
    client.current.create(balancers, loadBalancer(name, service && { vip: { service } }), { dryRun: name === 'new' });
  const change = (spec: object) =>
    client.current.patchMerge<AnyObject>(balancers, { namespace: 'default', name: 'old' }, { spec }, { dryRun: true });
  const annotated = (annotations: object) => create({ annotations });

  beforeAll(async () => {
    await release('install', {});
    await controlPlane.kubectl(['wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s']);
    await client.current.create(resourceOf('Flavor'), {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'Flavor',
      metadata: { name: 'small' },
      spec: { flavorProfile: 'small' },
    } as AnyObject);
    // Everything, by default.
    await create(outside, 'old');
    await release('upgrade', { types: ['ClusterIP'], annotations: ['metallb.io/*', 'example.org/pool'] });
    // A policy comes into force a moment after it was written.
    await eventually(() => expect(create(outside)).rejects.toThrow('denied request'));
  }, 60_000);

  test('is no type that the values don’t name', async () => {
    const refused = create({ type: 'LoadBalancer' });
    await expect(refused).rejects.toThrow('vip.service.type LoadBalancer may not be asked for in this cluster. Allowed: ClusterIP');
    await expect(refused).rejects.toMatchObject({ status: 403 });
    await create({ type: 'ClusterIP' });
    await create({});
    await create(undefined);
  });

  test('is no annotation that the values name neither by its key nor by its beginning', async () => {
    await annotated({ 'metallb.io/address-pool': 'a', 'metallb.io/allow-shared-ip': 'b', 'example.org/pool': 'c' });
    await expect(annotated({ 'metallb.io/address-pool': 'a', 'example.org/pools': 'c', 'cloud.example/tier': 'd' })).rejects.toThrow(
      /vip\.service\.annotations (cloud\.example\/tier, example\.org\/pools|example\.org\/pools, cloud\.example\/tier) may not be asked for in this cluster\. Allowed: metallb\.io\/\*, example\.org\/pool$/,
    );
  });

  test('takes nothing from a load balancer that has it, which may be changed in everything else', async () => {
    await change({ description: 'changed', listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80 }] });
    await change({ vip: { service: { annotations: { 'metallb.io/address-pool': 'a' } } } });
    await change({ vip: { service: { annotations: null } } });
    await expect(change({ vip: { service: { annotations: { 'cloud.example/tier': 'other' } } } })).rejects.toThrow(
      'vip.service.annotations cloud.example/tier may not be asked for',
    );
    await expect(change({ vip: { service: { annotations: { 'cloud.example/more': 'x' } } } })).rejects.toThrow(
      'vip.service.annotations cloud.example/more may not be asked for',
    );
    const finalizers = ['example.org/hold'];
    await client.current.patchMerge(balancers, { namespace: 'default', name: 'old' }, { metadata: { finalizers } }, { dryRun: true });
  });

  test('can be no annotation at all, and a type alone can be refused', async () => {
    await release('upgrade', { types: ['LoadBalancer'], annotations: [] });
    await eventually(() =>
      expect(create({ type: 'LoadBalancer', annotations: { 'metallb.io/address-pool': 'a' } })).rejects.toThrow(
        'vip.service.annotations metallb.io/address-pool may not be asked for in this cluster. Allowed: none',
      ),
    );
    await create({ type: 'LoadBalancer' });
    await expect(create(undefined)).rejects.toThrow(
      'vip.service.type ClusterIP may not be asked for in this cluster. Allowed: LoadBalancer',
    );
  });
});
