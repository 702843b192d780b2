import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Flavor, type LoadBalancer, LoadBalancerSpec } from '../../api/index.ts';
import { parseBody } from './body.ts';
import { flavorsOf } from './flavors.ts';
import {
  checkDeletion,
  createLoadBalancer,
  LoadBalancerCreate,
  LoadBalancerUpdate,
  loadBalancerOf,
  updateLoadBalancer,
} from './loadbalancer.ts';
import { NETWORKS } from './networks.ts';
import { viewOf } from './view.ts';

const flavor = (name: string, uid: string, enabled = true, provider?: string) =>
  ({ metadata: { name, uid }, spec: { enabled, flavorProfile: name }, status: { provider } }) as Flavor;
const flavors = flavorsOf([flavor('small', 'uid-small'), flavor('old', 'uid-old', false), flavor('other', 'uid-other', true, 'ovn')]);
const uid = '0b9e4fd2-7a8c-4a3d-9a07-5d3f1c2b4e6a';

const create = (body: object, suffix?: string) => createLoadBalancer(parseBody(LoadBalancerCreate, body), 'shop', flavors, suffix);
const created = (body: object): LoadBalancer => {
  const loadBalancer = create(body);
  return { ...loadBalancer, metadata: { ...loadBalancer.metadata, uid, generation: 1, creationTimestamp: '2026-01-02T03:04:05Z' } };
};
const shown = (loadBalancer: LoadBalancer) => loadBalancerOf(viewOf(loadBalancer, [], flavors));

