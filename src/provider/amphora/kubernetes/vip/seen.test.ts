import { describe, expect, test } from '@jest/globals';
import { LABELS } from '../names.ts';
import type { Endpoint, EndpointSlice, Pod, Service } from '../objects.ts';
import { isReached, seenIn } from './seen.ts';
import { changedPods, drainingEndpoints, drainingSlice, type Family, othersAreReady, slicesHave } from './slices.ts';

const owner = { namespace: 'shop', name: 'web', uid: 'lb-uid' };

const service = (families: Family[] = ['IPv4']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web-vip', namespace: 'shop' },
  spec: { ipFamilies: families },
});

/** A pod that is behind the VIP and answers. */
const pod = (name = 'one', { labels = {}, status = {}, ...metadata }: Pod['metadata'] & { status?: object } = { name }): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    uid: `${name}-uid`,
    labels: { [LABELS.vip]: 'lb-uid', [LABELS.role]: 'STANDALONE', ...labels },
    ...metadata,
    name,
  },
  spec: { nodeName: 'node-1' },
  status: {
    phase: 'Running',
    podIPs: [{ ip: '10.1.0.4' }, { ip: 'fd00:1::4' }],
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'haproxy', ready: true, restartCount: 0, state: { running: {} } }],
    ...status,
  },
});

const entry = (name: string, ready = true, uid = `${name}-uid`): Endpoint => ({
  addresses: ['10.1.0.4'],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { kind: 'Pod', namespace: 'shop', name, uid },
});

const listed = (
  endpoints: Endpoint[] | null,
  { family = 'IPv4' as Family, by = 'endpointslice-controller.k8s.io', ports = [80] } = {},
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `web-vip-${family}`, labels: { 'endpointslice.kubernetes.io/managed-by': by } },
  addressType: family,
  endpoints,
  ports: ports.map((port) => ({ name: `tcp-${port}`, port, protocol: 'TCP' })),
});

const draining = (one: Pod, family: Family = 'IPv4') => drainingSlice(owner, family, drainingEndpoints(one, family), []);

const notReady = { conditions: [{ type: 'Ready', status: 'False' }] };

describe('an amphora is seen', () => {
  const standby = { labels: { [LABELS.role]: 'BACKUP' } };
  const unlabelled = pod('one', { name: 'one', labels: { [LABELS.vip]: undefined as unknown as string } });

  test.each<[string, Pod, EndpointSlice[], object, Service?]>([
    ['attached where it is listed', pod(), [listed([entry('two'), entry('one')])], { attached: true, standby: false }],
    ['attached while it isn’t ready, since it will be', pod(), [listed([entry('one', false)])], { attached: true, standby: false }],
    [
      'attached as a standby by its role',
      pod('one', { name: 'one', ...standby }),
      [listed([entry('one', false)])],
      { attached: true, standby: true },
    ],
    ['detached where nothing lists it', pod(), [listed([entry('two')])], { attached: false }],
    ['detached where a slice is empty', pod(), [listed(null)], { attached: false }],
    ['detached where an earlier pod of its name is listed', pod(), [listed([entry('one', true, 'earlier')])], { attached: false }],
    ['detached where only its own slice lists it', unlabelled, [listed([]), draining(pod())], { attached: false }],
    ['detached whatever slices of others say', pod(), [listed([entry('one')], { by: 'somebody.example.org' })], { attached: false }],
    ['unsettled while two slices list it', pod(), [listed([entry('one')]), draining(pod())], { attached: true }],
    ['unsettled while it is listed though its label is off', unlabelled, [listed([entry('one')])], { attached: true }],
    ['unsettled while one family lists it', pod(), [listed([entry('one')])], { attached: true }, service(['IPv4', 'IPv6'])],
    [
      'attached once both families list it',
      pod(),
      [listed([entry('one')]), listed([entry('one')], { family: 'IPv6' })],
      { attached: true, standby: false },
      service(['IPv4', 'IPv6']),
    ],
  ])('%s', (_, one, slices, as, of = service()) => expect(seenIn(one, of, slices)).toEqual(as));
});

