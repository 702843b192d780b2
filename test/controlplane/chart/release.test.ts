import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { kinds } from '../../../tools/crd/kinds.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { chart, helm } from './helm.ts';

const examples = join(chart, '../../examples');

describe('a release on a real API server', () => {
  const controlPlane = useControlPlane();
  const { kubectl } = {
    kubectl: (command: string) => controlPlane.kubectl(command.split(' ')),
  };
  const release = (command: string) => helm([...command.split(' '), '--namespace=reflavor'], controlPlane.kubeconfigPath);
  const crds = async () => (await kubectl('get crd -o jsonpath={.items[*].metadata.name}')).split(' ').filter(Boolean);
  const allCrds = kinds.map(({ plural }) => `${plural}.reflavor.dev`).sort();

  test('is installed, kinds and all, and can be used at once', async () => {
    const notes = await release(`install reflavor ${chart} --create-namespace`);
    expect(notes).toContain('STATUS: deployed');
    expect(notes).toContain('amphorae are pods of docker.io/library/haproxy:3.0');
    expect(notes).toContain('An uninstall keeps the kinds and every load balancer, and what serves goes on.');
    await kubectl('wait crd --all --for=condition=Established --timeout=30s');
    expect((await crds()).sort()).toEqual(allCrds);
    await kubectl(`apply --server-side -f ${examples}/flavors.yaml -f ${examples}/http.yaml`);
    await expect(kubectl('get deployment reflavor -n reflavor -o jsonpath={.spec.replicas}')).resolves.toBe('1');
  });

  test('brings the admission policies into force', async () => {
    await eventually(() =>
      expect(
        controlPlane.kubectl(['patch', 'lb', 'web', '--type=merge', '--dry-run=server', '--patch={"spec":{"flavorId":"retired"}}']),
      ).rejects.toThrow('flavor "retired" is disabled'),
    );
  });

  test('is upgraded: values change, load balancers stay', async () => {
    const uid = await kubectl('get lb web -o jsonpath={.metadata.uid}');
    await release(`upgrade reflavor ${chart} --set replicas=2,operator.defaultFlavor=small`);
    await expect(kubectl('get deployment reflavor -n reflavor -o jsonpath={.spec.replicas}')).resolves.toBe('2');
    await expect(kubectl('get deployment reflavor -n reflavor -o jsonpath={.spec.template.spec.containers[0].args}')).resolves.toContain(
      '--default-flavor=small',
    );
    await expect(kubectl('get pdb reflavor -n reflavor -o name')).resolves.toContain('reflavor');
    await expect(kubectl('get lb web -o jsonpath={.metadata.uid}')).resolves.toBe(uid);
  });

  test('is rolled back', async () => {
    await release('rollback reflavor 1');
    await expect(kubectl('get deployment reflavor -n reflavor -o jsonpath={.spec.replicas}')).resolves.toBe('1');
    expect((await crds()).sort()).toEqual(allCrds);
  });

  test('is uninstalled, and load balancers stay', async () => {
    const uid = await kubectl('get lb web -o jsonpath={.metadata.uid}');
    await release('uninstall reflavor');
    expect((await crds()).sort()).toEqual(allCrds);
    await expect(kubectl('get lb web -o jsonpath={.metadata.uid}')).resolves.toBe(uid);
    const left = 'clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings';
    await expect(kubectl(`get ${left} -l app.kubernetes.io/name=reflavor -o name`)).resolves.toBe('');
    await expect(
      kubectl('get all,serviceaccounts,roles,rolebindings -n reflavor -l app.kubernetes.io/name=reflavor -o name'),
    ).resolves.toBe('');
  });

  test('is installed again, and goes on with the load balancers that stayed', async () => {
    const uid = await kubectl('get lb web -o jsonpath={.metadata.uid}');
    await release(`install reflavor ${chart}`);
    await expect(kubectl('get lb web -o jsonpath={.metadata.uid}')).resolves.toBe(uid);
  });

  test('without crds.keep takes the kinds with it', async () => {
    await expect(release(`upgrade reflavor ${chart} --set crds.keep=false`)).resolves.toContain(
      'DELETES the kinds and every load balancer',
    );
    await release('uninstall reflavor');
    await eventually(async () => expect(await crds()).toEqual([]));
  });
});
