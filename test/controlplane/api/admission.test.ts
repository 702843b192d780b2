import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { type AnyObject, flavor, loadBalancer, resourceOf, useClient } from './objects.ts';

const policies = join(import.meta.dirname, '../../../deploy/admission.yaml');
const balancers = resourceOf('LoadBalancer');

describe('the admission policies', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const patch = (spec: object) => client.current.patchMerge<AnyObject>(balancers, { name: 'web', namespace: 'default' }, { spec });
  const force = (status: object) =>
    client.current.patchMerge(balancers, { name: 'web', namespace: 'default' }, { status }, { subresource: 'status' });

  beforeAll(async () => {
    await controlPlane.kubectl(['apply', '--server-side', `--filename=${policies}`]);
    const flavors = {
      small: { loadbalancerTopology: 'SINGLE', provider: 'amphora' },
      large: { loadbalancerTopology: 'SINGLE', provider: 'amphora' },
      ha: { loadbalancerTopology: 'ACTIVE_STANDBY', provider: 'amphora' },
      foreign: { loadbalancerTopology: 'SINGLE', provider: 'octavia' },
      retired: { loadbalancerTopology: 'SINGLE', provider: 'amphora' },
      new: undefined,
    };
    for (const [name, status] of Object.entries(flavors)) {
      await client.current.create(resourceOf('Flavor'), flavor(name, { enabled: name !== 'retired' }));
      if (status) await client.current.patchMerge(resourceOf('Flavor'), { name }, { status }, { subresource: 'status' });
    }
    // A policy and its params come into force a moment after they were written.
    for (const flavorId of ['retired', 'foreign']) {
      await eventually(() =>
        expect(client.current.create(balancers, loadBalancer('probe', { flavorId }), { dryRun: true })).rejects.toThrow('denied request'),
      );
    }
    await client.current.create(balancers, loadBalancer('probe'));
    await client.current.patchMerge(
      balancers,
      { name: 'probe', namespace: 'default' },
      { status: { flavorId: 'small', topology: 'SINGLE' } },
      { subresource: 'status' },
    );
    await eventually(() =>
      expect(
        client.current.patchMerge(balancers, { name: 'probe', namespace: 'default' }, { spec: { flavorId: 'ha' } }, { dryRun: true }),
      ).rejects.toThrow('denied request'),
    );
  }, 60_000);

  describe('about flavors', () => {
    beforeEach(async () => {
      await client.current.delete(balancers, { name: 'web', namespace: 'default' }).catch(() => {});
      await client.current.create(balancers, loadBalancer('web'));
      await force({ flavorId: 'small', topology: 'SINGLE' });
    });

    test('let a load balancer change to another flavor of its topology', async () => {
      await expect(patch({ flavorId: 'large' })).resolves.toHaveProperty('spec.flavorId', 'large');
    });

    test('refuse a disabled flavor, and say which stays', async () => {
      await expect(patch({ flavorId: 'retired' })).rejects.toThrow(
        'flavor "retired" is disabled, so that no load balancer may enter it: choose an enabled one (kubectl get flavors), or have it enabled. ' +
          'Nothing has changed: flavor "small" stays in force',
      );
    });

    test('refuse another topology, and say what to do', async () => {
      await expect(patch({ flavorId: 'ha' })).rejects.toThrow(
        'flavor "ha" has topology ACTIVE_STANDBY, and flavor "small" in force has SINGLE: a resize keeps the topology. Choose a flavor of ' +
          'topology SINGLE (kubectl get flavors), or create another load balancer of flavor "ha". Nothing has changed: flavor "small" stays in force',
      );
    });

    test('refuse another provider', async () => {
      await expect(patch({ flavorId: 'foreign' })).rejects.toThrow(
        'flavor "foreign" belongs to provider "octavia", and this load balancer to "amphora": choose a flavor of provider "amphora"',
      );
    });

    test('refuse in words for people, with 403', async () => {
      await expect(patch({ flavorId: 'ha' })).rejects.toMatchObject({ status: 403 });
    });

    test('refuse a disabled flavor to a new load balancer too', async () => {
      const refusal = await client.current.create(balancers, loadBalancer('new', { flavorId: 'retired' })).catch(String);
      expect(refusal).toContain('flavor "retired" is disabled');
      expect(refusal).not.toContain('stays in force');
    });

    test('let a new load balancer have either topology', async () => {
      await client.current.create(balancers, loadBalancer('new-pair', { flavorId: 'ha' }));
    });

    test('always let it go back to the flavor in force, though that was disabled meanwhile', async () => {
      await force({ flavorId: 'retired', topology: 'SINGLE' });
      await patch({ flavorId: 'large' });
      await expect(patch({ flavorId: 'retired' })).resolves.toHaveProperty('spec.flavorId', 'retired');
    });

    test('let everything else of a load balancer change whose flavor is disabled', async () => {
      await patch({ flavorId: 'large' });
      await client.current.patchMerge(resourceOf('Flavor'), { name: 'large' }, { spec: { enabled: false } });
      try {
        await expect(patch({ description: 'changed', flavorId: 'large' })).resolves.toHaveProperty('spec.description', 'changed');
      } finally {
        await client.current.patchMerge(resourceOf('Flavor'), { name: 'large' }, { spec: { enabled: true } });
      }
    });

    test('leave to the operator a flavor that there is none of, and one that it has not looked at', async () => {
      await patch({ flavorId: 'nowhere' });
      await patch({ flavorId: 'new' });
      await expect(patch({ flavorId: null })).resolves.not.toHaveProperty('spec.flavorId');
    });
  });

  describe('about what the operator alone writes', () => {
    const amphora = {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'Amphora',
      metadata: { name: 'mine', namespace: 'team' },
      spec: {
        loadBalancer: { name: 'web', uid: 'u' },
        operation: 1,
        slot: 0,
        role: 'STANDALONE',
        peer: 0,
        provider: 'amphora',
        flavorId: 'huge',
        flavorData: {},
        steering: 'Attached',
      },
    };
    let tenant: KubeClient;
    let operator: KubeClient;
    let gardener: KubeClient;

    beforeAll(async () => {
      const as = async (user: string) => connect({ kubeconfig: await controlPlane.userKubeconfig({ user }) });
      [tenant, operator, gardener] = await Promise.all([
        as('tenant'),
        as('operator'),
        as('system:serviceaccount:kube-system:generic-garbage-collector'),
      ]);
      await controlPlane.kubectl(['create', 'namespace', 'team']);
      await controlPlane.kubectl(['create', 'clusterrole', 'everything', '--verb=*', '--resource=*.*']);
      for (const user of ['tenant', 'operator', 'system:serviceaccount:kube-system:generic-garbage-collector']) {
        await controlPlane.kubectl([
          'create',
          'rolebinding',
          user.replaceAll(':', '-'),
          '-n',
          'team',
          '--clusterrole=everything',
          `--user=${user}`,
        ]);
      }
      await controlPlane.kubectl(['create', 'clusterrole', 'flavor-status', '--verb=update', '--resource=flavors.reflavor.dev/status']);
      await controlPlane.kubectl(['create', 'clusterrolebinding', 'operator', '--clusterrole=flavor-status', '--user=operator']);
      await eventually(() => tenant.list(balancers, { namespace: 'team' }));
      await eventually(() => operator.create(resourceOf('Amphora'), amphora, { dryRun: true }));
    }, 30_000);

    test('a tenant with every right in the namespace writes a LoadBalancer, but no status', async () => {
      const balancer = { ...loadBalancer('theirs'), metadata: { name: 'theirs', namespace: 'team' } };
      await tenant.create(balancers, balancer);
      await tenant.patchMerge(balancers, balancer.metadata, { spec: { flavorId: 'large' } });
      await expect(
        tenant.patchMerge(balancers, balancer.metadata, { status: { flavorId: 'huge' } }, { subresource: 'status' }),
      ).rejects.toThrow('only the operator writes loadbalancers/status: change the spec of the LoadBalancer, and it follows');
    });

    test('a tenant can’t make, change or delete an Amphora; the operator can, and the garbage collector may delete', async () => {
      const refused = 'only the operator writes amphorae';
      await expect(tenant.create(resourceOf('Amphora'), amphora)).rejects.toThrow(refused);
      await operator.create(resourceOf('Amphora'), amphora);
      await expect(tenant.patchMerge(resourceOf('Amphora'), amphora.metadata, { spec: { steering: 'Detached' } })).rejects.toThrow(refused);
      await expect(tenant.delete(resourceOf('Amphora'), amphora.metadata)).rejects.toThrow(refused);
      await operator.patchMerge(resourceOf('Amphora'), amphora.metadata, { spec: { steering: 'Draining' } });
      await gardener.delete(resourceOf('Amphora'), amphora.metadata);
    });

    test('an administrator of the cluster may repair both', async () => {
      await client.current.create(resourceOf('Amphora'), amphora);
      await client.current.delete(resourceOf('Amphora'), amphora.metadata);
    });
  });
});
