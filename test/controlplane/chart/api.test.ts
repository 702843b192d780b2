import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { type ApiConfig, addApiCommand, apiConfigFrom } from '../../../src/config.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { chart, helm, only, type Rendered, rendered } from './helm.ts';
import { each, reads, useReviews, writes } from './reviews.ts';

/** The objects of the API among those of a release. */
const ofApi = async (...values: string[]) =>
  (await rendered('api.enabled=true', ...values)).filter(({ metadata }) => /^reflavor-api(-|$)/.test(metadata.name));
const containerOf = (objects: Rendered[]) => only(objects, 'Deployment').spec.template.spec.containers[0];

/** The settings that the API would take from its container's arguments. */
async function configOf(objects: Rendered[]): Promise<ApiConfig> {
  let config: ApiConfig | undefined;
  const program = new Command('reflavor');
  addApiCommand(program, {}, async (parsed) => {
    config = parsed;
  });
  await program.parseAsync(containerOf(objects).args, { from: 'user' });
  return config as ApiConfig;
}

describe('the API of the chart', () => {
  test('is not there unless it is asked for', async () => {
    expect((await rendered()).filter(({ metadata }) => /-api(-|$)/.test(metadata.name))).toEqual([]);
  });

  test('starts with flags that it knows, and defaults that are its own', async () => {
    const { identity: _, ...config } = await configOf(await ofApi());
    const { identity: __, ...defaults } = apiConfigFrom({}, {});
    const listens = {
      bindAddress: { host: '', port: 9876 },
      metricsBindAddress: { host: '', port: 8080 },
      healthBindAddress: { host: '', port: 8081 },
    };
    expect(config).toEqual({ ...defaults, ...listens });
  });

  test('is told what the values say', async () => {
    const objects = await ofApi(
      ...['api.rateLimit=77', 'api.tokenAudiences={a,b}', 'api.gitopsManagers={mine}', 'api.trustedProxies={10.0.0.0/8}'],
      ...['api.logLevel=debug', 'operator.watchNamespaces={x,y}', 'api.extraArgs={--auth-cache-seconds=5}'],
    );
    expect(await configOf(objects)).toMatchObject({
      ...{ rateLimit: 77, tokenAudiences: ['a', 'b'], gitopsManagers: ['mine'], trustedProxies: ['10.0.0.0/8'] },
      ...{ logLevel: 'debug', watchNamespaces: ['x', 'y'], authCacheSeconds: 5 },
    });
  });

  test('serves TLS by the Secret that is named, and says so in the port’s name', async () => {
    const portOf = (objects: Rendered[]) =>
      objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'reflavor-api')!.spec.ports[0];
    expect(portOf(await ofApi())).toEqual({ name: 'http', port: 9876, targetPort: 'api' });
    const objects = await ofApi('api.tls.secretName=pair', 'api.service.port=443');
    expect(portOf(objects)).toEqual({ name: 'https', port: 443, targetPort: 'api' });
    const { volumes } = only(objects, 'Deployment').spec.template.spec;
    expect(volumes).toEqual([{ name: 'tls', secret: { secretName: 'pair' } }]);
    expect(containerOf(objects).volumeMounts).toEqual([{ name: 'tls', mountPath: (await configOf(objects)).tlsDir, readOnly: true }]);
  });

  test('runs hardened pods (restricted, Pod Security Standards)', async () => {
    const pod = only(await ofApi(), 'Deployment').spec.template.spec;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod.containers[0].securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    expect(pod.containers[0].resources.limits).toHaveProperty('memory');
  });

  test('selects its pods, and not those of the operator, everywhere', async () => {
    const all = await rendered('api.enabled=true', 'api.networkPolicy.enabled=true', 'serviceMonitor.enabled=true', 'replicas=2');
    const objects = all.filter(({ metadata }) => /^reflavor-api(-|$)/.test(metadata.name));
    const { labels } = only(objects, 'Deployment').spec.template.metadata;
    const selectors = [
      only(objects, 'Deployment').spec.selector.matchLabels,
      only(objects, 'PodDisruptionBudget').spec.selector.matchLabels,
      only(objects, 'NetworkPolicy').spec.podSelector.matchLabels,
      ...objects.filter(({ kind }) => kind === 'Service').map(({ spec }) => spec.selector),
    ];
    expect(selectors).toEqual(selectors.map(() => labels));
    const operator = all.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'reflavor')!;
    expect(operator.spec.template.metadata.labels).not.toMatchObject(labels);
    const metrics = objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'reflavor-api-metrics')!;
    expect(metrics.metadata.labels).toMatchObject(only(objects, 'ServiceMonitor').spec.selector.matchLabels);
  });

  test('lets in requests from where they may come alone, and out to the API server', async () => {
    const policy = only(
      await ofApi('api.networkPolicy.enabled=true', 'api.networkPolicy.from[0].podSelector.matchLabels.a=b'),
      'NetworkPolicy',
    ).spec;
    expect(policy.ingress[0]).toEqual({ ports: [{ port: 'api' }], from: [{ podSelector: { matchLabels: { a: 'b' } } }] });
    expect(policy.egress[1].ports).toEqual([{ port: 443 }, { port: 6443 }]);
  });

  test('has a disruption budget where there is more than one', async () => {
    const budgets = async (...values: string[]) => (await ofApi(...values)).filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(await budgets()).toHaveLength(1);
    expect(await budgets('api.replicas=1')).toEqual([]);
  });

  test('passes helm lint', async () => {
    const values =
      'api.enabled=true,api.tls.secretName=x,api.networkPolicy.enabled=true,serviceMonitor.enabled=true,api.trustedProxies={10.0.0.0/8}';
    await expect(helm(['lint', '--strict', chart, '--set', values])).resolves.toContain('0 chart(s) failed');
  });
});