describe('createLoadBalancer', () => {
  test('what was asked for is shown again, and is a valid spec', () => {
    const body = fc.record(
      {
        name: fc.string({ maxLength: 255 }),
        description: fc.string({ maxLength: 255 }),
        admin_state_up: fc.boolean(),
        vip_address: fc.oneof(fc.ipV4(), fc.constant('2001:db8::1')),
        vip_network_id: fc.constantFrom(...NETWORKS.map(({ id }) => id)),
        provider: fc.constant('amphora'),
        flavor_id: fc.constant('uid-small'),
        tags: fc.array(fc.string({ minLength: 1, maxLength: 255 }), { maxLength: 8 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (given) => {
        const loadBalancer = created(given);
        expect(LoadBalancerSpec.parse(loadBalancer.spec)).toEqual(loadBalancer.spec);
        expect(shown(loadBalancer)).toMatchObject({ name: '', description: '', admin_state_up: true, ...given });
      }),
    );
  });

  test('the name of the object is a DNS label made from the given name, and has room for a suffix', () => {
    const named = (name: string, suffix?: string) => create({ name }, suffix).metadata.name;
    expect(named('web')).toBe('web');
    expect(named('Größe & Co.')).toBe('gro-e-co');
    expect(named('8080')).toBe('lb-8080');
    expect(named('')).toBe('lb');
    expect(named('日本')).toBe('lb');
    fc.assert(
      fc.property(fc.string({ maxLength: 255, unit: 'grapheme' }), fc.constantFrom(undefined, 'x7k2p'), (name, suffix) => {
        expect(named(name, suffix)).toMatch(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
      }),
    );
    expect(named('a'.repeat(60), 'x7k2p')).toBe(`${'a'.repeat(34)}-x7k2p`);
  });

  test('a project is a namespace, and a flavor can be asked for by name', () => {
    expect(shown(created({ name: 'web', flavor_id: 'small' }))).toMatchObject({
      id: uid,
      project_id: 'shop',
      flavor_id: 'uid-small',
      provisioning_status: 'PENDING_CREATE',
      operating_status: 'OFFLINE',
      created_at: '2026-01-02T03:04:05',
      updated_at: null,
    });
  });

  test.each<[object, number, string]>([
    [{ names: 'web' }, 400, 'Unknown attribute for argument body: names'],
    [{ admin_state_up: 'maybe' }, 400, "field/attribute admin_state_up. Value: 'maybe'. Value should be true or false."],
    [{ vip_address: '10.0.0.256' }, 400, 'Value should be IPv4 or IPv6 format.'],
    [{ vip_subnet_id: 'mine' }, 400, 'Subnet mine not found. Use '],
    [{ flavor_id: 'huge' }, 400, 'Validation failure: Invalid flavor_id.'],
    [{ flavor_id: 'old' }, 400, 'The selected flavor is not allowed in this deployment: old'],
    [{ flavor_id: 'uid-other' }, 400, "Flavor 'uid-other' is not compatible with provider 'amphora'"],
    [{ provider: 'ovn' }, 400, "Provider 'ovn' is not enabled."],
    [{ vip_port_id: 'x' }, 501, 'vip_port_id: a VIP has no port of Neutron.'],
    [{ additional_vips: [{}] }, 501, 'vip.service.ipFamilyPolicy'],
    [{ availability_zone: 'nova' }, 501, 'availability_zone'],
    [{ vip_qos_policy_id: 'x' }, 501, 'vip_qos_policy_id'],
    [{ vip_sg_ids: ['x'] }, 501, 'Use allowed_cidrs'],
  ])('%j is refused with %d', (body, status, words) => {
    expect(() => create(body)).toThrow(expect.objectContaining({ status, faultstring: expect.stringContaining(words) }));
  });

  test('a name that is too long is refused, and not repeated whole', () => {
    const words = `Invalid input for field/attribute name. Value: '${'x'.repeat(120)}…'. Value should have a maximum character requirement of 255.`;
    expect(() => create({ name: 'x'.repeat(256) })).toThrow(words);
  });
});

describe('what is shown', () => {
  test('flavor_id is the flavor in force, also while another is wanted, and the name of one that is gone', () => {
    const loadBalancer = created({ flavor_id: 'small' });
    loadBalancer.status = { observedGeneration: 1, provisioningStatus: 'PENDING_UPDATE', flavorId: 'old' };
    expect(shown(loadBalancer)).toMatchObject({ flavor_id: 'uid-old', provisioning_status: 'PENDING_UPDATE' });
    loadBalancer.status.flavorId = 'gone';
    expect(shown(loadBalancer).flavor_id).toBe('gone');
  });

  test('updated_at is when somebody last wrote, the operator’s status not counted', () => {
    const loadBalancer = created({});
    loadBalancer.metadata.managedFields = [
      { manager: 'reflavor-api', time: '2026-01-02T03:04:05Z' },
      { manager: 'kubectl', time: '2026-01-03T00:00:00Z' },
      { manager: 'reflavor', subresource: 'status', time: '2026-01-04T00:00:00Z' },
    ];
    expect(shown(loadBalancer).updated_at).toBe('2026-01-03T00:00:00');
  });

  test('the network is the type of the VIP’s Service, asked for by network or subnet, id or name', () => {
    const external = NETWORKS.find(({ name }) => name === 'external')!;
    for (const asked of [{ vip_network_id: external.id }, { vip_subnet_id: external.subnetId }, { vip_subnet_id: 'external' }]) {
      const loadBalancer = created(asked);
      expect(loadBalancer.spec.vip.service).toEqual({ type: 'LoadBalancer' });
      expect(shown(loadBalancer)).toMatchObject({ vip_network_id: external.id, vip_subnet_id: external.subnetId });
    }
    expect(created({}).spec.vip).toEqual({});
    expect(() => created({ vip_network_id: 'cluster', vip_subnet_id: 'external' })).toThrow('It is not of network cluster');
  });
});

describe('updateLoadBalancer', () => {
  const update = (loadBalancer: LoadBalancer, body: object) => updateLoadBalancer(loadBalancer, parseBody(LoadBalancerUpdate, body));

  test('changes what the body names, resets what is null, and leaves the rest and the object given as they are', () => {
    const before = created({ name: 'web', description: 'shop', tags: ['a'], vip_address: '192.0.2.1' });
    const copy = structuredClone(before);
    const after = shown(update(before, { name: 'Web 2', tags: null, description: null }));
    expect(after).toEqual({ ...shown(before), name: 'Web 2', tags: [], description: '' });
    expect(before).toEqual(copy);
    expect(shown(update(before, { name: null, admin_state_up: null }))).toMatchObject({
      name: '',
      admin_state_up: false,
      description: 'shop',
    });
  });

  test('the flavor is not changed here, and the fault says where it is', () => {
    expect(() => update(created({}), { flavor_id: 'small' })).toThrow(
      'Unknown attribute for argument body: flavor_id; to change the flavor, PUT /v2.0/lbaas/loadbalancers/{id}/resize with new_flavor_id',
    );
  });

  test('one that is being deleted takes no change', () => {
    const loadBalancer = created({});
    loadBalancer.metadata.deletionTimestamp = '2026-01-02T03:04:06Z';
    const words = `Invalid state PENDING_DELETE of loadbalancer resource ${uid}`;
    expect(() => update(loadBalancer, { name: 'x' })).toThrow(expect.objectContaining({ status: 409, message: words }));
    expect(() => checkDeletion(loadBalancer, { cascade: true })).toThrow(words);
    expect(shown(loadBalancer).provisioning_status).toBe('PENDING_DELETE');
  });
});

describe('checkDeletion', () => {
  test('children are taken along only where that is asked for', () => {
    const loadBalancer = created({});
    checkDeletion(loadBalancer, { cascade: false });
    loadBalancer.spec = LoadBalancerSpec.parse({ pools: [{ name: 'app', protocol: 'HTTP' }] });
    checkDeletion(loadBalancer, { cascade: true });
    expect(() => checkDeletion(loadBalancer, { cascade: false })).toThrow(
      expect.objectContaining({ status: 400, message: `Validation failure: Cannot delete Load Balancer ${uid} - it has children` }),
    );
  });
});
