import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { parse } from 'yaml';
import { addOperatorCommand, type Config } from '../../../src/config.ts';
import { ADMIN_PORT } from '../../../src/provider/amphora/haproxy/index.ts';
import { kinds } from '../../../tools/crd/kinds.ts';
import { customResourceDefinition } from '../../../tools/crd/manifest.ts';
import { chart, helm, only, type Rendered, rendered } from './helm.ts';

/** The settings that the operator would take from its container's arguments. */
async function configOf(objects: Rendered[]): Promise<Config> {
  const { args } = only(objects, 'Deployment').spec.template.spec.containers[0];
  let config: Config | undefined;
  const program = new Command('reflavor');
  addOperatorCommand(program, {}, async (parsed) => {
    config = parsed;
  });
  await program.parseAsync(args, { from: 'user' });
  return config as Config;
}

describe('the chart', () => {
  test('passes helm lint', async () => {
    await expect(helm(['lint', '--strict', chart])).resolves.toContain('0 chart(s) failed');
  });

  test('passes helm lint with everything switched on', async () => {
    const everything = [
      'replicas=2,networkPolicy.enabled=true,serviceMonitor.enabled=true,operator.defaultFlavor=small,operator.watchNamespaces={a,b}',
      'podLabels.a=b,podAnnotations.a=b,priorityClassName=system-cluster-critical,image.pullSecrets[0].name=pull,nodeSelector.a=b',
    ];
    await expect(helm(['lint', '--strict', chart, ...everything.flatMap((set) => ['--set', set])])).resolves.toContain('0 chart(s) failed');
  });

  test('starts an operator whose every flag the operator knows', async () => {
    const config = await configOf(await rendered());
    expect(config).toMatchObject({
      driver: 'kubernetes',
      amphoraImage: 'docker.io/library/haproxy',
      amphoraImageTag: '3.0',
      amphoraImagePullSecrets: [],
      operatorNamespace: 'reflavor',
      leaderElect: true,
      leaseNamespace: 'reflavor',
      leaseName: 'reflavor',
      watchNamespaces: [],
      defaultFlavor: undefined,
      metricsBindAddress: { port: 8080 },
      healthBindAddress: { port: 8081 },
    });
  });

  test('hands the operator what the values say', async () => {
    const values = ['operator.driver=process', 'operator.defaultFlavor=small', 'operator.watchNamespaces={a,b}', 'operator.concurrency=3'];
    const config = await configOf(await rendered(...values, 'operator.logLevel=debug', 'operator.extraArgs={--resync-seconds=77}'));
    expect(config).toMatchObject({
      driver: 'process',
      defaultFlavor: 'small',
      watchNamespaces: ['a', 'b'],
      concurrency: 3,
      logLevel: 'debug',
      resyncSeconds: 77,
    });
  });

  test('tells the operator which image amphorae run, and by which labels they know its pods', async () => {
    const image = ['repository=example.org/haproxy', 'tag=3.2', 'pullSecrets[0].name=one', 'pullSecrets[1].name=two'];
    const objects = await rendered(...image.map((value) => `amphora.image.${value}`), 'nameOverride=lb');
    const config = await configOf(objects);
    expect(config).toMatchObject({ amphoraImage: 'example.org/haproxy', amphoraImageTag: '3.2', amphoraImagePullSecrets: ['one', 'two'] });
    expect(only(objects, 'Deployment').spec.template.metadata.labels).toEqual(config.operatorPodLabels);
  });

  test('tells the operator where notifications go, and shows it no more of the Secret than was named', async () => {
    expect(await configOf(await rendered())).toMatchObject({ notificationsSink: undefined });
    const set = [
      'sink=https://events.example.org:8443/a',
      'mode=binary',
      'source=https://prod.example.org',
      'timeoutSeconds=3',
      'refusedSeconds=60',
    ];
    const secret = ['secret.name=sink', 'secret.tokenKey=token', 'secret.caKey=ca.crt'];
    const objects = await rendered(...[...set, ...secret].map((value) => `notifications.${value}`), 'networkPolicy.enabled=true');
    expect(await configOf(objects)).toMatchObject({
      notificationsSink: 'https://events.example.org:8443/a',
      notificationsMode: 'binary',
      notificationsSource: 'https://prod.example.org',
      notificationsTimeoutSeconds: 3,
      notificationsRefusedSeconds: 60,
      notificationsTokenFile: '/etc/reflavor/notifications/token',
      notificationsHeadersFile: undefined,
      notificationsCaFile: '/etc/reflavor/notifications/ca.crt',
    });
    const { volumes, containers } = only(objects, 'Deployment').spec.template.spec;
    const items = ['ca.crt', 'token'].map((key) => ({ key, path: key }));
    expect(volumes).toEqual([{ name: 'notifications', secret: { secretName: 'sink', items } }]);
    expect(containers[0].volumeMounts).toEqual([{ name: 'notifications', mountPath: '/etc/reflavor/notifications', readOnly: true }]);
    expect(only(objects, 'NetworkPolicy').spec.egress).toContainEqual({ ports: [{ port: 8443 }] });
  });

  test('has a folder for amphorae only where they are processes of the operator', async () => {
    const pod = async (...values: string[]) => only(await rendered(...values), 'Deployment').spec.template.spec;
    expect(await pod()).not.toHaveProperty('volumes');
    expect((await pod()).containers[0]).not.toHaveProperty('volumeMounts');
    expect((await pod('operator.driver=process')).volumes).toEqual([
      { name: 'state', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ]);
  });

  test('has no ClusterRole but for what is of the cluster where the operator looks after some namespaces', async () => {
    const objects = await rendered('operator.watchNamespaces={a,b}');
    const operators = objects.filter(({ kind, metadata }) => kind.endsWith('Role') && metadata.name.includes('-operator'));
    expect(operators.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual([
      ['ClusterRole', 'reflavor-operator-cluster', undefined],
      ['Role', 'reflavor-operator', 'a'],
      ['Role', 'reflavor-operator', 'b'],
      ['Role', 'reflavor-operator-own', 'reflavor'],
    ]);
    const resources = operators[0]!.rules.flatMap((rule: { resources: string[] }) => rule.resources);
    expect(resources).toEqual(['flavors', 'flavorprofiles', 'flavors/status', 'nodes']);
  });

  test.each([
    ['a driver that there is none of', 'operator.driver=magic', "value must be one of 'kubernetes', 'process', 'simulated'"],
    ['a tag that is none', 'amphora.image.tag=a:b', 'amphora/image/tag'],
    ['a Secret of no such name', 'amphora.image.pullSecrets[0].name=A_B', 'amphora/image/pullSecrets/0/name'],
    ['a type of Service that there is none of', 'admissionPolicy.vipService.types={NodePort}', 'admissionPolicy/vipService/types/0'],
    ['an annotation that is none', "admissionPolicy.vipService.annotations={a'b}", 'admissionPolicy/vipService/annotations/0'],
    ['a misspelt value', 'replica=2', "additional properties 'replica' not allowed"],
    ['a namespace that is none', 'operator.watchNamespaces={A_B}', 'operator/watchNamespaces/0'],
    ['a number in place of a switch', 'crds.enabled=1', 'got number, want boolean'],
    ['a digest that is none', 'image.digest=latest', 'image/digest'],
    ['a sink with a password', 'notifications.sink=https://me:secret@example.org', 'notifications/sink'],
  ])('refuses %s', async (_, value, words) => {
    await expect(rendered(value)).rejects.toThrow(words);
  });

  test('carries the very CRDs of crds/, kept by an uninstall', async () => {
    const crds = (await rendered()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    const byName = (a: Rendered, b: Rendered) => (a.metadata.name < b.metadata.name ? -1 : 1);
    const wanted = kinds.map((kind) => JSON.parse(JSON.stringify(customResourceDefinition(kind))) as Rendered);
    expect(crds.sort(byName).map(({ spec }) => spec)).toEqual(wanted.sort(byName).map(({ spec }) => spec));
    expect(crds.map(({ metadata }) => metadata.annotations)).toEqual(crds.map(() => ({ 'helm.sh/resource-policy': 'keep' })));
  });

  test('carries no CRDs, or such as go with it, where the values say so', async () => {
    const crds = async (value: string) => (await rendered(value)).filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(await crds('crds.enabled=false')).toEqual([]);
    expect((await crds('crds.keep=false')).map(({ metadata }) => metadata.annotations)).toEqual(kinds.map(() => undefined));
  });

  test('carries the admission policies unless told not to', async () => {
    const policies = (objects: Rendered[]) => objects.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));
    expect(policies(await rendered())).toHaveLength(4);
    expect(policies(await rendered('admissionPolicy.enabled=false'))).toEqual([]);
    const restricted = 'admissionPolicy.vipService.types={ClusterIP}';
    expect(policies(await rendered(restricted))).toHaveLength(6);
    expect(policies(await rendered(restricted, 'admissionPolicy.enabled=false'))).toEqual([]);
  });

  test('runs hardened pods (restricted, Pod Security Standards)', async () => {
    const pods = (await rendered()).flatMap((object) =>
      object.kind === 'Deployment' ? object.spec.template.spec : object.kind === 'Pod' ? object.spec : [],
    );
    expect(pods).toHaveLength(2);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(pod.containers[0].resources.limits).toHaveProperty('memory');
    }
  });

  test('runs the image of its own version, and a digest goes before a tag', async () => {
    const image = async (...values: string[]) => only(await rendered(...values), 'Deployment').spec.template.spec.containers[0].image;
    const { version } = JSON.parse(readFileSync(join(chart, '../../package.json'), 'utf8')) as { version: string };
    expect(await image()).toBe(`docker.io/reflavor/reflavor:${version}`);
    expect(await image('image.repository=example.org/r', 'image.tag=v9')).toBe('example.org/r:v9');
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await image('image.tag=v9', `image.digest=${digest}`)).toBe(`docker.io/reflavor/reflavor@${digest}`);
  });

  test('has a disruption budget where there is more than one operator', async () => {
    const budgets = async (...values: string[]) => (await rendered(...values)).filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(await budgets()).toEqual([]);
    expect((await budgets('replicas=2'))[0]?.spec).toMatchObject({ maxUnavailable: 1 });
    expect(await budgets('replicas=2', 'podDisruptionBudget.enabled=false')).toEqual([]);
  });

  test('has a network policy and a service monitor where asked for', async () => {
    const plain = (await rendered()).map(({ kind }) => kind);
    expect(plain).not.toContain('NetworkPolicy');
    expect(plain).not.toContain('ServiceMonitor');
    const objects = await rendered('networkPolicy.enabled=true', 'serviceMonitor.enabled=true', 'serviceMonitor.labels.release=prometheus');
    expect(only(objects, 'NetworkPolicy').spec.policyTypes).toEqual(['Ingress', 'Egress']);
    const ports = only(objects, 'NetworkPolicy').spec.egress.flatMap((rule: { ports: { port: number }[] }) =>
      rule.ports.map((p) => p.port),
    );
    expect(ports).toContain(ADMIN_PORT);
    const service = only(objects, 'Service');
    const monitor = only(objects, 'ServiceMonitor');
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(monitor.metadata.labels).toHaveProperty('release', 'prometheus');
  });

  test('selects its pods, and nothing else, everywhere', async () => {
    const objects = await rendered('replicas=2', 'networkPolicy.enabled=true');
    const { labels } = only(objects, 'Deployment').spec.template.metadata;
    const selectors = [
      only(objects, 'Deployment').spec.selector.matchLabels,
      only(objects, 'Service').spec.selector,
      only(objects, 'PodDisruptionBudget').spec.selector.matchLabels,
      only(objects, 'NetworkPolicy').spec.podSelector.matchLabels,
    ];
    for (const selector of selectors) expect(selector).toEqual(labels);
    expect(only(objects, 'Pod').metadata.labels).not.toMatchObject(labels);
  });

  test('names objects by DNS labels even when the release has a long name with dots', async () => {
    const name = 'load.balancers.of.the.whole.company.in.production';
    const text = await helm(['template', name, chart, '--kube-version=1.35.0', '-s', 'templates/deployment.yaml']);
    expect(parse(text).metadata.name).toMatch(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])$/);
  });

  test('explains the values that there are, each with its default', () => {
    const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>;
    const readme = readFileSync(join(chart, 'README.md'), 'utf8');
    for (const name of Object.keys(values)) expect(readme).toMatch(new RegExp(`^\\| \`${name}[.\`]`, 'm'));
  });
});
