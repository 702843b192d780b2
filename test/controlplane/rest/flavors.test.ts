import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { useRest } from './setting.ts';

const { as, kubectl, create, until, gone } = useRest();
const fault = (status: number, words: string) => ({ status, body: { faultcode: 'Client', faultstring: expect.stringContaining(words) } });
const data = { loadbalancer_topology: 'SINGLE', amp_image_tag: '3.2', cpu: '100m', memory: '64Mi', threads: 2, max_connections: 500 };
const profile = (name: string, flavor_data: object = data, provider_name = 'amphora') =>
  as('root', 'POST', 'flavorprofiles', { flavorprofile: { name, provider_name, flavor_data: JSON.stringify(flavor_data) } });

describe('flavor profiles', () => {
  test('are created, shown and listed; their data is the JSON text of Octavia', async () => {
    const { status, body } = await profile('tiny');
    expect(status).toBe(201);
    const { id } = body.flavorprofile;
    const { flavor_data, ...rest } = (await as('root', 'GET', `flavorprofiles/${id}`)).body.flavorprofile;
    expect(rest).toEqual({ id, name: 'tiny', provider_name: 'amphora' });
    expect(JSON.parse(flavor_data)).toEqual(data);
    expect(JSON.parse(await kubectl('get', 'flavorprofile', 'tiny', '-o', 'jsonpath={.spec.flavorData}'))).toEqual({
      ...{ loadbalancerTopology: 'SINGLE', ampImageTag: '3.2', threads: 2, maxConnections: 500 },
      compute: { cpu: '100m', memory: '64Mi' },
    });
    expect((await as('root', 'GET', 'flavorprofiles?name=tiny')).body).toMatchObject({ flavorprofiles: [{ id }], flavorprofile_links: [] });
  });

  test('are refused with data that can’t be, and under a name that is taken or no object can have', async () => {
    expect(await profile('bad', { colour: 'red' })).toMatchObject(fault(400, 'Unknown attribute for argument body: colour'));
    expect(await profile('bad', { compute_flavor: '1' })).toMatchObject(
      fault(400, 'compute_flavor is not a valid option for flavor_data: an amphora'),
    );
    expect(await profile('bad', { cpu: 'lots' })).toMatchObject(fault(400, "field/attribute cpu. Value: 'lots'"));
    expect(await profile('bad', data, 'ovn')).toMatchObject(fault(400, "Provider 'ovn' is not enabled."));
    expect(await profile('Not A Name')).toMatchObject(fault(400, 'it is the name of a Kubernetes object too'));
    expect(await profile('small')).toMatchObject(fault(409, 'A flavor profile of small already exists.'));
    const text = { flavorprofile: { name: 'bad', provider_name: 'amphora', flavor_data: 'SINGLE' } };
    expect(await as('root', 'POST', 'flavorprofiles', text)).toMatchObject(fault(400, 'SINGLE is not a valid option for flavor_data'));
  });

  test('can’t be changed, and not be deleted while a flavor names them', async () => {
    const path = 'flavorprofiles/small';
    const { flavorprofile } = (await as('root', 'GET', path)).body;
    const { id, ...same } = flavorprofile;
    expect(await as('root', 'PUT', path, { flavorprofile: same })).toMatchObject({ status: 200, body: { flavorprofile } });
    const other = { ...same, flavor_data: JSON.stringify({ max_connections: 1 }) };
    expect(await as('root', 'PUT', path, { flavorprofile: other })).toMatchObject(
      fault(409, `Flavor profile ${id} is in use and cannot be modified.`),
    );
    expect(await as('root', 'DELETE', path)).toMatchObject(fault(409, `Flavor profile ${id} is in use and cannot be modified.`));
    await profile('unused');
    expect((await as('root', 'DELETE', 'flavorprofiles/unused')).status).toBe(204);
    expect(await as('root', 'GET', 'flavorprofiles/unused')).toMatchObject(fault(404, 'Flavor profile unused not found.'));
  });
});

