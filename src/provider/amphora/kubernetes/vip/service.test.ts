import { describe, expect, test } from '@jest/globals';
import { VipService } from '../../../../api/index.ts';
import { KubeError } from '../../../../kube/errors.ts';
import type { VipRef } from '../../driver.ts';
import type { Service } from '../objects.ts';
import { isOf } from './metadata.ts';
import { refusalOf } from './refusal.ts';
import { addressOf, isAsWanted, portsOf, serviceFor, slicePortsOf, vipProblem } from './service.ts';

const uid = '0b2e5a36-6a6c-4a4e-9f5b-2f3a4f0c9d11';
const ref = (more: Partial<VipRef> = {}): VipRef => ({ namespace: 'shop', name: 'web', uid, ...more });
const outside = (more: Partial<VipService> = {}) => VipService.parse({ type: 'LoadBalancer', ...more });

/** What the API server would make of it. */
const stored = (
  wanted: Service,
  { ingress = [] as { ip?: string; hostname?: string }[], ...spec }: Record<string, unknown> = {},
): Service =>
  JSON.parse(
    JSON.stringify({
      ...wanted,
      metadata: { ...wanted.metadata, uid: 'service-uid' },
      spec: { ...wanted.spec, clusterIP: '10.0.0.7', clusterIPs: ['10.0.0.7'], ipFamilies: ['IPv4'], ...spec },
      status: { loadBalancer: { ingress } },
    }),
  ) as Service;

