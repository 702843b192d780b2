import { describe, expect, test } from '@jest/globals';
import { kinds } from '../../../tools/crd/kinds.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { type AnyObject, flavor, flavorProfile, httpListener, httpPool, loadBalancer, member, resourceOf, useClient } from './objects.ts';

interface Definition {
  metadata: { name: string };
  status: { conditions: { type: string; status: string; message: string }[] };
}

describe('the kinds on a real API server', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const columnsOf = async (what: string) => (await controlPlane.kubectl(['get', ...what.split(' ')])).split('\n')[0]?.split(/\s{2,}/);

  test('are established, and their schemas are structural', async () => {
    const { items } = JSON.parse(await controlPlane.kubectl(['get', 'customresourcedefinitions', '-o', 'json'])) as { items: Definition[] };
    const states = items.map(({ metadata, status }) => [
      metadata.name,
      status.conditions.filter(({ status }) => status === 'True').map(({ type }) => type),
    ]);
    expect(Object.fromEntries(states)).toEqual(
      Object.fromEntries(kinds.map(({ plural }) => [`${plural}.reflavor.dev`, ['NamesAccepted', 'Established']])),
    );
  });

  test('fill in what was left out', async () => {
    const spec = {
      listeners: [httpListener()],
      pools: [httpPool({ members: [member()], healthMonitor: { type: 'HTTP' } })],
    };
    const created = await client.current.create<AnyObject>(resourceOf('LoadBalancer'), loadBalancer('defaults', spec));
    expect(created.spec).toMatchObject({
      provider: 'amphora',
      adminStateUp: true,
      suspend: false,
      vip: {},
      strategy: { type: 'Failover', progressDeadlineSeconds: 600, settleSeconds: 3, verifySeconds: 10, drainSeconds: 300 },
      listeners: [{ adminStateUp: true, connectionLimit: -1, timeoutClientData: 50000, timeoutMemberConnect: 5000 }],
      pools: [
        {
          lbAlgorithm: 'ROUND_ROBIN',
          members: [{ adminStateUp: true, weight: 1, backup: false }],
          healthMonitor: { delay: 5, timeout: 3, maxRetries: 3, httpMethod: 'GET', urlPath: '/', expectedCodes: '200' },
        },
      ],
    });
  });

  test('fill in the rest of a strategy or of flavor data of which a part was given', async () => {
    const balancer = await client.current.create<AnyObject>(
      resourceOf('LoadBalancer'),
      loadBalancer('part', { strategy: { drainSeconds: 7 } }),
    );
    expect(balancer.spec.strategy).toEqual({
      type: 'Failover',
      progressDeadlineSeconds: 600,
      settleSeconds: 3,
      verifySeconds: 10,
      drainSeconds: 7,
    });
    const profile = await client.current.create<AnyObject>(
      resourceOf('FlavorProfile'),
      flavorProfile('part', { flavorData: { threads: 4 } }),
    );
    expect(profile.spec).toEqual({ provider: 'amphora', flavorData: { loadbalancerTopology: 'SINGLE', threads: 4, maxConnections: 2000 } });
  });

  test('show a load balancer that nobody has looked at as not up to date (kstatus)', async () => {
    await client.current.create(resourceOf('LoadBalancer'), loadBalancer('unseen'));
    const stored = await client.current.get<AnyObject>(resourceOf('LoadBalancer'), { name: 'unseen', namespace: 'default' });
    expect(stored.status).toEqual({ observedGeneration: -1 });
  });

  test('keep the status apart: neither a create nor an update of the object writes it', async () => {
    const balancer = { ...loadBalancer('apart'), status: { flavorId: 'forged' } };
    const created = await client.current.create<AnyObject>(resourceOf('LoadBalancer'), balancer);
    expect(created.status).not.toHaveProperty('flavorId');
    const patched = await client.current.patchMerge<AnyObject>(resourceOf('LoadBalancer'), balancer.metadata, {
      status: { flavorId: 'forged' },
    });
    expect(patched.status ?? {}).not.toHaveProperty('flavorId');
    expect(patched.metadata.generation).toBe(1);
  });

  test('let the operator write a whole status', async () => {
    const balancer = loadBalancer('status');
    await client.current.create(resourceOf('LoadBalancer'), balancer);
    const status = {
      observedGeneration: 1,
      flavorId: 'small',
      topology: 'SINGLE',
      provisioningStatus: 'PENDING_UPDATE',
      operatingStatus: 'ONLINE',
      vipAddress: '192.0.2.10',
      vipPorts: [8080],
      resize: 'Verified 5/8',
      amphorae: [{ name: 'status-1-0', flavorId: 'small', role: 'STANDALONE', traffic: 'Carries', ready: true }],
      operation: { number: 2, kind: 'Resize', from: 'small', to: 'large', step: 'Verified', startedAt: '2026-01-01T00:00:00Z' },
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'Resizing',
          message: 'on the way',
          observedGeneration: 1,
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    };
    await client.current.patchMerge(
      resourceOf('LoadBalancer'),
      balancer.metadata,
      { status },
      { subresource: 'status', fieldValidation: 'Strict' },
    );
    const stored = await client.current.get<AnyObject>(resourceOf('LoadBalancer'), balancer.metadata);
    expect(stored.status).toMatchObject(status);
    const [, row] = (await controlPlane.kubectl(['get', 'lb', 'status'])).split('\n');
    expect(row?.split(/\s{2,}/).slice(0, 7)).toEqual([
      'status',
      'small',
      'small',
      'PENDING_UPDATE',
      'ONLINE',
      '192.0.2.10',
      'Verified 5/8',
    ]);
  });

  test('show in columns what people look for', async () => {
    await client.current.create(resourceOf('FlavorProfile'), flavorProfile('columns'));
    await client.current.create(resourceOf('Flavor'), flavor('columns'));
    await client.current.create(resourceOf('LoadBalancer'), loadBalancer('columns'));
    expect(await columnsOf('lb')).toEqual(['NAME', 'FLAVOR', 'WANTED', 'PROVISIONING', 'OPERATING', 'VIP', 'RESIZE', 'AGE']);
    expect(await columnsOf('lb -o wide')).toEqual(expect.arrayContaining(['TOPOLOGY', 'READY', 'REASON']));
    expect(await columnsOf('flavors')).toEqual(['NAME', 'ENABLED', 'PROFILE', 'TOPOLOGY', 'PROVIDER', 'AGE']);
    expect(await columnsOf('flavorprofiles')).toEqual('NAME PROVIDER TOPOLOGY MAXCONNECTIONS THREADS CPU MEMORY IMAGE AGE'.split(' '));
  });

  test('are found by short name, category and flavor', async () => {
    await client.current.create(resourceOf('LoadBalancer'), loadBalancer('found', { flavorId: 'rare' }));
    expect(await controlPlane.kubectl(['get', 'lb', '--field-selector=spec.flavorId=rare', '-o', 'name'])).toBe(
      'loadbalancer.reflavor.dev/found\n',
    );
    expect(await controlPlane.kubectl(['get', 'all', '-o', 'name'])).toContain('loadbalancer.reflavor.dev/found');
    await expect(controlPlane.kubectl(['get', 'amp'])).resolves.toBe('');
  });

  test('explain their fields', async () => {
    const explained = await controlPlane.kubectl(['explain', 'loadbalancers.spec.flavorId']);
    expect(explained).toContain('A change starts a resize; setting it back cancels it');
  });
});
