import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startOperator } from '../../../tools/operator.ts';
import { endProcess, type ProcessIdentity } from '../../../tools/processes.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { chart, helm, only, rendered } from './helm.ts';

const examples = join(chart, '../../examples');

describe.each([
  ['every namespace', ['operator.driver=simulated']],
  ['one namespace', ['operator.driver=simulated', 'operator.watchNamespaces={default}']],
])('the operator of %s, with the rights of its service account and the flags of its container', (_, values: string[]) => {
  const controlPlane = useControlPlane();
  let dir: string;
  let operator: ProcessIdentity | undefined;
  const kubectl = (command: string) => controlPlane.kubectl(command.split(' '));
  const state = (path: string) => kubectl(`get lb web -o jsonpath={.status.${path}}`);
  const log = () => readFile(join(dir, 'operator.log'), 'utf8');

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-chart-'));
    await helm(
      ['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace', ...values.flatMap((value) => ['--set', value])],
      controlPlane.kubeconfigPath,
    );
    const { args } = only(await rendered(...values), 'Deployment').spec.template.spec.containers[0] as { args: string[] };
    operator = await startOperator({
      kubeconfigPath: await controlPlane.userKubeconfig({ user: 'system:serviceaccount:reflavor:reflavor' }),
      stateDir: join(dir, 'state'),
      logFile: join(dir, 'operator.log'),
      // Ports and folders are those of this machine.
      flags: args.filter((arg) => arg.startsWith('--') && !/^--(state-dir|metrics-bind-address|health-bind-address)=/.test(arg)),
    });
    await kubectl(`apply --server-side -f ${examples}/flavors.yaml -f ${examples}/http.yaml`);
  }, 120_000);
  afterAll(async () => {
    if (operator) await endProcess(operator);
    await rm(dir, { recursive: true, force: true });
  }, 30_000);

  test('makes a load balancer active', async () => {
    await eventually(async () => expect([await state('provisioningStatus'), await state('flavorId')]).toEqual(['ACTIVE', 'small']), {
      withinMs: 50_000,
    });
  });

  test('tells flavors their topology, so that the policy can refuse another', async () => {
    await eventually(async () =>
      expect(await kubectl('get flavor small-ha -o jsonpath={.status.loadbalancerTopology}')).toBe('ACTIVE_STANDBY'),
    );
    await eventually(() =>
      expect(controlPlane.kubectl(['patch', 'lb', 'web', '--type=merge', '--patch={"spec":{"flavorId":"small-ha"}}'])).rejects.toThrow(
        'a resize keeps the topology',
      ),
    );
  });

  test('resizes it', async () => {
    const spec = { flavorId: 'large', strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 } };
    await controlPlane.kubectl(['patch', 'lb', 'web', '--type=merge', `--patch=${JSON.stringify({ spec })}`]);
    await eventually(async () => expect([await state('provisioningStatus'), await state('flavorId')]).toEqual(['ACTIVE', 'large']), {
      withinMs: 50_000,
    });
    await eventually(async () => expect((await kubectl('get amp -o name')).trim().split('\n')).toHaveLength(1), { withinMs: 50_000 });
  });

  test('leads by its lease, and says what happened in events', async () => {
    expect(await kubectl('get lease reflavor -n reflavor -o jsonpath={.spec.holderIdentity}')).not.toBe('');
    await eventually(async () => expect(await kubectl('get events.events.k8s.io -o jsonpath={.items[*].regarding.name}')).toContain('web'));
  });

  test('deletes a load balancer with all that belongs to it', async () => {
    await kubectl('delete lb web --wait=false');
    await eventually(async () => expect(await kubectl('get lb,amp -o name')).toBe(''), { withinMs: 50_000 });
  });

  test('was never told that it may not', async () => {
    expect(await log()).not.toMatch(/forbidden/i);
  });
});

/** No node runs here: what is seen is that the operator may do all that a driver of pods does, and does it. */
describe.each([
  ['every namespace', []],
  ['one namespace', ['operator.watchNamespaces={default}']],
])('the operator of %s that runs amphorae as pods, with the rights of its service account', (_, values: string[]) => {
  const controlPlane = useControlPlane();
  let dir: string;
  let operator: ProcessIdentity | undefined;
  const kubectl = (command: string) => controlPlane.kubectl(command.split(' '));
  const log = () => readFile(join(dir, 'operator.log'), 'utf8');
  const own = async () =>
    (await kubectl('get pods,secrets,services,networkpolicies,poddisruptionbudgets -l reflavor.dev/loadbalancer=web -o name'))
      .trim()
      .split('\n')
      .map((name) => name.replace(/web-\w{6}-/, 'web-*-'));

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-chart-'));
    const set = values.flatMap((value) => ['--set', value]);
    await helm(['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace', ...set], controlPlane.kubeconfigPath);
    const { args } = only(await rendered(...values), 'Deployment').spec.template.spec.containers[0] as { args: string[] };
    operator = await startOperator({
      kubeconfigPath: await controlPlane.userKubeconfig({ user: 'system:serviceaccount:reflavor:reflavor' }),
      stateDir: join(dir, 'state'),
      logFile: join(dir, 'operator.log'),
      flags: args.filter((arg) => arg.startsWith('--') && !/^--(metrics-bind-address|health-bind-address)=/.test(arg)),
    });
    await kubectl(`apply --server-side -f ${examples}/flavors.yaml -f ${examples}/http.yaml`);
  }, 120_000);
  afterAll(async () => {
    if (operator) await endProcess(operator);
    await rm(dir, { recursive: true, force: true });
  }, 30_000);

  test('makes a pod with its Secret, a VIP, and what guards them', async () => {
    const wanted = [
      'pod/web-*-1-0',
      'secret/web-*-1-0',
      'secret/web-peers',
      'service/web-vip',
      'networkpolicy.networking.k8s.io/web-amphorae',
      'poddisruptionbudget.policy/web-amphorae',
    ];
    await eventually(async () => expect(await own()).toEqual(wanted), { withinMs: 50_000 });
    await expect(kubectl('get secret reflavor-authority -n reflavor -o name')).resolves.toContain('reflavor-authority');
  });

  test('deletes all of it with the load balancer', async () => {
    await kubectl('delete lb web --wait=false');
    await eventually(async () => expect(await own()).toEqual(['']), { withinMs: 50_000 });
    await eventually(async () => expect(await kubectl('get lb,amp -o name')).toBe(''), { withinMs: 50_000 });
  });

  test('was never told that it may not', async () => {
    expect(await log()).not.toMatch(/forbidden/i);
  });
});