describe('the Service of a VIP', () => {
  test('selects the attached amphorae of this very load balancer', () => {
    const { metadata, spec } = serviceFor(ref(), [443, 80]);
    expect(metadata).toMatchObject({ namespace: 'shop', name: 'web-vip', ownerReferences: [{ kind: 'LoadBalancer', name: 'web', uid }] });
    expect(spec).toMatchObject({
      type: 'ClusterIP',
      selector: { 'reflavor.dev/vip': uid },
      ports: [
        { name: 'tcp-80', port: 80, targetPort: 80 },
        { name: 'tcp-443', port: 443, targetPort: 443 },
      ],
    });
    expect(isOf(uid, serviceFor(ref(), []))).toBe(true);
    expect(isOf('another', serviceFor(ref(), []))).toBe(false);
  });

  test('has no owner that doesn’t exist: it would be deleted for that', () => {
    expect(serviceFor(ref({ uid: 'lb-uid' }), []).metadata.ownerReferences).toBeUndefined();
  });

  test('has a port that leads nowhere while none is wanted, which is never shown', () => {
    const live = stored(serviceFor(ref(), []));
    expect(live.spec?.ports).toEqual([{ name: 'none', port: 61024, protocol: 'TCP', targetPort: 'none' }]);
    expect([portsOf(live), slicePortsOf(live)]).toEqual([[], []]);
  });

  test('asks for an address once, inside or outside, and keeps the one that it has', () => {
    expect(serviceFor(ref({ address: '10.0.0.9' }), []).spec).toMatchObject({ clusterIP: '10.0.0.9' });
    expect(serviceFor(ref({ address: '10.0.0.9' }), [], stored(serviceFor(ref(), []))).spec).toMatchObject({ clusterIP: '10.0.0.7' });
    const wanted = serviceFor(ref({ address: '198.51.100.5', service: outside() }), []).spec;
    expect(wanted).toMatchObject({ loadBalancerIP: '198.51.100.5', clusterIP: undefined });
    // A name can't be asked for, what it has need not be, and what is remembered of the inside is no address outside.
    expect(serviceFor(ref({ address: 'lb.example.org', service: outside() }), []).spec?.loadBalancerIP).toBeUndefined();
    const given = stored(serviceFor(ref({ service: outside() }), []), { ingress: [{ ip: '2001:db8::5' }] });
    expect(serviceFor(ref({ address: '2001:DB8:0::5', service: outside() }), [], given).spec?.loadBalancerIP).toBeUndefined();
    const inside = stored(serviceFor(ref(), []));
    expect(serviceFor(ref({ address: '10.0.0.7', service: outside() }), [], inside).spec?.loadBalancerIP).toBeUndefined();
  });

  test('never has its class changed', () => {
    const live = stored(serviceFor(ref({ service: outside({ loadBalancerClass: 'a.example.org/x' }) }), [80]), {
      ingress: [{ ip: '198.51.100.5' }],
    });
    const other = ref({ service: outside({ loadBalancerClass: 'b.example.org/x' }) });
    expect(serviceFor(other, [80], live).spec).toMatchObject({ loadBalancerClass: 'a.example.org/x' });
    expect(vipProblem(other, live)).toMatchObject({ reason: 'InvalidSpec', message: expect.stringContaining('a.example.org/x') });
  });

  test.each<[string, Partial<Service['metadata']>, Record<string, unknown>, boolean]>([
    ['what the API server adds', {}, { ports: [{ name: 'tcp-80', port: 80, protocol: 'TCP', targetPort: 80, nodePort: 30080 }] }, true],
    ['an annotation of another’s', { annotations: { mine: 'x', other: 'y' } }, {}, true],
    [
      'a port of another’s',
      {},
      {
        ports: [
          { name: 'metrics', port: 9 },
          { name: 'tcp-80', port: 80, protocol: 'TCP', targetPort: 80 },
        ],
      },
      true,
    ],
    ['a second family', {}, { ipFamilies: ['IPv4', 'IPv6'] }, true],
    ['another selector', {}, { selector: { app: 'x' } }, false],
    ['another target port', {}, { ports: [{ name: 'tcp-80', port: 80, protocol: 'TCP', targetPort: 8080 }] }, false],
    ['a port too many', {}, { ports: [80, 81].map((port) => ({ name: `tcp-${port}`, port, protocol: 'TCP', targetPort: port })) }, false],
    ['publishNotReadyAddresses', {}, { publishNotReadyAddresses: true }, false],
    ['a label that is gone', { labels: {} }, {}, false],
    ['an annotation that is gone', { annotations: {} }, {}, false],
  ])('is compared with what is wanted: %s', (_, metadata, spec, same) => {
    const wanted = serviceFor(ref({ service: VipService.parse({ annotations: { mine: 'x' }, ipFamilies: ['IPv4'] }) }), [80]);
    const live = stored(wanted, spec);
    expect(isAsWanted({ ...live, metadata: { ...live.metadata, ...metadata } }, wanted)).toBe(same);
  });

  test('says what it waits for and what serves meanwhile', () => {
    const service = outside({ loadBalancerClass: 'a.example.org/x' });
    const waiting = stored(serviceFor(ref({ service }), [80]));
    expect(addressOf(waiting)).toBe('');
    expect(vipProblem(ref({ service }), waiting)).toEqual({
      reason: 'VipPending',
      message:
        'The Service web-vip of the VIP waits for what serves class a.example.org/x to give it an address outside; inside the cluster 10.0.0.7 serves already. If this lasts, `kubectl describe service web-vip` may say why.',
    });
    const given = stored(serviceFor(ref({ service }), [80]), { ingress: [{ hostname: 'lb.example.org' }] });
    expect(addressOf(given)).toBe('lb.example.org');
    expect(vipProblem(ref({ service, address: 'lb.example.org' }), given)).toBeUndefined();
    const inside = stored(serviceFor(ref(), [80]));
    expect(vipProblem(ref({ address: '10.0.0.7' }), inside)).toBeUndefined();
    expect(vipProblem(ref({ address: '10.0.0.9' }), inside)?.message).toContain('The VIP is 10.0.0.7 and serves there, not at 10.0.0.9');
    const going = { ...inside, metadata: { ...inside.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(vipProblem(ref(), going)).toMatchObject({ reason: 'VipPending' });
  });
});

describe('a refused Service', () => {
  const refused = (status: number, reason: string, causes: { field?: string; message?: string; reason?: string }[] = []) =>
    new KubeError('Service "web-vip" is refused', { status, reason, details: { causes } });
  const live = stored(serviceFor(ref(), [80]));
  const taken = refused(422, 'Invalid', [
    { field: 'spec.clusterIPs', message: 'failed to allocate IP 10.0.0.7: provided IP is already allocated' },
  ]);

  test('says who has the address, if it is one of the namespace', () => {
    const wanted = ref({ address: '10.0.0.7' });
    expect(refusalOf(taken, wanted, undefined, [live])).toMatchObject({
      reason: 'AddressNotAvailable',
      message:
        "The VIP can't have the address 10.0.0.7: Service web-vip has it. Nothing was made. Free it, or make the load balancer anew with another one or with none.",
    });
    expect(refusalOf(taken, wanted, undefined, [])?.message).toContain(': another Service has it.');
  });

  test('says what to correct, or whom to ask, and what serves on', () => {
    const invalid = refusalOf(refused(422, 'Invalid', [{ field: 'spec.ipFamilies', message: 'x' }]), ref(), live, []);
    expect(invalid).toMatchObject({ reason: 'InvalidSpec', message: expect.stringContaining('The VIP serves on as it was.') });
    const quota = refusalOf(refused(403, 'Forbidden'), ref(), undefined, []);
    expect(quota).toMatchObject({ reason: 'AddressNotAvailable', message: expect.stringContaining('Ask the cluster’s admins') });
  });

  test('is none where the API server only doesn’t answer, or the namespace ends', () => {
    expect(refusalOf(refused(503, 'ServiceUnavailable'), ref(), live, [])).toBeUndefined();
    expect(refusalOf(refused(403, 'Forbidden', [{ reason: 'NamespaceTerminating' }]), ref(), undefined, [])).toBeUndefined();
  });
});