describe('flavors', () => {
  test('are created, updated, used and deleted once nobody uses them', async () => {
    const { body } = await as('root', 'POST', 'flavors', { flavor: { name: 'bronze', description: 'cheap', flavor_profile_id: 'small' } });
    const { id } = body.flavor;
    const profiles = (await as('root', 'GET', 'flavorprofiles?name=small')).body.flavorprofiles;
    expect(body.flavor).toEqual({ id, name: 'bronze', description: 'cheap', enabled: true, flavor_profile_id: profiles[0].id });
    expect((await as('reader', 'GET', 'flavors/bronze')).body.flavor.id).toBe(id);
    const { flavor } = (await as('root', 'PUT', `flavors/${id}`, { flavor: { name: 'bronze', description: 'cheaper', enabled: false } }))
      .body;
    expect(flavor).toMatchObject({ id, description: 'cheaper', enabled: false });
    await as('root', 'PUT', `flavors/${id}`, { flavor: { enabled: true } });

    const lb = await create('on-bronze', { flavor_id: id });
    await until(lb, { provisioning_status: 'ACTIVE', flavor_id: id });
    expect(await as('root', 'DELETE', `flavors/${id}`)).toMatchObject(fault(409, `Flavor ${id} is in use and cannot be modified.`));
    await as('writer', 'DELETE', `loadbalancers/${lb}?cascade=true`);
    await gone(lb);
    expect((await as('root', 'DELETE', `flavors/${id}`)).status).toBe(204);
    expect(await as('reader', 'GET', `flavors/${id}`)).toMatchObject(fault(404, `Flavor ${id} not found.`));
  }, 120_000);

  test('are refused under a name that is taken, another name afterwards, or of a profile that there is none of', async () => {
    const make = (flavor: object) => as('root', 'POST', 'flavors', { flavor });
    expect(await make({ name: 'small', flavor_profile_id: 'small' })).toMatchObject(fault(409, 'A flavor of small already exists.'));
    expect(await make({ name: 'new', flavor_profile_id: 'none' })).toMatchObject(fault(400, 'there is no flavor profile none'));
    expect(await as('root', 'PUT', 'flavors/small', { flavor: { name: 'other' } })).toMatchObject(
      fault(409, 'The name of flavor small cannot be modified'),
    );
  });
});

describe('providers', () => {
  test('are one, and its capabilities are what flavor_data may have', async () => {
    expect((await as('reader', 'GET', 'providers')).body.providers).toEqual([{ name: 'amphora', description: expect.any(String) }]);
    const { flavor_capabilities } = (await as('reader', 'GET', 'providers/amphora/flavor_capabilities')).body;
    expect(flavor_capabilities.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(Object.keys(data)));
    expect(await as('reader', 'GET', 'providers/ovn/flavor_capabilities')).toMatchObject({ status: 501 });
  });
});

describe('amphorae', () => {
  test('are shown with role, status and where they are, and fail over with their load balancer', async () => {
    const id = await create('pair', { flavor_id: 'small-ha' });
    await until(id, { provisioning_status: 'ACTIVE' });
    const { vip_address } = (await as('reader', 'GET', `loadbalancers/${id}`)).body.loadbalancer;
    const list = async () =>
      (await as('admin', 'GET', `/v2/octavia/amphorae?loadbalancer_id=${id}&status=ALLOCATED&sort=role`)).body.amphorae as { id: string }[];
    const before = await list();
    expect(before).toMatchObject(
      ['BACKUP', 'MASTER'].map((role) => ({ role, loadbalancer_id: id, ha_ip: vip_address, compute_flavor: 'small-ha' })),
    );
    expect((await as('admin', 'GET', `/v2.0/octavia/amphorae/${before[0]!.id}?fields=role`)).body).toEqual({ amphora: { role: 'BACKUP' } });
    const stats = `/v2.0/octavia/amphorae/${before[1]!.id}/stats`;
    const { listeners } = (await as('reader', 'GET', `loadbalancers/${id}`)).body.loadbalancer;
    await eventually(
      async () =>
        expect(await as('admin', 'GET', stats)).toMatchObject({
          status: 200,
          body: {
            amphora_stats: [
              {
                ...{ id: before[1]!.id, loadbalancer_id: id, listener_id: listeners[0].id, request_errors: 0 },
                total_connections: expect.any(Number),
              },
            ],
          },
        }),
      { withinMs: 30_000 },
    );
    expect(await as('reader', 'GET', stats)).toMatchObject({ status: 403 });
    expect((await as('admin', 'PUT', `/v2.0/octavia/amphorae/${before[0]!.id}/failover`)).status).toBe(202);
    expect((await as('reader', 'GET', `loadbalancers/${id}?fields=provisioning_status`)).body.loadbalancer.provisioning_status).toBe(
      'PENDING_UPDATE',
    );
    await until(id, { provisioning_status: 'ACTIVE' });
    const after = await list();
    expect(after).toHaveLength(2);
    expect(after.filter(({ id: one }) => before.some(({ id: other }) => one === other))).toEqual([]);
    expect((await as('stranger', 'GET', '/v2.0/octavia/amphorae')).body.amphorae).toEqual([]);
    expect(await as('admin', 'GET', '/v2.0/octavia/amphorae/x')).toMatchObject(fault(404, 'Amphora x not found.'));
    expect(await as('admin', 'GET', '/v2.0/octavia/amphorae/x/stats')).toMatchObject(fault(404, 'Amphora x not found.'));
  }, 120_000);
});