describe('the rights of the API', () => {
  const controlPlane = useControlPlane();
  const { granted } = useReviews(controlPlane);
  const api = 'system:serviceaccount:reflavor:reflavor-api';
  const install = (...values: string[]) =>
    helm(
      ['upgrade', '--install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace', '--set=api.enabled=true', ...values],
      controlPlane.kubeconfigPath,
    );
  const all = [
    ...each(
      [...reads, ...writes],
      ...['loadbalancers', 'amphorae', 'flavors', 'flavorprofiles'].map((resource) => `${resource}.reflavor.dev`),
    ),
    ...each([...reads, ...writes], 'loadbalancers/status.reflavor.dev', 'secrets', 'pods', 'services', 'namespaces'),
    ...['create tokenreviews.authentication.k8s.io', 'create subjectaccessreviews.authorization.k8s.io'],
  ];
  const ofCluster = [
    ...each([...reads, 'create', 'patch', 'delete'], 'flavors.reflavor.dev'), // get and watch: as everybody
    ...each(['list', 'create', 'delete'], 'flavorprofiles.reflavor.dev'),
    ...['create tokenreviews.authentication.k8s.io', 'create subjectaccessreviews.authorization.k8s.io'],
  ];
  const ofNamespace = [
    ...each(['get', 'list', 'create', 'update', 'delete'], 'loadbalancers.reflavor.dev'),
    ...each(['list'], 'amphorae.reflavor.dev'),
  ];
  const has = (namespace: string, rights: string[]) =>
    eventually(async () => expect((await granted(api, all, namespace)).sort()).toEqual(rights.toSorted()));

  test('are what it needs, and no Secret, no status, no pod', async () => {
    await install();
    await controlPlane.kubectl(['create', 'namespace', 'team']);
    await has('team', [...ofCluster, ...ofNamespace]);
  }, 60_000);

  test('end at the namespaces that are looked after', async () => {
    await install('--set=operator.watchNamespaces={team}');
    await has('default', ofCluster);
    await has('team', [...ofCluster, ...ofNamespace]);
  }, 60_000);
});

describe('Octavia’s roles', () => {
  const controlPlane = useControlPlane();
  const { granted } = useReviews(controlPlane);
  const rights = [
    ...each(
      [...reads, ...writes],
      'loadbalancers.reflavor.dev',
      'amphorae.reflavor.dev',
      'flavors.reflavor.dev',
      'flavorprofiles.reflavor.dev',
    ),
    ...each(['update'], 'loadbalancers/resize.reflavor.dev', 'loadbalancers/failover.reflavor.dev', 'loadbalancers/status.reflavor.dev'),
  ];

  test('read, write and admin each give what the one before gives, and what is theirs', async () => {
    await helm(['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace'], controlPlane.kubeconfigPath);
    await controlPlane.kubectl(['create', 'namespace', 'team']);
    for (const role of ['read', 'write', 'admin'])
      await controlPlane.kubectl([
        'create',
        'rolebinding',
        role,
        '-n',
        'team',
        `--clusterrole=reflavor-load-balancer-${role}`,
        `--user=${role}`,
      ]);
    const read = each(reads, 'loadbalancers.reflavor.dev', 'flavors.reflavor.dev');
    const write = [...read, ...each(writes, 'loadbalancers.reflavor.dev'), 'update loadbalancers/resize.reflavor.dev'];
    const admin = [
      ...write,
      'update loadbalancers/failover.reflavor.dev',
      ...each(reads, 'amphorae.reflavor.dev', 'flavorprofiles.reflavor.dev'),
      // Of the cluster: to be of use the role must be bound there.
      ...each(writes, 'flavors.reflavor.dev', 'flavorprofiles.reflavor.dev'),
    ];
    await eventually(async () => expect((await granted('admin', rights)).sort()).toEqual(admin.sort()));
    expect((await granted('write', rights)).sort()).toEqual(write.sort());
    expect((await granted('read', rights)).sort()).toEqual(read.sort());
    expect(await granted('admin', rights, 'default')).toEqual(each(reads, 'flavors.reflavor.dev'));
  }, 60_000);
});