describe('new connections reach an amphora', () => {
  const reached = (one: Pod, slices: EndpointSlice[], of = service()) => isReached(one, of, slices);

  test('that is listed as ready', () => expect(reached(pod(), [listed([entry('one')])])).toBe(true));

  test('that stands by and runs, though it isn’t ready', () => {
    const standby = (status: object) =>
      pod('one', { name: 'one', labels: { [LABELS.role]: 'BACKUP' }, status: { ...notReady, ...status } });
    const slices = [listed([entry('one', false)])];
    expect(reached(standby({}), slices)).toBe(true);
    expect(
      reached(standby({ containerStatuses: [{ name: 'haproxy', ready: false, restartCount: 1, state: { waiting: {} } }] }), slices),
    ).toBe(false);
    expect(reached(standby({ phase: 'Failed' }), slices)).toBe(false);
    expect(reached(pod('one', { name: 'one', status: notReady }), slices)).toBe(false);
  });

  test.each<[string, Pod, EndpointSlice[]]>([
    ['that the slices have as ready and the kubelet no longer', pod('one', { name: 'one', status: notReady }), [listed([entry('one')])]],
    ['that the kubelet has as ready and the slices not yet', pod(), [listed([entry('one', false)])]],
    ['that is being deleted', pod('one', { name: 'one', deletionTimestamp: '2026-01-01T00:00:00Z' }), [listed([entry('one')])]],
    ['that drains', pod(), [draining(pod())]],
    ['of which two slices say different things', pod(), [listed([entry('one')]), draining(pod())]],
  ])('but not one %s', (_, one, slices) => expect(reached(one, slices)).toBe(false));

  test('but not one that only one of two families has', () => {
    const both = service(['IPv6', 'IPv4']);
    expect(reached(pod(), [listed([entry('one')]), listed([entry('one', false)], { family: 'IPv6' })], both)).toBe(false);
    expect(reached(pod(), [listed([entry('one')]), listed([entry('one')], { family: 'IPv6' })], both)).toBe(true);
  });

  test('other than this one, where each family has another that is ready', () => {
    const both = service(['IPv4', 'IPv6']);
    const slices = (six: Endpoint[]) => [listed([entry('one'), entry('two')]), listed(six, { family: 'IPv6' })];
    expect(othersAreReady(pod(), both, slices([entry('two')]))).toBe(true);
    expect(othersAreReady(pod(), both, slices([entry('one')]))).toBe(false);
    expect(othersAreReady(pod(), both, slices([entry('two', false)]))).toBe(false);
  });
});

describe('slices', () => {
  test('have a port once all that list somebody have it', () => {
    expect(slicesHave([listed([entry('one')], { ports: [80, 443] })], 'tcp-443')).toBe(true);
    expect(slicesHave([listed([entry('one')]), listed([entry('two')], { ports: [80, 443] })], 'tcp-443')).toBe(false);
    expect(slicesHave([listed([entry('one')], { ports: [443] }), listed([])], 'tcp-443')).toBe(true);
    expect(slicesHave([listed(null)], 'tcp-443')).toBe(true);
  });

  test('tell of the pods that something else is said of', () => {
    const before = listed([entry('one'), entry('two'), entry('three'), entry('four')]);
    const now = listed([entry('one'), entry('two', false), entry('three', true, 'another'), entry('five')]);
    expect(changedPods(now, before).sort()).toEqual(['five', 'four', 'three', 'two']);
    expect(changedPods(now, now)).toEqual([]);
    expect(changedPods(listed([entry('one')]), undefined)).toEqual(['one']);
  });

  test('of those that drain say where they are, and that they serve and end', () => {
    expect(drainingEndpoints(pod(), 'IPv6')).toEqual([
      {
        addresses: ['fd00:1::4'],
        conditions: { ready: false, serving: true, terminating: true },
        nodeName: 'node-1',
        targetRef: { kind: 'Pod', namespace: 'shop', name: 'one', uid: 'one-uid' },
      },
    ]);
    expect(drainingEndpoints(pod('one', { name: 'one', status: { podIPs: [{ ip: '10.1.0.4' }] } }), 'IPv6')).toEqual([]);
    expect(drainingSlice(owner, 'IPv6', [], []).metadata).toMatchObject({
      name: 'web-vip-draining-ipv6',
      labels: {
        'kubernetes.io/service-name': 'web-vip',
        'endpointslice.kubernetes.io/managed-by': 'reflavor',
        [LABELS.loadBalancerUid]: 'lb-uid',
      },
    });
  });
});
