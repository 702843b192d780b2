import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Watches } from '../../../src/controller/watches.ts';
import type { HttpKubeClient } from '../../../src/kube/http-client.ts';
import { connect } from '../../../src/kube/index.ts';
import { KubernetesDriver } from '../../../src/provider/amphora/kubernetes/driver.ts';
import { Identity } from '../../../src/provider/amphora/kubernetes/identity/index.ts';
import { LABELS, MANAGED_BY } from '../../../src/provider/amphora/kubernetes/names.ts';
import { type Pod, pods } from '../../../src/provider/amphora/kubernetes/objects.ts';
import { AmphoraPods } from '../../../src/provider/amphora/kubernetes/pods.ts';
import { AmphoraSurroundings } from '../../../src/provider/amphora/kubernetes/surroundings.ts';
import { buildAmphora } from '../../contract/builders.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { namespaces } from '../../support/core-resources.ts';
import { eventually } from '../../support/eventually.ts';
import { namesOfExisting } from '../../support/existing.ts';

/** Whoever may make pods may put any label on them, and may know the uid of another's load balancer. */
describe('a pod with the labels of an amphora', () => {
  const controlPlane = useControlPlane();
  const ending = new AbortController();
  const ref = { namespace: 'shop', name: 'web', uid: crypto.randomUUID() };
  let client: HttpKubeClient;
  let driver: KubernetesDriver;
  let surroundings: AmphoraSurroundings;
  let watches: Watches;

  beforeAll(async () => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    watches = new Watches({ client, namespaces: [] });
    const { watch } = watches;
    const operator = { namespace: 'default', podLabels: { app: 'operator' } };
    driver = new KubernetesDriver({ client, watch, operator, image: { repository: 'haproxy', tag: '3.0' } });
    const identity = new Identity({ client, namespace: 'default', now: Date.now });
    surroundings = new AmphoraSurroundings({ client, watch, identity, pods: new AmphoraPods(client, watch), now: Date.now });
    for (const reflector of watches.reflectors) void reflector.run(ending.signal);
    for (const name of ['shop', 'stranger']) await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }, 60_000);
  afterAll(async () => {
    ending.abort();
    await client.close();
  });

  const podOf = async (namespace: string, name: string, { amphora = name, role = 'MASTER', ip = '192.0.2.1' } = {}) => {
    const labels = {
      [LABELS.managedBy]: MANAGED_BY,
      [LABELS.loadBalancer]: ref.name,
      [LABELS.loadBalancerUid]: ref.uid,
      [LABELS.amphora]: amphora,
      [LABELS.role]: role,
      [LABELS.operation]: '1',
      [LABELS.vip]: ref.uid,
    };
    const spec = { containers: [{ name: 'haproxy', image: 'haproxy' }] };
    await client.create<Pod>(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, labels }, spec });
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
    await client.patchMerge<Pod>(pods, { namespace, name }, { status }, { subresource: 'status' });
  };

  test('is none in another namespace, nor under another name: it is not listed, and no standby asks it', async () => {
    await podOf('stranger', 'web-amp-1', { ip: 'fd00::66' });
    await podOf('stranger', 'web-amp-9', { ip: 'fd00::66' });
    await podOf('shop', 'anything', { amphora: 'web-amp-3', ip: 'fd00::66' });
    await podOf('shop', 'web-amp-2', { role: 'BACKUP', ip: '192.0.2.2' });
    await eventually(async () => expect(await namesOfExisting(driver, ref)).toEqual(['web-amp-2']));
    expect(await namesOfExisting(driver, { ...ref, namespace: 'stranger' })).toEqual(['web-amp-1', 'web-amp-9']);

    const backup = buildAmphora({ name: 'web-amp-2', uid: ref.uid, role: 'BACKUP' });
    expect(await surroundings.of(backup, undefined)).toMatchObject({ standbyOf: undefined, hasIPv6: false });
    await podOf('shop', 'web-amp-1');
    await eventually(async () => expect(await namesOfExisting(driver, ref)).toEqual(['web-amp-1', 'web-amp-2']));
    await eventually(async () =>
      expect(await surroundings.of(backup, undefined)).toMatchObject({ standbyOf: '192.0.2.1:61028', hasIPv6: false }),
    );
  });
});
