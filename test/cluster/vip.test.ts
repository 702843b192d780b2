import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Amphora, type AmphoraRole, VipService } from '../../src/api/index.ts';
import { Watches } from '../../src/controller/watches.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { connect } from '../../src/kube/index.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { DriverError, type VipRef } from '../../src/provider/amphora/driver.ts';
import { LABELS, MANAGED_BY } from '../../src/provider/amphora/kubernetes/names.ts';
import {
  type EndpointSlice,
  endpointSlices,
  networkPolicies,
  nodes,
  type Pod,
  podDisruptionBudgets,
  pods,
  type Service,
  secrets,
  services,
} from '../../src/provider/amphora/kubernetes/objects.ts';
import { AmphoraPods } from '../../src/provider/amphora/kubernetes/pods.ts';
import { KubernetesVip } from '../../src/provider/amphora/kubernetes/vip/vip.ts';
import { buildAmphora } from '../contract/builders.ts';
import { noControllers, useControllers } from '../support/controllers.ts';
import { useControlPlane } from '../support/controlplane.ts';
import { namespaces } from '../support/core-resources.ts';
import { eventually } from '../support/eventually.ts';
import { describeUnless } from '../support/unless.ts';

const operator = { namespace: 'reflavor-system', podLabels: { 'app.kubernetes.io/name': 'reflavor' } };

