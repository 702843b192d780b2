import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { AmphoraRole } from '../../src/api/index.ts';
import type { HttpKubeClient } from '../../src/kube/http-client.ts';
import { connect } from '../../src/kube/index.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { LABELS } from '../../src/provider/amphora/kubernetes/names.ts';
import { nodes, type Pod, pods } from '../../src/provider/amphora/kubernetes/objects.ts';
import { placementOf } from '../../src/provider/amphora/kubernetes/placement.ts';
import { podOf } from '../../src/provider/amphora/kubernetes/pod.ts';
import { buildAmphora } from '../contract/builders.ts';
import { noControllers, useScheduler } from '../support/controllers.ts';
import { useControlPlane } from '../support/controlplane.ts';
import { namespaces } from '../support/core-resources.ts';
import { eventually } from '../support/eventually.ts';
import { describeUnless } from '../support/unless.ts';

/** Where Kubernetes' own scheduler puts the pods of amphorae, on nodes that are objects alone. */
describeUnless(noControllers, 'the pod of an amphora', () => {
  const controlPlane = useControlPlane();
  useScheduler(controlPlane);
  const names = ['node-a', 'node-b', 'node-c'];
  /** A label of the first two nodes. */
  const of2 = { group: 'two' };
  let client: HttpKubeClient;

  beforeAll(async () => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
    const allocatable = { cpu: '2', memory: '4Gi', pods: '50' };
    for (const name of names) {
      const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...(name === 'node-c' ? {} : of2) };
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
      await client.patchMerge(nodes, { name }, { status: { capacity: allocatable, allocatable } }, { subresource: 'status' });
      // Only what watches nodes takes this away.
      await client.patchMerge(nodes, { name }, { spec: { taints: [] } });
    }
  }, 60_000);
  afterAll(() => client.close());
  beforeEach(async () => {
    for (const { metadata } of (await client.listAll(pods, { namespace: 'shop' })).items)
      await client.delete(pods, metadata, { gracePeriodSeconds: 0 });
  });

  const settled = (name: string) =>
    eventually(async () => {
      const pod = await client.get<Pod>(pods, { namespace: 'shop', name });
      expect(pod.spec.nodeName).toBeDefined();
      return pod.spec.nodeName!;
    });
  /** Half of what a node has is taken: the scheduler had rather use another one. */
  const fill = async (nodeName: string) => {
    const resources = { requests: { cpu: '1', memory: '2Gi' } };
    const spec = { nodeName, containers: [{ name: 'other', image: 'other', resources }] };
    await client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: `other-${nodeName}` }, spec });
  };
  /** Builds one as the driver does, and gives the node that it is put on, or on which it is put by hand. */
  const build = async (
    name: string,
    role: AmphoraRole,
    operation: number,
    { isLocal = false, nodeSelector = {}, on = undefined as string | undefined } = {},
  ) => {
    const amphora = buildAmphora({ name, role, flavorData: { compute: { nodeSelector } } });
    amphora.spec.operation = operation;
    const labelSelector = `${LABELS.loadBalancerUid}=${amphora.spec.loadBalancer.uid}`;
    const sisters = (await client.listAll<Pod>(pods, { namespace: 'shop', labelSelector })).items;
    const pod = podOf(amphora, {
      image: { repository: 'haproxy', tag: '3.0' },
      staged: 'x',
      placement: placementOf(amphora, sisters, isLocal),
    });
    // The object that would own it isn't there.
    const { ownerReferences: _, ...metadata } = pod.metadata;
    await client.create<Pod & KubeObject>(pods, { ...pod, metadata, spec: { ...pod.spec, ...(on === undefined ? {} : { nodeName: on }) } });
    return settled(name);
  };
  const attach = async (name: string, ready: boolean) => {
    await client.patchMerge(pods, { namespace: 'shop', name }, { metadata: { labels: { [LABELS.vip]: 'lb-uid' } } });
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
    await client.patchMerge(pods, { namespace: 'shop', name }, { status: { conditions } }, { subresource: 'status' });
  };

  test('that is the other half of a pair goes to another node', async () => {
    const node = await build('web-1-0', 'MASTER', 1, { nodeSelector: of2 });
    await fill(node === 'node-a' ? 'node-b' : 'node-a');
    expect(await build('web-1-1', 'BACKUP', 1, { nodeSelector: of2 })).not.toBe(node);
  });

  test('that takes the place of a lost half goes to another node than the survivor, though there is less room', async () => {
    await build('web-1-0', 'MASTER', 1, { on: 'node-a' });
    await attach('web-1-0', true);
    await fill('node-b');
    expect(await build('web-2-1', 'BACKUP', 2, { nodeSelector: of2 })).toBe('node-b');
  });

  test.each([[['web-2-0', 'web-2-1']], [['web-2-1', 'web-2-0']]])(
    'of a new pair goes where the old one of its role is where that matters, though there is less room: %s',
    async (order) => {
      await build('web-1-0', 'MASTER', 1, { on: 'node-a' });
      await build('web-1-1', 'BACKUP', 1, { on: 'node-b' });
      await attach('web-1-0', true);
      await attach('web-1-1', false);
      for (const node of ['node-a', 'node-b']) await fill(node);
      const found: Record<string, string> = {};
      for (const name of order) found[name] = await build(name, name.endsWith('0') ? 'MASTER' : 'BACKUP', 2, { isLocal: true });
      expect(found).toEqual({ 'web-2-0': 'node-a', 'web-2-1': 'node-b' });
    },
  );

  test('of a pair that has been mended goes there as well', async () => {
    // The half in slot 0 was lost once: the survivor leads, and its standby was put apart from it.
    await build('web-1-1', 'BACKUP', 1, { on: 'node-b' });
    await attach('web-1-1', true);
    await build('web-2-0', 'BACKUP', 2, { on: 'node-a' });
    await attach('web-2-0', false);
    await client.patchMerge(pods, { namespace: 'shop', name: 'web-1-1' }, { metadata: { labels: { [LABELS.role]: 'MASTER' } } });
    for (const node of ['node-a', 'node-b']) await fill(node);
    expect(await build('web-3-0', 'MASTER', 3, { isLocal: true })).toBe('node-b');
    expect(await build('web-3-1', 'BACKUP', 3, { isLocal: true })).toBe('node-a');
  });
});
