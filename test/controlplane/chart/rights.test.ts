import { beforeAll, describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { chart, helm } from './helm.ts';
import { each, reads, useReviews, writes } from './reviews.ts';

const operator = 'system:serviceaccount:reflavor:reflavor';

describe('rights that the chart gives', () => {
  const controlPlane = useControlPlane();
  const { may, granted } = useReviews(controlPlane);

  beforeAll(async () => {
    await helm(['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace'], controlPlane.kubeconfigPath);
    await controlPlane.kubectl(['create', 'namespace', 'team']);
    for (const role of ['view', 'edit']) {
      // Nobody fills the aggregated roles here: what would be added to them is bound as it is.
      await controlPlane.kubectl(['create', 'rolebinding', role, '-n', 'team', `--clusterrole=reflavor-${role}`, `--user=${role}`]);
    }
    await controlPlane.kubectl(['create', 'clusterrolebinding', 'sizes', '--clusterrole=reflavor-flavor-admin', '--user=sizes']);
    // The API server hears of its own roles and bindings a moment later, of the last one last.
    await eventually(async () => expect(await may('sizes', 'list flavorprofiles.reflavor.dev')).toBe(true));
  });

  test('go to the roles view, edit and admin by their labels', async () => {
    const roles = async (to: string) =>
      (
        await controlPlane.kubectl([
          'get',
          'clusterroles',
          '-o',
          'name',
          '-l',
          `rbac.authorization.k8s.io/aggregate-to-${to}=true,app.kubernetes.io/name=reflavor`,
        ])
      )
        .trim()
        .split('\n');
    const [view, edit] = ['view', 'edit'].map((role) => `clusterrole.rbac.authorization.k8s.io/reflavor-${role}`);
    expect(await roles('view')).toEqual([view]);
    expect(await roles('edit')).toEqual([edit, view]);
    expect(await roles('admin')).toEqual([edit, view]);
  });

  test('let view read load balancers, amphorae and flavors, and write nothing', async () => {
    const readable = each(reads, 'loadbalancers.reflavor.dev', 'amphorae.reflavor.dev', 'flavors.reflavor.dev');
    expect(await granted('view', readable)).toEqual(readable);
    const rest = [
      ...each(writes, 'loadbalancers.reflavor.dev', 'amphorae.reflavor.dev', 'flavors.reflavor.dev', 'flavorprofiles.reflavor.dev'),
      ...each(reads, 'flavorprofiles.reflavor.dev', 'secrets'),
    ];
    expect(await granted('view', rest)).toEqual([]);
  });

  test('let edit write load balancers, and neither a status, nor an amphora, nor a flavor', async () => {
    expect(await granted('edit', each(writes, 'loadbalancers.reflavor.dev'))).toEqual(each(writes, 'loadbalancers.reflavor.dev'));
    const rest = each(
      writes,
      'loadbalancers/status.reflavor.dev',
      'loadbalancers/finalizers.reflavor.dev',
      'amphorae.reflavor.dev',
      'amphorae/status.reflavor.dev',
      'flavors.reflavor.dev',
      'flavors/status.reflavor.dev',
      'flavorprofiles.reflavor.dev',
    );
    expect(await granted('edit', rest)).toEqual([]);
    expect(await granted('edit', each(writes, 'loadbalancers.reflavor.dev'), 'default')).toEqual([]);
  });

  test('let the admin of flavors write these, and no status and no load balancer', async () => {
    const theirs = each([...reads, ...writes], 'flavors.reflavor.dev', 'flavorprofiles.reflavor.dev');
    expect(await granted('sizes', theirs)).toEqual(theirs);
    expect(
      await granted('sizes', each(writes, 'flavors/status.reflavor.dev', 'loadbalancers.reflavor.dev', 'amphorae.reflavor.dev')),
    ).toEqual([]);
  });

  test('let the operator do what it does, and nothing else with the same objects', async () => {
    const used = [
      ...each(['get', 'list', 'watch', 'patch'], 'loadbalancers.reflavor.dev'),
      ...each(['get', 'list', 'watch', 'create', 'patch', 'delete'], 'amphorae.reflavor.dev'),
      ...each(['update'], 'loadbalancers/status.reflavor.dev', 'amphorae/status.reflavor.dev', 'flavors/status.reflavor.dev'),
      ...each(['list', 'watch'], 'flavors.reflavor.dev', 'flavorprofiles.reflavor.dev'),
      ...each(['get'], 'flavors.reflavor.dev'), // as everybody
      ...each(['get', 'list', 'watch'], 'nodes'),
      ...each(
        ['get', 'list', 'watch', 'create', 'patch', 'delete'],
        'pods',
        'services',
        'networkpolicies.networking.k8s.io',
        'poddisruptionbudgets.policy',
      ),
      ...each(['get', 'list', 'watch', 'create', 'update', 'delete'], 'secrets', 'endpointslices.discovery.k8s.io'),
      ...each(['create', 'patch'], 'events.events.k8s.io'),
    ];
    const resources = [
      ...['loadbalancers', 'amphorae', 'flavors', 'flavorprofiles'].flatMap((r) => [`${r}.reflavor.dev`, `${r}/status.reflavor.dev`]),
      ...['secrets', 'services', 'configmaps', 'pods', 'nodes', 'namespaces', 'serviceaccounts', 'endpointslices.discovery.k8s.io'],
      ...['events.events.k8s.io', 'leases.coordination.k8s.io', 'deployments.apps', 'customresourcedefinitions.apiextensions.k8s.io'],
      ...[
        'networkpolicies.networking.k8s.io',
        'poddisruptionbudgets.policy',
        'pods/eviction',
        'pods/status',
        'services/status',
        'nodes/status',
      ],
      ...['clusterroles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io', 'pods/exec', 'serviceaccounts/token'],
    ];
    const all = each([...reads, ...writes], ...resources);
    expect((await granted(operator, all)).sort()).toEqual(used.sort());
  });

  test('let the operator hold its lease, and only in its own namespace', async () => {
    expect(await may(operator, 'create leases.coordination.k8s.io', 'reflavor')).toBe(true);
    expect(await may(operator, 'create leases.coordination.k8s.io', 'kube-system')).toBe(false);
    expect(await may(operator, 'update leases.coordination.k8s.io', 'reflavor')).toBe(false); // another’s
  });

  test('let the operator have its authority in its own namespace alone, and read no other Secret there', async () => {
    await helm(
      ['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.watchNamespaces={team}'],
      controlPlane.kubeconfigPath,
    );
    const secrets = each([...reads, ...writes], 'secrets');
    await eventually(async () => expect(await granted(operator, secrets, 'reflavor')).toEqual(['create secrets']));
    expect(await may(operator, 'get secrets', 'reflavor', 'reflavor-authority')).toBe(true);
    expect(await may(operator, 'update secrets', 'reflavor', 'reflavor-authority')).toBe(false);
    expect(await granted(operator, secrets, 'default')).toEqual([]);
    await helm(['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.watchNamespaces=null'], controlPlane.kubeconfigPath);
  });

  test('let the operator write nothing but its own kinds where amphorae are no pods', async () => {
    await helm(['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.driver=simulated'], controlPlane.kubeconfigPath);
    const rights = each([...reads, ...writes], 'pods', 'nodes', 'secrets', 'services', 'endpointslices.discovery.k8s.io');
    const read = each(['list', 'watch'], 'secrets', 'services', 'endpointslices.discovery.k8s.io');
    await eventually(async () => expect(await granted(operator, rights)).toEqual(read));
    await helm(['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.driver=kubernetes'], controlPlane.kubeconfigPath);
    await eventually(async () => expect(await may(operator, 'create pods')).toBe(true));
  });

  test('end at the namespaces that the operator is to look after', async () => {
    await helm(
      ['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.watchNamespaces={team}'],
      controlPlane.kubeconfigPath,
    );
    const rights = ['list secrets', 'patch loadbalancers.reflavor.dev', 'create amphorae.reflavor.dev', 'create events.events.k8s.io'];
    await eventually(async () => expect(await granted(operator, rights, 'team')).toEqual(rights));
    await eventually(async () => expect(await granted(operator, rights, 'default')).toEqual([]));
    expect(await granted(operator, ['list flavors.reflavor.dev', 'update flavors/status.reflavor.dev'], '')).toHaveLength(2);
    await helm(['upgrade', 'reflavor', chart, '--namespace=reflavor', '--set=operator.watchNamespaces=null'], controlPlane.kubeconfigPath);
    await eventually(async () => expect(await granted(operator, rights, 'default')).toEqual(rights));
  });
});