/** The VIP against a real API server and Kubernetes' own endpoint and disruption controllers; pods are objects whose status the tests write. */
describeUnless(noControllers, 'the VIP as a Service', () => {
  const controlPlane = useControlPlane({ apiServerFlags: ['--service-cluster-ip-range=10.0.0.0/16,fd00:10::/112'] });
  useControllers(controlPlane, ['endpointslice-controller', 'disruption-controller']);
  const ending = new AbortController();
  let client: HttpKubeClient;
  let watches: Watches;
  let vip: KubernetesVip;
  const visits: string[] = [];
  let namespace: string;
  let ref: VipRef;
  let sequence = 0;

  beforeAll(async () => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    watches = new Watches({ client, namespaces: [] });
    vip = new KubernetesVip({ client, watch: watches.watch, pods: new AmphoraPods(client, watches.watch), operator });
    vip.onChange(({ kind, namespace: where, name }) => visits.push(`${kind} ${where}/${name}`));
    for (const reflector of watches.reflectors) void reflector.run(ending.signal);
    await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  }, 60_000);
  afterAll(async () => {
    ending.abort();
    await client.close();
  });
  beforeEach(async () => {
    namespace = `shop-${++sequence}`;
    ref = { namespace, name: 'web', uid: crypto.randomUUID() };
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  });

  const amphora = (n: number, role: AmphoraRole = 'STANDALONE'): Amphora => {
    const built = buildAmphora({ name: `web-amp-${n}`, uid: ref.uid, role });
    return { ...built, metadata: { ...built.metadata, namespace } };
  };
  const address = (n: number) => `192.0.2.${n}`;
  const setStatus = (name: string, status: Record<string, unknown>) =>
    client.patchMerge<Pod>(pods, { namespace, name }, { status }, { subresource: 'status' });
  const readiness = (ready: boolean) => [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const container = (running: boolean) => [
    { name: 'haproxy', image: 'haproxy', imageID: 'haproxy', ready: running, restartCount: 0, state: running ? { running: {} } : {} },
  ];
  const podRuns = async (n: number, { role = 'STANDALONE' as AmphoraRole, ready = true } = {}): Promise<Amphora> => {
    const one = amphora(n, role);
    const labels = {
      [LABELS.managedBy]: MANAGED_BY,
      [LABELS.loadBalancer]: ref.name,
      [LABELS.loadBalancerUid]: ref.uid,
      [LABELS.amphora]: one.metadata.name,
      [LABELS.role]: role,
    };
    const spec = { nodeName: 'node-1', containers: [{ name: 'haproxy', image: 'haproxy' }] };
    await client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: one.metadata.name, labels }, spec });
    const ips = { podIP: address(n), podIPs: [{ ip: address(n) }, { ip: `fd00:1::${n}` }] };
    await setStatus(one.metadata.name, { phase: 'Running', ...ips, conditions: readiness(ready), containerStatuses: container(true) });
    return one;
  };
  const podOf = ({ metadata: { name } }: Amphora) => client.get<Pod>(pods, { namespace, name });
  const seen = async (one: Amphora) => vip.seen(await podOf(one));
  const isSeen = (one: Amphora, as: object) => eventually(async () => expect(await seen(one)).toEqual(as));
  const reaches = (...names: string[]) => eventually(async () => expect((await vip.observe(ref))?.attached).toEqual(names));
  const service = () => client.get<Service>(services, { namespace, name: 'web-vip' });
  const drainingSlice = async (name = 'web-vip-draining') =>
    (await client.listAll<EndpointSlice>(endpointSlices, { namespace })).items.find((slice) => slice.metadata.name === name);
  const draining = async () => (await drainingSlice())?.endpoints?.map((e) => e.targetRef?.name).sort() ?? [];
  const guards = async () => [
    await client.get(podDisruptionBudgets, { namespace, name: 'web-amphorae' }),
    await client.get(networkPolicies, { namespace, name: 'web-amphorae' }),
  ];
  const failureOf = async (promise: Promise<unknown>): Promise<DriverError> => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DriverError);
    return error as DriverError;
  };
  const isSettled = () => eventually(async () => expect((await vip.observe(ref))?.outdated).toBeUndefined());

  describe('its Service', () => {
    test('has an address before it has ports, and keeps it while they come and go', async () => {
      const first = await vip.ensure(ref, []);
      expect(first).toMatchObject({ address: expect.stringMatching(/^10\.0\./), ports: [], attached: [] });
      for (const ports of [[80], [443, 80], [61000], [], [443]]) {
        const seen = await vip.ensure({ ...ref, address: first.address }, ports);
        expect(seen.address).toBe(first.address);
        expect(seen.ports).toEqual([...ports].sort((a, b) => a - b));
        expect(seen.problem).toBeUndefined();
      }
      const { metadata, spec } = await service();
      expect(spec).toMatchObject({
        type: 'ClusterIP',
        selector: { [LABELS.vip]: ref.uid },
        ports: [{ name: 'tcp-443', port: 443, targetPort: 443 }],
      });
      expect(metadata.ownerReferences).toMatchObject([{ kind: 'LoadBalancer', name: 'web', uid: ref.uid }]);
    });

    test('has ports only once the slices have them', async () => {
      const one = await podRuns(1);
      await vip.ensure(ref, [80]);
      await vip.attach(one);
      await reaches('web-amp-1');
      await vip.ensure(ref, [80, 443]);
      await eventually(async () => expect((await vip.observe(ref))?.ports).toEqual([80, 443]));
      await vip.ensure(ref, []);
      expect((await vip.observe(ref))?.ports).toEqual([]);
      await reaches('web-amp-1');
    });

    test('is written only where something differs', async () => {
      await vip.ensure(ref, [80]);
      await isSettled();
      const versions = async () => [await service(), ...(await guards())].map(({ metadata }) => metadata.resourceVersion);
      const before = await versions();
      await vip.ensure(ref, [80]);
      expect(await versions()).toEqual(before);
    });

    test('keeps what others wrote, takes back what they changed, and drops an annotation that is no longer wanted', async () => {
      const annotated = (annotations: Record<string, string>) => ({ ...ref, service: VipService.parse({ annotations }) });
      await vip.ensure(annotated({ a: '1', b: '2' }), [80]);
      await client.patchMerge(
        services,
        { namespace, name: 'web-vip' },
        {
          metadata: { annotations: { other: 'x', a: 'changed' }, labels: { team: 'blue' } },
          spec: { selector: { app: 'something-else' }, sessionAffinity: 'ClientIP' },
        },
      );
      expect(await vip.observe(annotated({ a: '1' }))).toMatchObject({ outdated: true });
      await vip.ensure(annotated({ a: '1' }), [80]);
      const { metadata, spec } = await service();
      expect(metadata.annotations).toEqual({ a: '1', other: 'x' });
      expect(metadata.labels).toMatchObject({ team: 'blue' });
      expect(spec).toMatchObject({ selector: { [LABELS.vip]: ref.uid }, sessionAffinity: 'None' });
      expect(Object.keys(spec!.selector!)).toEqual([LABELS.vip]);
      await eventually(async () => expect((await vip.observe(annotated({ a: '1' })))?.outdated).toBeUndefined());
    });

    test('has the address that is wanted, and gets it again after somebody deleted the Service', async () => {
      const wanted = { ...ref, address: '10.0.77.7' };
      expect((await vip.ensure(wanted, [80])).address).toBe('10.0.77.7');
      await client.delete(services, { namespace, name: 'web-vip' });
      expect(await vip.observe(wanted)).toBeUndefined();
      expect((await vip.ensure(wanted, [80])).address).toBe('10.0.77.7');
      await vip.release(wanted);
    });

    test('is refused an address that is taken or out of range, with nothing made', async () => {
      const other = { ...ref, name: 'other', uid: crypto.randomUUID() };
      const { address: taken } = await vip.ensure(other, []);
      const refused = await failureOf(vip.ensure({ ...ref, address: taken }, [80]));
      expect(refused).toMatchObject({
        reason: 'AddressNotAvailable',
        message: expect.stringContaining(`${taken}: Service other-vip has it`),
      });
      const outside = await failureOf(vip.ensure({ ...ref, address: '203.0.113.9' }, [80]));
      expect(outside).toMatchObject({ reason: 'AddressNotAvailable', message: expect.stringMatching(/current range.*another one/) });
      expect(await vip.observe(ref)).toBeUndefined();
      expect((await client.listAll(podDisruptionBudgets, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual([
        'other-amphorae',
      ]);
    });

    test('says nothing of who has an address in another namespace', async () => {
      const { address: taken } = await vip.ensure(ref, []);
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${namespace}-b` } });
      const refused = await failureOf(vip.ensure({ ...ref, namespace: `${namespace}-b`, uid: crypto.randomUUID(), address: taken }, []));
      expect(refused.message).toContain(`${taken}: another Service has it`);
      expect(refused.message).not.toContain(`${namespace}/`);
    });

    test('serves on where another address is wanted later, and says so', async () => {
      const { address } = await vip.ensure(ref, [80]);
      const later = await vip.ensure({ ...ref, address: '10.0.5.5' }, [80, 81]);
      expect(later).toMatchObject({ address, ports: [80, 81], problem: { reason: 'AddressNotAvailable' } });
      expect(later.problem!.message).toContain(address);
    });

    test.each([
      ['Service', services, 'web-vip', { spec: { ports: [{ port: 80 }] } }],
      ['PodDisruptionBudget', podDisruptionBudgets, 'web-amphorae', { spec: { minAvailable: 1 } }],
      ['NetworkPolicy', networkPolicies, 'web-amphorae', { spec: { podSelector: {} } }],
    ] as const)('never touches a %s of its name that is another’s', async (kind, resource, name, content) => {
      const apiVersion = resource.group ? `${resource.group}/v1` : 'v1';
      const foreign = await client.create<KubeObject>(resource, {
        apiVersion,
        kind,
        metadata: { namespace, name },
        ...content,
      } as KubeObject);
      expect(await failureOf(vip.ensure(ref, [80]))).toMatchObject({ reason: 'NameConflict', message: expect.stringContaining(name) });
      expect(await vip.observe(ref)).toBeUndefined();
      await vip.release(ref);
      const { uid, managedFields } = foreign.metadata;
      const now = await client.get<KubeObject>(resource, { namespace, name });
      expect(now).toMatchObject({ ...content, metadata: { uid } });
      expect(now.metadata.managedFields).toEqual(expect.arrayContaining(managedFields!));
    });

    test('of type LoadBalancer waits for its outside address, and serves inside meanwhile', async () => {
      const outside = {
        ...ref,
        address: '198.51.100.5',
        service: VipService.parse({
          type: 'LoadBalancer',
          loadBalancerClass: 'example.org/lb',
          externalTrafficPolicy: 'Local',
          annotations: { 'example.org/pool': 'public' },
        }),
      };
      const waiting = await vip.ensure(outside, [80]);
      const { metadata, spec } = await service();
      expect(waiting).toMatchObject({ address: '', ports: [80], problem: { reason: 'VipPending' } });
      for (const part of ['example.org/lb', '198.51.100.5', spec!.clusterIP!]) expect(waiting.problem!.message).toContain(part);
      expect(spec).toMatchObject({
        loadBalancerClass: 'example.org/lb',
        externalTrafficPolicy: 'Local',
        loadBalancerIP: '198.51.100.5',
        selector: { [LABELS.vip]: ref.uid },
      });
      expect(metadata.annotations).toEqual({ 'example.org/pool': 'public' });
      const given = (ingress: object[]) =>
        client.patchMerge(services, { namespace, name: 'web-vip' }, { status: { loadBalancer: { ingress } } }, { subresource: 'status' });
      await given([{ ip: '198.51.100.5' }]);
      const there = await vip.observe(outside);
      expect(there).toMatchObject({ address: '198.51.100.5' });
      expect(there!.problem).toBeUndefined();
      await given([{ ip: '198.51.100.6' }]);
      expect(await vip.observe(outside)).toMatchObject({ address: '198.51.100.6', problem: { reason: 'AddressNotAvailable' } });
      await given([{ hostname: 'web.lb.example.org' }]);
      expect((await vip.observe({ ...outside, address: 'web.lb.example.org' }))?.address).toBe('web.lb.example.org');
      // What it was given is not asked for when the Service changes.
      const before = (await service()).spec;
      await vip.ensure({ ...outside, address: 'web.lb.example.org' }, [80, 443]);
      expect((await service()).spec).toMatchObject({ clusterIP: before!.clusterIP, loadBalancerIP: '198.51.100.5' });
      await eventually(async () => expect((await vip.observe({ ...outside, address: undefined }))?.outdated).toBeUndefined());
    });

    test('can become one of type LoadBalancer and one of type ClusterIP again', async () => {
      const { address } = await vip.ensure(ref, [80]);
      const outside = { ...ref, address, service: VipService.parse({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }) };
      expect(await vip.observe(outside)).toMatchObject({ outdated: true });
      expect(await vip.ensure(outside, [80])).toMatchObject({ address: '', problem: { reason: 'VipPending' } });
      expect((await service()).spec?.loadBalancerIP).toBeUndefined();
      const back = await vip.ensure({ ...ref, address, service: VipService.parse({}) }, [80]);
      expect(back).toMatchObject({ address, ports: [80] });
      expect(back.problem).toBeUndefined();
    });

    test('that is refused for another reason says so, and serves on', async () => {
      const { address } = await vip.ensure(ref, [80]);
      const wrong = { ...ref, service: VipService.parse({ annotations: { 'no key at all!': 'x' } }) };
      expect(await failureOf(vip.ensure(wrong, [80]))).toMatchObject({
        reason: 'InvalidSpec',
        message: expect.stringContaining('serves on'),
      });
      expect(await vip.observe(ref)).toMatchObject({ address, ports: [80] });
    });
  });

  describe('an amphora', () => {
    test('is behind it once attached, and drains once detached', async () => {
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(ref, [80]);
      const before = await service();
      await vip.attach(one);
      await isSeen(one, { attached: true, standby: false });
      await reaches('web-amp-1');
      await vip.attach(two);
      await reaches('web-amp-1', 'web-amp-2');
      await vip.detach(one);
      await reaches('web-amp-2');
      await isSeen(one, { attached: false });
      expect(await vip.seenNow(one)).toEqual({ attached: false });
      const slice = await drainingSlice();
      expect(slice).toMatchObject({
        addressType: 'IPv4',
        ports: [{ name: 'tcp-80', port: 80, protocol: 'TCP' }],
        endpoints: [
          {
            addresses: [address(1)],
            conditions: { ready: false, serving: true, terminating: true },
            nodeName: 'node-1',
            targetRef: { kind: 'Pod', name: 'web-amp-1' },
          },
        ],
      });
      await vip.attach(one);
      await reaches('web-amp-1', 'web-amp-2');
      expect(await draining()).toEqual([]);
      await vip.detach(one);
      await vip.forget(one);
      expect(await drainingSlice()).toBeUndefined();
      // No resize ever changes the Service.
      expect((await service()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    });

    test('that is told twice is where it was', async () => {
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(ref, [80]);
      for (const each of [one, two, one]) await vip.attach(each);
      await reaches('web-amp-1', 'web-amp-2');
      await vip.detach(one);
      const slice = await drainingSlice();
      const { metadata } = await podOf(one);
      await vip.detach(one);
      expect(await drainingSlice()).toEqual(slice);
      expect((await podOf(one)).metadata.resourceVersion).toBe(metadata.resourceVersion);
    });

    test('that is half detached is attached, and can go either way', async () => {
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(ref, [80]);
      for (const each of [one, two]) await vip.attach(each);
      await reaches('web-amp-1', 'web-amp-2');
      const half = async () => {
        await vip.detach(one);
        await eventually(async () => expect(await vip.seenNow(one)).toEqual({ attached: false }));
        await client.patchMerge(pods, { namespace, name: 'web-amp-1' }, { metadata: { labels: { [LABELS.vip]: ref.uid } } });
        await isSeen(one, { attached: true });
        await reaches('web-amp-2');
      };
      await half();
      await vip.attach(one);
      await isSeen(one, { attached: true, standby: false });
      await reaches('web-amp-1', 'web-amp-2');
      await half();
      await vip.detach(one);
      await isSeen(one, { attached: false });
      await reaches('web-amp-2');
      expect(await draining()).toEqual(['web-amp-1']);
    });

    test('that is the last one listed is not left out for a moment when it comes back', async () => {
      const one = await podRuns(1);
      await vip.ensure(ref, [80]);
      await vip.attach(one);
      await reaches('web-amp-1');
      await vip.detach(one);
      await isSeen(one, { attached: false });
      await vip.attach(one);
      expect(await draining()).toEqual(['web-amp-1']);
      await isSeen(one, { attached: true });
      await vip.attach(one);
      await isSeen(one, { attached: true, standby: false });
      expect(await draining()).toEqual([]);
      await reaches('web-amp-1');
    });

    test('that its node alone may give connections to is not left out for a moment either', async () => {
      const local = { ...ref, service: VipService.parse({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }) };
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(local, [80]);
      for (const each of [one, two]) await vip.attach(each);
      await reaches('web-amp-1', 'web-amp-2');
      await vip.detach(one);
      await isSeen(one, { attached: false });
      await vip.attach(one);
      expect(await draining()).toEqual(['web-amp-1']);
      await isSeen(one, { attached: true });
      await vip.attach(one);
      expect(await draining()).toEqual([]);
      await reaches('web-amp-1', 'web-amp-2');
    });

    test('is detached beside others at the same time', async () => {
      const many = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => podRuns(n)));
      await vip.ensure(ref, [80]);
      await Promise.all(many.map((one) => vip.attach(one)));
      await reaches(...many.map(({ metadata }) => metadata.name));
      await Promise.all(many.slice(1).map((one) => vip.detach(one)));
      expect(await draining()).toEqual(many.slice(1).map(({ metadata }) => metadata.name));
      await Promise.all(many.slice(2).map((one) => vip.forget(one)));
      expect(await draining()).toEqual(['web-amp-2']);
    });

    test('that is gone or answers nobody is listed nowhere', async () => {
      const many = await Promise.all([1, 2, 3, 4].map((n) => podRuns(n)));
      const [one, two, three, four] = many as [Amphora, Amphora, Amphora, Amphora];
      await vip.ensure(ref, [80]);
      await Promise.all(many.map((each) => vip.attach(each)));
      await reaches(...many.map(({ metadata }) => metadata.name));
      await setStatus('web-amp-1', { conditions: readiness(false) });
      await reaches('web-amp-2', 'web-amp-3', 'web-amp-4');
      expect(await seen(one)).toEqual({ attached: true, standby: false });
      await vip.detach(one);
      expect(await draining()).toEqual([]);
      await vip.detach(two);
      await vip.detach(three);
      expect(await draining()).toEqual(['web-amp-2', 'web-amp-3']);
      await client.delete(pods, { namespace, name: 'web-amp-2' }, { gracePeriodSeconds: 0 });
      await setStatus('web-amp-3', { conditions: readiness(false) });
      await vip.detach(two);
      expect(await draining()).toEqual([]);
      await reaches(four.metadata.name);
    });

    test('that stands by is behind it, ready or not, as long as it runs', async () => {
      const [master, backup] = [await podRuns(1, { role: 'MASTER' }), await podRuns(2, { role: 'BACKUP', ready: false })];
      await vip.ensure(ref, [80]);
      for (const each of [master, backup]) await vip.attach(each);
      await reaches('web-amp-1', 'web-amp-2');
      await isSeen(backup, { attached: true, standby: true });
      await setStatus('web-amp-2', { containerStatuses: container(false) });
      await reaches('web-amp-1');
      await setStatus('web-amp-2', { containerStatuses: container(true) });
      await vip.detach(master);
      await reaches('web-amp-2');
      await setStatus('web-amp-2', { conditions: readiness(true) });
      await vip.attach(amphora(2, 'MASTER'));
      await isSeen(backup, { attached: true, standby: false });
      await reaches('web-amp-2');
    });

    test('can’t be attached without a VIP or a pod, and is detached already', async () => {
      const one = await podRuns(1);
      expect(await failureOf(vip.attach(one))).toMatchObject({ reason: 'VipPending' });
      expect(await failureOf(vip.attach(amphora(2)))).toMatchObject({ reason: 'VipPending' });
      await vip.detach(one);
      await vip.ensure(ref, [80]);
      expect(await failureOf(vip.attach(amphora(2)))).toMatchObject({ reason: 'DriverFailed' });
      await vip.detach(amphora(2));
      await vip.forget(amphora(2));
      expect(await vip.seenNow(amphora(2))).toEqual({ attached: false });
    });

    test('is not what only has its labels: a pod of another name, or one that a slice of another namespace lists', async () => {
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(ref, [80]);
      await vip.attach(one);
      await reaches('web-amp-1');
      const { labels } = (await podOf(one)).metadata;
      const spec = { nodeName: 'node-1', containers: [{ name: 'haproxy', image: 'haproxy' }] };
      await client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'anything', labels }, spec });
      const ips = { podIP: address(3), podIPs: [{ ip: address(3) }] };
      await setStatus('anything', { phase: 'Running', ...ips, conditions: readiness(true), containerStatuses: container(true) });
      const listed = async () =>
        (await client.listAll<EndpointSlice>(endpointSlices, { namespace })).items.flatMap(({ endpoints }) => endpoints ?? []);
      await eventually(async () => expect((await listed()).map((e) => e.targetRef?.name)).toContain('anything'));
      await reaches('web-amp-1');

      const [slice] = (await client.listAll<EndpointSlice>(endpointSlices, { namespace })).items;
      const elsewhere = `${namespace}-b`;
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: elsewhere } });
      const { name, uid } = (await podOf(two)).metadata;
      await client.create<EndpointSlice>(endpointSlices, {
        ...slice!,
        metadata: { namespace: elsewhere, name: 'false', labels: slice!.metadata.labels },
        endpoints: [{ addresses: [address(2)], targetRef: { kind: 'Pod', namespace, name, uid } }],
      });
      await eventually(() => expect(visits).toContain(`Amphora ${elsewhere}/web-amp-2`));
      expect(await seen(two)).toEqual({ attached: false });
      expect(await vip.seenNow(two)).toEqual({ attached: false });
    });

    test('is not evicted while it is behind the VIP', async () => {
      const [one, two] = [await podRuns(1), await podRuns(2)];
      await vip.ensure(ref, [80]);
      for (const each of [one, two]) await vip.attach(each);
      await reaches('web-amp-1', 'web-amp-2');
      const evict = (name: string) =>
        controlPlane.kubectl(['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, '-f', '-'], {
          input: JSON.stringify({
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { namespace, name },
            deleteOptions: { gracePeriodSeconds: 0 },
          }),
        });
      const healthy = () =>
        client.get<KubeObject & { status?: { currentHealthy?: number } }>(podDisruptionBudgets, { namespace, name: 'web-amphorae' });
      await eventually(async () => expect((await healthy()).status?.currentHealthy).toBe(2));
      await expect(evict('web-amp-1')).rejects.toThrow(/disruption budget/);
      await vip.detach(one);
      await evict('web-amp-1');
      await expect(podOf(one)).rejects.toThrow(/not found/);
      await expect(evict('web-amp-2')).rejects.toThrow(/disruption budget/);
    });

    test('has its listeners and its health open to all, its control port to the operator, and that of its peers to these', async () => {
      await vip.ensure(ref, [80]);
      const policy = await client.get<KubeObject & { spec: object }>(networkPolicies, { namespace, name: 'web-amphorae' });
      const sisters = { matchLabels: { [LABELS.loadBalancerUid]: ref.uid } };
      expect(policy.spec).toEqual({
        podSelector: sisters,
        policyTypes: ['Ingress'],
        ingress: [
          {
            ports: [
              { protocol: 'TCP', port: 1, endPort: 61024 },
              { protocol: 'TCP', port: 61028 },
              { protocol: 'TCP', port: 61029, endPort: 65535 },
            ],
          },
          {
            from: [
              {
                namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'reflavor-system' } },
                podSelector: { matchLabels: operator.podLabels },
              },
            ],
            ports: [{ protocol: 'TCP', port: 61027 }],
          },
          {
            from: [{ podSelector: sisters }],
            ports: [{ protocol: 'TCP', port: 61025 }],
          },
        ],
      });
    });

    test('has guards that come back when somebody deletes them', async () => {
      await vip.ensure(ref, [80]);
      await isSettled();
      await client.delete(podDisruptionBudgets, { namespace, name: 'web-amphorae' });
      await client.patchMerge(networkPolicies, { namespace, name: 'web-amphorae' }, { spec: { ingress: [] } });
      await eventually(async () => expect(await vip.observe(ref)).toMatchObject({ outdated: true }));
      await vip.ensure(ref, [80]);
      expect(await guards()).toHaveLength(2);
      await isSettled();
    });
  });

  test('with two address families, an amphora is reached once both have it', async () => {
    const dual = { ...ref, service: VipService.parse({ ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }) };
    const [one, two] = [await podRuns(1), await podRuns(2)];
    const { address } = await vip.ensure(dual, [80]);
    expect(address).toMatch(/^fd00:10::/);
    await eventually(async () => expect((await vip.observe(dual))?.outdated).toBeUndefined());
    for (const each of [one, two]) await vip.attach(each);
    await reaches('web-amp-1', 'web-amp-2');
    await isSeen(one, { attached: true, standby: false });
    await vip.detach(one);
    await reaches('web-amp-2');
    expect((await drainingSlice())?.endpoints?.[0]?.addresses).toEqual(['192.0.2.1']);
    expect((await drainingSlice('web-vip-draining-ipv6'))?.endpoints?.[0]?.addresses).toEqual(['fd00:1::1']);
    await vip.ensure(dual, [80, 443]);
    for (const name of ['web-vip-draining', 'web-vip-draining-ipv6'])
      expect((await drainingSlice(name))?.ports?.map(({ port }) => port)).toEqual([80, 443]);
    await client.delete(endpointSlices, { namespace, name: 'web-vip-draining' });
    await vip.attach(one);
    await reaches('web-amp-1', 'web-amp-2');
    expect(await drainingSlice('web-vip-draining-ipv6')).toBeUndefined();
  });

  test('what it was is gone once it is released, and nothing of others’', async () => {
    const [one, two] = [await podRuns(1), await podRuns(2)];
    await vip.ensure(ref, [80]);
    for (const each of [one, two]) await vip.attach(each);
    await reaches('web-amp-1', 'web-amp-2');
    await vip.detach(one);
    const secret = (uid: string, name: string) =>
      client.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace, name, labels: { [LABELS.loadBalancerUid]: uid } },
      });
    await secret(ref.uid, 'web-peers');
    await secret('another', 'web-other');
    await vip.release(ref);
    await vip.release(ref);
    expect(await vip.observe(ref)).toBeUndefined();
    expect(await drainingSlice()).toBeUndefined();
    expect(await vip.seenNow(two)).toEqual({ attached: false });
    await isSeen(two, { attached: false });
    for (const resource of [services, podDisruptionBudgets, networkPolicies])
      expect((await client.listAll(resource, { namespace })).items).toEqual([]);
    expect((await client.listAll(secrets, { namespace })).items.map(({ metadata }) => metadata.name)).toEqual(['web-other']);
  });

  test('whoever waits for a change is told', async () => {
    await vip.ensure(ref, [80]);
    const one = await podRuns(1);
    await eventually(() => expect(visits).toContain(`LoadBalancer ${namespace}/web`));
    visits.splice(0);
    await vip.attach(one);
    await eventually(() => expect(visits).toContain(`Amphora ${namespace}/web-amp-1`));
    visits.splice(0);
    await client.delete(networkPolicies, { namespace, name: 'web-amphorae' });
    await eventually(() => expect(visits).toContain(`LoadBalancer ${namespace}/web`));
  });

  test('nothing is done once the signal has aborted', async () => {
    const one = await podRuns(1);
    const signal = AbortSignal.abort(new Error('stop now'));
    for (const act of [
      () => vip.ensure(ref, [80], signal),
      () => vip.observe(ref, signal),
      () => vip.release(ref, signal),
      () => vip.attach(one, signal),
      () => vip.detach(one, signal),
      () => vip.forget(one, signal),
      () => vip.seenNow(one, signal),
    ])
      await expect(act()).rejects.toThrow('stop now');
    expect(await vip.observe(ref)).toBeUndefined();
  });
});
