import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { Amphora } from '../../../src/api/index.ts';
import { amphorae } from '../../../src/controller/resources.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { judge, Recording } from '../../support/gitops.ts';
import { TestOperator } from '../../support/operator.ts';
import { httpSpec, Subject } from '../../support/subject.ts';

const root = join(import.meta.dirname, '../../..');
const world = new SimulatedWorld({ delays: { build: 200 } });
const spec = httpSpec({ members: [{ address: '192.0.2.1', port: 80 }] }, 80, {
  strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 },
});
let operator: TestOperator;
let client: KubeClient;
let recording: Recording<Amphora>;
afterAll(async () => {
  await operator?.stop();
  await recording?.stop();
  await client?.close();
}, 60_000);
const controlPlane = useControlPlane({ crds: true });
beforeAll(async () => {
  client = connect({ kubeconfig: controlPlane.kubeconfigPath });
  recording = await Recording.start(client, amphorae);
  operator = new TestOperator(controlPlane.kubeconfigPath, world);
}, 60_000);

const verdictOn = async (...kubectlGet: string[]) => {
  const object = JSON.parse(await controlPlane.kubectl(['get', ...kubectlGet, '-o', 'json'])) as object;
  const [verdicts] = await judge([object]);
  return [verdicts!.kstatus.status, verdicts!.argocd?.status, verdicts!.argocd?.message];
};

test('what the operator has not seen yet is under way', async () => {
  await controlPlane.kubectl(['apply', '-f', join(root, 'examples/flavors.yaml')]);
  await controlPlane.kubectl(['apply', '-f', join(root, 'examples/http.yaml')]);
  expect(await verdictOn('flavor', 'small')).toEqual(['InProgress', 'Progressing', expect.stringContaining('Waiting')]);
  expect(await verdictOn('lb', 'web')).toEqual(['InProgress', 'Progressing', expect.stringContaining('Waiting')]);
  // Nobody has to look at a profile.
  expect(await verdictOn('flavorprofile', 'small')).toEqual(['Current', undefined, undefined]);
  operator.start();
});

test('a flavor is healthy, or says what it lacks', async () => {
  const lost = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name: 'lost' }, spec: { flavorProfile: 'nonesuch' } };
  await controlPlane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(lost) });
  await eventually(async () => expect(await verdictOn('flavor', 'small')).toEqual(['Current', 'Healthy', expect.any(String)]));
  await eventually(async () =>
    expect(await verdictOn('flavor', 'lost')).toEqual(['InProgress', 'Degraded', expect.stringContaining('nonesuch')]),
  );
});

describe('an amphora', () => {
  let subject: Subject;
  const create = async (name: string) => {
    subject = new Subject({ kubectl: controlPlane.kubectl, client }, name);
    await subject.create(spec);
  };
  /** What Argo CD showed of all amphorae of the load balancer, in order. */
  const shown = async () => {
    const versions = recording.versions.filter((a) => a.spec.loadBalancer.name === subject.name);
    const turns = (await judge(versions)).map((v) => v.argocd?.status);
    return turns.filter((turn, index) => turn !== turns[index - 1]);
  };
  const eventuallyShown = (...turns: string[]) =>
    eventually(async () => expect(await shown()).toEqual(turns), { withinMs: 30_000, everyMs: 300 });

  test('is under way while it starts and loads, then healthy, and under way again while it goes', async () => {
    await create('plain');
    await subject.untilAtRest('small');
    await eventuallyShown('Progressing', 'Healthy');
    await subject.kubectl(['delete', 'lb', 'plain', '--timeout=60s']);
    await eventuallyShown('Progressing', 'Healthy', 'Progressing');
  });

  test('that does not start is degraded', async () => {
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image 9.9' });
    await create('unbuilt');
    await eventually(async () => expect(await shown()).toContain('Degraded'), { withinMs: 30_000, everyMs: 300 });
    world.faults.clear();
    await subject.kubectl(['delete', 'lb', 'unbuilt', '--timeout=60s']);
  });

  test('that refuses a configuration or is lost is degraded', async () => {
    await create('unlucky');
    await subject.untilAtRest('small');
    world.faults.inject({ kind: 'configurationRefused', message: 'unknown keyword' });
    await subject.patch({ listeners: [{ ...(spec.listeners as object[])[0], connectionLimit: 7 }] });
    await eventually(async () => expect((await shown()).at(-1)).toBe('Degraded'), { withinMs: 30_000, everyMs: 300 });
    world.faults.clear();
    await eventually(async () => expect((await shown()).at(-1)).toBe('Healthy'), { withinMs: 30_000, everyMs: 300 });
    const from = recording.versions.length;
    const [amphora] = await subject.amphorae();
    world.lose(amphora!.metadata.name);
    await eventually(
      async () => {
        const ofIt = recording.versions.slice(from).filter((a) => a.metadata.name === amphora!.metadata.name);
        expect((await judge(ofIt)).map((v) => v.argocd?.status)).toContain('Degraded');
      },
      { withinMs: 30_000, everyMs: 300 },
    );
  });
});

test('the health checks enter Argo CD beside what is there, each as it stands in its file', async () => {
  const map = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data: { url: 'https://cd.example.org' },
  };
  await controlPlane.kubectl(['create', 'namespace', 'argocd']);
  await controlPlane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(map) });
  // As examples/gitops/argocd.yaml and the guide have it.
  const patch = `--patch-file=${join(root, 'deploy/argocd/argocd-cm.yaml')}`;
  await controlPlane.kubectl(['patch', 'configmap', 'argocd-cm', '--namespace=argocd', '--type=merge', patch]);
  const { data } = JSON.parse(await controlPlane.kubectl(['get', 'configmap', 'argocd-cm', '-n', 'argocd', '-o', 'json']));
  const scripts = join(root, 'deploy/argocd/reflavor.dev');
  for (const kind of await readdir(scripts))
    expect(data[`resource.customizations.health.reflavor.dev_${kind}`]).toBe(await readFile(join(scripts, kind, 'health.lua'), 'utf8'));
  expect(data.url).toBe('https://cd.example.org');
});

test.each(['flux', 'argocd'])('the example for %s names a folder that can be applied', async (tool) => {
  const documents = parseAllDocuments(await readFile(join(root, `examples/gitops/${tool}.yaml`), 'utf8')).map((d) => d.toJS());
  const { spec } = documents.at(-1);
  const path = spec.path ?? spec.source.path;
  expect(await controlPlane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-k', join(root, path)])).toContain('loadbalancer');
});
