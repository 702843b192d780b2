import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { flavorOwners, type LoadBalancer } from '../../../src/api/index.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { connect } from '../../../src/kube/index.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { TestOperator } from '../../support/operator.ts';
import { Subject } from '../../support/subject.ts';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);

/** How each writes what Git has: Flux by server-side apply; Argo CD so or, by default, as `kubectl apply` does. */
const managers: [string, string[]][] = [
  ['kustomize-controller', ['--server-side', '--force-conflicts', '--field-manager=kustomize-controller']],
  ['argocd-controller', ['--server-side', '--force-conflicts', '--field-manager=argocd-controller']],
  ['argocd-controller', ['--field-manager=argocd-controller']],
];

let operator: TestOperator;
let client: KubeClient;
let shop: Subject;
// Registered first, so that it comes before the control plane's end.
afterAll(async () => {
  await operator?.stop();
  await client?.close();
}, 60_000);
const controlPlane = useControlPlane({ crds: true });
beforeAll(async () => {
  for (const file of ['deploy/admission.yaml', 'examples/flavors.yaml']) await controlPlane.kubectl(['apply', '-f', join(root, file)]);
  client = connect({ kubeconfig: controlPlane.kubeconfigPath });
  operator = new TestOperator(controlPlane.kubeconfigPath, new SimulatedWorld({ newConnectionsPerSecond: 100 }));
  operator.start();
  shop = new Subject({ kubectl: controlPlane.kubectl, client }, 'shop');
}, 60_000);

describe.each(managers)('a load balancer that %s applies from Git (kubectl apply %j)', (manager, flags) => {
  let folder: string;
  const git = (...args: string[]) => run('git', ['-c', 'user.name=Team', '-c', 'user.email=team@example.org', ...args], { cwd: folder });
  const sync = () => controlPlane.kubectl(['apply', ...flags, '-k', folder]);
  const commit = async (message: string, change: (text: string) => string) => {
    const file = join(folder, 'shop.yaml');
    await writeFile(file, change(await readFile(file, 'utf8')));
    await git('add', '--all');
    await git('commit', `--message=${message}`);
    await sync();
  };
  const revert = async () => {
    await git('revert', '--no-edit', 'HEAD');
    await sync();
  };
  const carries = (lb: LoadBalancer) => lb.status?.amphorae?.filter((a) => a.traffic === 'Carries').map((a) => a.name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reflavor-git-'));
    await cp(join(root, 'examples/gitops/load-balancers'), folder, { recursive: true });
    await git('init', '--quiet');
  });
  afterAll(async () => {
    await shop.kubectl(['delete', 'lb', 'shop', '--timeout=60s']);
    await rm(folder, { recursive: true, force: true });
  }, 90_000);

  test('is created, and names who owns its flavor', async () => {
    await commit('A shop', (text) =>
      text.replace('spec:\n', 'spec:\n  strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 }\n'),
    );
    expect(flavorOwners((await shop.untilAtRest('small')).metadata)).toEqual([manager]);
  });

  test('is resized by a commit, left alone by the same again, and resized back by a revert', async () => {
    await commit('A larger shop', (text) => text.replace('flavorId: small', 'flavorId: large'));
    const { metadata } = await shop.untilAtRest('large');
    await sync();
    expect((await shop.get()).metadata.generation).toBe(metadata.generation);
    await revert();
    expect((await shop.untilAtRest('small')).status?.operation).toMatchObject({ kind: 'Resize', to: 'small', result: 'Succeeded' });
  });

  test('has its resize cancelled by a git revert in the middle of it', async () => {
    const before = carries(await shop.get());
    await commit('A larger shop, after a long look', (text) =>
      text.replace('verifySeconds: 0', 'verifySeconds: 3600').replace('flavorId: small', 'flavorId: large'),
    );
    await shop.until((lb) => expect(lb.status?.amphorae?.map((a) => a.traffic)).toContain('NoLonger'));
    await revert();
    const lb = await shop.untilAtRest('small');
    expect(lb.status?.operation).toMatchObject({ kind: 'Resize', to: 'large', result: 'Cancelled' });
    expect(carries(lb)).toEqual(before);
  });

  test('keeps the flavor in force when Git no longer names one', async () => {
    await commit('Leave the size to others', (text) => text.replace('  flavorId: small\n', ''));
    const lb = await shop.untilAtRest('small');
    expect(lb.spec.flavorId).toBeUndefined();
    expect(flavorOwners(lb.metadata)).toEqual([]);
  });
});
