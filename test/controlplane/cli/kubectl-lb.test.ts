import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { Flavor } from '../../../src/sdk/index.ts';
import { eventually } from '../../support/eventually.ts';
import { type RunOptions, usePlugin } from '../../support/kubectl-lb.ts';
import { useSetting } from '../sdk/setting.ts';

const setting = useSetting();
const { world, create, get, patch, until } = setting;
const plugin = usePlugin();
const lb = (args: string[], options?: RunOptions) => plugin.run(setting.controlPlane.kubeconfigPath, args, options);
const slow = { strategy: { settleSeconds: 0, verifySeconds: 3600, drainSeconds: 2 } };
const GOALS = ['Accepted', 'Recorded', 'Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed'];

beforeAll(async () => {
  await setting.controlPlane.kubectl(['create', 'namespace', 'shop']);
  const third = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Flavor', metadata: { name: 'third' }, spec: { flavorProfile: 'large' } };
  await setting.controlPlane.kubectl(['create', '-f', '-'], { input: JSON.stringify(third) });
}, 60_000);

describe('kubectl lb resize', () => {
  test('asks for the flavor, says what comes next, and is followed by no wait', async () => {
    const { name } = await create(slow);
    const ended = await lb(['resize', '--flavor', 'large', name]);
    expect(ended).toEqual({
      code: 0,
      stdout: `default/${name}: flavor large is asked for\nFollow it with: kubectl lb status ${name} --namespace default --watch\n`,
      stderr: '',
    });
    expect((await get({ name, namespace: 'default' })).spec.flavorId).toBe('large');
  }, 90_000);

  test('with --wait shows every goal in plain lines where no terminal is, and ends when the flavor is in force', async () => {
    const ref = await create();
    const { code, stdout, stderr } = await lb(['resize', '--flavor', 'large', `lb/${ref.name}`, '--wait']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const goal of GOALS) expect(stdout).toMatch(new RegExp(`^✔ ${goal}  after \\d+s$`, 'm'));
    expect(stdout).toMatch(/connections left: \d+ on /);
    expect(stdout).toMatch(new RegExp(`\ndefault/${ref.name}: flavor large is in force, after \\d+s.*\n$`));
    expect(stdout).not.toContain('\x1b');
    expect((await get(ref)).status).toMatchObject({ flavorId: 'large', provisioningStatus: 'ACTIVE' });
  }, 90_000);

  test('takes the uid of a flavor, and prints the object alone with -o', async () => {
    const ref = await create();
    const { metadata } = JSON.parse(await setting.controlPlane.kubectl(['get', 'flavor', 'large', '-o', 'json'])) as Flavor;
    const json = await lb(['resize', '--flavor', metadata.uid!, ref.name, '--wait', '-o', 'json']);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'LoadBalancer', spec: { flavorId: 'large' }, status: { flavorId: 'large' } });
    expect(json.stdout).not.toContain('managedFields');
    const yaml = await lb(['resize', '--flavor', 'small', ref.name, '-o', 'yaml']);
    expect(parse(yaml.stdout)).toMatchObject({ metadata: { name: ref.name }, spec: { flavorId: 'small' } });
  }, 90_000);

  test('tells a script what came of it: refused, not found, failed, timed out', async () => {
    const ref = await create(slow);
    const topology = await lb(['resize', '--flavor', 'small-ha', ref.name, '--wait']);
    expect(topology).toMatchObject({ code: 3, stderr: expect.stringMatching(/^kubectl lb: Forbidden: flavor "small-ha" has topology/) });
    expect(await lb(['resize', '--flavor', 'nonesuch', ref.name])).toMatchObject({
      code: 9,
      stderr: expect.stringContaining('there is no flavor nonesuch: choose large, large-ha,'),
    });
    expect(await lb(['resize', '--flavor', 'large', 'nobody'])).toMatchObject({
      code: 9,
      stderr: expect.stringContaining('"nobody" not found'),
    });
    expect(await lb(['resize', '--flavor', 'large', ref.name, '--timeout', '1s'])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('not done within 1 s; it goes on'),
    });
    expect((await lb(['cancel', ref.name, '--wait'])).code).toBe(0);
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'image 9.9 is not to be had' }, { flavorId: 'large' });
    const failed = await lb(['resize', '--flavor', 'large', ref.name, '--wait']);
    expect(failed).toMatchObject({ code: 4 });
    expect(failed.stderr).toContain('ImageNotFound: the resize to large of load balancer');
    expect(failed.stderr).toContain(`When the cause is mended: kubectl lb retry ${ref.name} --namespace default`);
    world.faults.clear();
    await patch(ref, { strategy: { verifySeconds: 1 } });
    expect(await lb(['retry', ref.name, '--wait'])).toMatchObject({ code: 0, stdout: expect.stringContaining('flavor large is in force') });
  }, 120_000);

  test('tells when somebody else cancelled or superseded it meanwhile', async () => {
    const ref = await create(slow);
    const first = lb(['resize', '--flavor', 'large', ref.name, '--wait']);
    await until(ref, ({ status }) => expect(status?.operation?.step).toBe('Detached'));
    expect(await lb(['cancel', ref.name, '--wait'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('flavor small is in force'),
    });
    expect(await first).toMatchObject({ code: 5, stderr: expect.stringContaining('was cancelled: flavorId was set back to small') });
    const second = lb(['resize', '--flavor', 'large', ref.name, '--wait']);
    await until(ref, ({ status }) => expect(status?.operation).toMatchObject({ number: 3, to: 'large', step: 'Detached' }));
    expect((await lb(['resize', '--flavor', 'third', ref.name])).code).toBe(0);
    expect(await second).toMatchObject({ code: 6, stderr: expect.stringContaining('gave way to one to third') });
  }, 90_000);

  test('interrupted while it waits, ends with 130 and says that the resize goes on', async () => {
    const ref = await create(slow);
    const ended = await lb(['resize', '--flavor', 'large', ref.name, '--wait'], {
      onOutput: (all, interrupt) => all.includes('❯ Detached') && interrupt(),
    });
    expect(ended).toMatchObject({ code: 130, stderr: expect.stringContaining('What was asked for goes on') });
    expect((await get(ref)).spec.flavorId).toBe('large');
  }, 90_000);
});

describe('kubectl lb resize --dry-run', () => {
  test('says what would happen, and changes nothing', async () => {
    const ref = await create();
    const before = await get(ref);
    const ended = await lb(['resize', '--flavor', 'large', ref.name, '--dry-run']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toBe(`default/${ref.name}: would be resized from small to large\n(dry run: nothing was changed)\n`);
    expect((await get(ref)).metadata.generation).toBe(before.metadata.generation);
  }, 90_000);

  test('says why it would be refused, with the code of the refusal', async () => {
    const ref = await create({ suspend: false });
    await patch(ref, { suspend: true });
    const disabled = await lb(['resize', '--flavor', 'retired', ref.name, '--dry-run']);
    expect(disabled.code).toBe(3);
    expect(disabled.stdout).toContain('refused  FlavorDisabled: Flavor retired is disabled');
    expect(disabled.stdout).toContain('warning  Suspended: spec.suspend is true');
    const json = await lb(['resize', '--flavor', 'large-ha', ref.name, '--dry-run', '-o', 'json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      act: 'Resize',
      from: 'small',
      to: 'large-ha',
      refusals: [{ reason: 'TopologyChange' }],
    });
    expect((await lb(['resize', '--flavor', 'nonesuch', ref.name, '--dry-run'])).code).toBe(9);
  }, 90_000);

  test('hears admission policies of others, too', async () => {
    const policy = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'frozen' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: ['reflavor.dev'], apiVersions: ['*'], operations: ['UPDATE'], resources: ['loadbalancers'] }],
        },
        validations: [{ expression: "!has(object.spec.tags) || !('frozen' in object.spec.tags)", message: 'it is frozen until Monday' }],
      },
    };
    const binding = {
      apiVersion: policy.apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'frozen' },
      spec: { policyName: 'frozen', validationActions: ['Deny'] },
    };
    const { name } = await create({ tags: ['frozen'] });
    const items = [policy, binding];
    await setting.controlPlane.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
    try {
      await eventually(async () => {
        const ended = await lb(['resize', '--flavor', 'large', name, '--dry-run']);
        expect(ended).toMatchObject({ code: 3, stdout: expect.stringContaining('refused  Invalid: It is frozen until Monday') });
      });
    } finally {
      await setting.controlPlane.kubectl(['delete', 'validatingadmissionpolicybinding,validatingadmissionpolicy', 'frozen']);
    }
  }, 90_000);
});

test('what is written from Git is left alone unless forced, and its owner is named', async () => {
  const ref = await create();
  const object = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: ref, spec: { flavorId: 'small' } };
  const apply = (manager: string) =>
    setting.controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', `--field-manager=${manager}`, '-f', '-'], {
      input: JSON.stringify(object),
    });
  await apply('argocd-controller');
  const refused = await lb(['resize', '--flavor', 'large', ref.name]);
  expect(refused.code).toBe(8);
  expect(refused.stderr).toBe(
    `kubectl lb: load balancer ${ref.name}: flavorId is written from Git by argocd-controller: change it there.\n` +
      `  To change it all the same until it is written back: kubectl lb resize --flavor large ${ref.name} --force\n`,
  );
  const dry = await lb(['resize', '--flavor', 'large', ref.name, '--dry-run']);
  expect(dry).toMatchObject({ code: 8, stdout: expect.stringContaining('refused  OwnedByGitOps') });
  expect((await get(ref)).spec.flavorId).toBe('small');
  expect(await lb(['resize', '--flavor', 'large', ref.name, '--force', '--wait'])).toMatchObject({ code: 0 });
  await apply('my-gitops');
  await until(ref, ({ status }) => expect(status?.flavorId).toBe('small'));
  expect(await lb(['resize', '--flavor', 'large', ref.name, '--gitops-manager', 'my-*'])).toMatchObject({ code: 8 });
}, 120_000);

test('kubectl lb failover --wait ends when the amphorae are new ones', async () => {
  const ref = await create();
  const ended = await lb(['failover', ref.name, '--wait']);
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('runs on new amphorae of flavor small') });
  expect((await get(ref)).status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
}, 90_000);

describe('what only reads', () => {
  test('status is a tree, once or as it changes', async () => {
    const ref = await create(slow, 'shop');
    await lb(['resize', '--flavor', 'large', ref.name, '-n', 'shop']);
    await until(ref, ({ status }) => expect(status?.operation?.step).toBe('Detached'));
    const { code, stdout } = await lb(['status', ref.name, '--namespace=shop']);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(
      new RegExp(`^shop/${ref.name}  PENDING_UPDATE  ONLINE  VIP [\\d.]+  flavor small, wanted large$`),
    );
    for (const part of [
      'Operation 2: Resize small → large, 6/8',
      '✔ Attached  after',
      '▸ Detached',
      '· Committed',
      'Listener web  HTTP :80',
      'Pool web  HTTP  ROUND_ROBIN',
      '192.0.2.1:80  NO_MONITOR',
      'small  STANDALONE  NoLonger',
      'large  STANDALONE  Carries  ready',
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).not.toContain('\x1b');
    const watched = await lb(['status', ref.name, '-n', 'shop', '--watch'], {
      onOutput: (() => {
        let patched = false;
        return (all: string, interrupt: () => void) => {
          if (!patched) void patch(ref, { strategy: { verifySeconds: 0 } });
          patched = true;
          if (all.includes('Resize small → large: Succeeded')) interrupt();
        };
      })(),
    });
    expect(watched.code).toBe(130);
    expect(watched.stdout.split('\n\n').length).toBeGreaterThan(1);
  }, 90_000);

  test('list shows one namespace or all, and names may collide', async () => {
    const ref = await create();
    await setting.controlPlane.kubectl(['create', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'reflavor.dev/v1alpha1',
        kind: 'LoadBalancer',
        metadata: { name: ref.name, namespace: 'shop' },
        spec: { flavorId: 'small' },
      }),
    });
    const here = await lb(['list']);
    expect(here.stdout.split('\n')[0]).toMatch(/^NAME +FLAVOR +WANTED +PROVISIONING +OPERATING +VIP +RESIZE +AGE$/);
    expect(here.stdout.split('\n').filter((line) => line.startsWith(`${ref.name} `))).toHaveLength(1);
    const all = await lb(['list', '-A']);
    expect(
      all.stdout
        .split('\n')
        .filter((line) => line.split(/ +/)[1] === ref.name)
        .map((line) => line.split(/ +/)[0]),
    ).toEqual(['default', 'shop']);
    const { items } = JSON.parse((await lb(['list', '-A', '-o', 'json'])).stdout) as { items: { metadata: { namespace: string } }[] };
    expect(new Set(items.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['default', 'shop']));
    expect((await lb(['status', '-A', ref.name])).stdout).toMatch(new RegExp(`default/${ref.name} [\\s\\S]*shop/${ref.name} `));
    expect(await lb(['list', '-n', 'kube-public'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'No load balancers found in this namespace; -A looks in all.\n',
    });
  }, 90_000);

  test('history and flavors', async () => {
    const ref = await create();
    await lb(['failover', ref.name, '--wait']);
    const history = await lb(['history', ref.name]);
    expect(history.stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1, 6).join(' '))).toEqual([
      'NUMBER KIND FROM TO RESULT',
      '2 Failover small small Succeeded',
      '1 Create <none> small Succeeded',
      '',
    ]);
    expect(JSON.parse((await lb(['history', ref.name, '-o', 'json'])).stdout).items[0]).toMatchObject({ number: 2, kind: 'Failover' });
    const flavors = await lb(['flavors']);
    expect(flavors.stdout).toMatch(/^large +true +SINGLE +amphora +1 +512Mi +2 +8000 +<none> +8,000 connections at once$/m);
    expect(flavors.stdout).toMatch(/^retired +false/m);
  }, 90_000);

  test('a user who may read but not write is told so, and sees flavors without their profiles', async () => {
    const { kubectl, userKubeconfig } = setting.controlPlane;
    await kubectl([
      'create',
      'clusterrole',
      'reader',
      '--verb=get,list,watch',
      '--resource=loadbalancers.reflavor.dev,flavors.reflavor.dev',
    ]);
    await kubectl(['create', 'clusterrolebinding', 'reader', '--clusterrole=reader', '--user=reader']);
    const kubeconfig = await userKubeconfig({ user: 'reader' });
    const ref = await create();
    await eventually(async () => expect((await plugin.run(kubeconfig, ['status', ref.name])).code).toBe(0), { withinMs: 30_000 });
    expect((await plugin.run(kubeconfig, ['flavors'])).stdout).toMatch(/^large +true +SINGLE +amphora +<none> +<none>/m);
    expect(await plugin.run(kubeconfig, ['resize', '--flavor', 'large', ref.name])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^kubectl lb: loadbalancers.reflavor.dev "lb-\d+" is forbidden: User "reader" cannot patch resource/),
    });
  }, 90_000);
});

describe('the cluster', () => {
  test('is chosen as kubectl chooses it: files of KUBECONFIG, the first context that is current, --context, its namespace', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-kubeconfig-'));
    try {
      const { controlPlane } = setting;
      const ref = await create({}, 'shop');
      await copyFile(controlPlane.kubeconfigPath, join(dir, 'admin'));
      const [context, cluster, user] = await Promise.all(
        ['current-context', 'clusters[0].name', 'users[0].name'].map((path) =>
          controlPlane.kubectl(['config', 'view', '-o', `jsonpath={.${path}}`]).then((text) => text.trim()),
        ),
      );
      const shop = { name: 'shop', context: { cluster, user, namespace: 'shop' } };
      await writeFile(
        join(dir, 'contexts'),
        JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'shop', contexts: [shop] }),
      );
      const both = [join(dir, 'missing'), join(dir, 'contexts'), join(dir, 'admin')].join(':');
      expect((await plugin.run(both, ['status', ref.name])).stdout).toContain(`shop/${ref.name} `);
      expect((await plugin.run(both, ['status', ref.name, '--context', context!])).code).toBe(9);
      expect(await plugin.run(both, ['list', '--context', 'nowhere'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('the kubeconfig has no context "nowhere": choose one with --context (shop, '),
      });
      expect((await plugin.run('/nowhere', ['list', '-n', 'shop', '--kubeconfig', join(dir, 'admin')])).stdout).toContain(ref.name);
      expect(await plugin.run('/nowhere', ['list'], { env: { HOME: dir } })).toMatchObject({
        code: 1,
        stderr: 'kubectl lb: no cluster to talk to: name a kubeconfig with --kubeconfig or KUBECONFIG\n',
      });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }, 90_000);
});

describe('a command line that is wrong', () => {
  test.each([
    [['resize', 'web'], "required option '--flavor <id|name>' not specified"],
    [['resize', '--flavor', 'large'], "missing required argument 'lb'"],
    [['nonesuch'], "unknown command 'nonesuch'"],
    [['list', '-o', 'xml'], 'Allowed choices are json, yaml'],
    [['resize', '--flavor', 'large', 'web', '--dry-run', '--wait'], '--dry-run changes nothing that --wait could wait for'],
    [['status', 'web', '--watch', '-o', 'json'], '--watch draws a tree'],
    [['resize', '--flavor', 'large', 'web', '--timeout', 'soon'], '"soon" is no duration: write 90s, 5m or 1h30m'],
  ])(
    '%j ends with 2 and says how to mend it',
    async (args, words) => {
      const ended = await lb(args);
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
    },
    30_000,
  );
});

describe('completion', () => {
  const completed = async (words: string) => {
    const ended = await plugin.exec(setting.controlPlane.kubeconfigPath, 'kubectl', ['__complete', 'lb', ...words.split(' ')]);
    return ended.stdout
      .split('\n')
      .filter((line) => line && !line.startsWith(':'))
      .map((line) => line.split('\t')[0]);
  };

  test('is asked for by kubectl, and offers commands, flags, load balancers, flavors, namespaces and contexts', async () => {
    const ref = await create();
    const other = await create({}, 'shop');
    expect(await completed('re')).toEqual(['resize', 'retry']);
    expect(await completed('resize --fl')).toEqual(['--flavor']);
    expect(await completed('resize --flavor la')).toEqual(['large', 'large-ha']);
    expect(await completed('resize --flavor=la')).toEqual(['--flavor=large', '--flavor=large-ha']);
    expect(await completed('resize --flavor large lb-')).toContain(ref.name);
    expect(await completed('status -n shop lb-')).toContain(other.name);
    expect(await completed('status -n shop lb-')).not.toContain(ref.name);
    expect(await completed('status -n sh')).toEqual(['shop']);
    expect(await completed('list -o ')).toEqual(['json', 'yaml']);
    expect(await completed('list x')).toEqual([]);
  }, 90_000);

  test('offers nothing, without a word, where there is no cluster', async () => {
    const ended = await plugin.exec('/nowhere', 'kubectl_complete-lb', ['status', ''], { env: { HOME: '/nowhere' } });
    expect(ended).toEqual({ code: 0, stdout: ':4\n', stderr: '' });
  }, 30_000);

  test('comes as a script, too', async () => {
    expect((await lb(['completion'])).stdout).toBe('#!/bin/sh\nexec kubectl-lb __complete "$@"\n');
  }, 30_000);
});

describe('on a terminal', () => {
  const onTerminal = (command: string, env: NodeJS.ProcessEnv = {}) =>
    plugin.exec(
      setting.controlPlane.kubeconfigPath,
      'script',
      ['--quiet', '--return', '--flush', '--command', `stty columns 120; ${command}`, '/dev/null'],
      {
        env: { TERM: 'xterm-256color', ...env },
      },
    );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the sequence that colours begin with
  const colours = /\x1b\[3\dm/;

  test('a wait is a list that moves, with colours, and without them where NO_COLOR is set', async () => {
    const ref = await create();
    const ended = await onTerminal(`kubectl lb resize --flavor large ${ref.name} --wait`);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(colours);
    for (const goal of GOALS) expect(ended.stdout).toContain(`${goal}  after `);
    expect(ended.stdout).toContain('\x1b[?25l');
    const bare = await onTerminal(`kubectl lb resize --flavor small ${ref.name} --wait`, { NO_COLOR: '1' });
    expect(bare.code).toBe(0);
    expect(bare.stdout).not.toMatch(colours);
    expect(bare.stdout).toContain('flavor small is in force');
  }, 120_000);

  test('a status has colours unless NO_COLOR is set', async () => {
    const { name } = await create();
    expect((await onTerminal(`kubectl lb status ${name}`)).stdout).toMatch(colours);
    expect((await onTerminal(`kubectl lb status ${name}`, { NO_COLOR: '1' })).stdout).not.toContain('\x1b[');
  }, 90_000);
});

test('the plugin runs on each Node that is in the PATH, the oldest being 20', async () => {
  const nodes = (await plugin.exec('/nowhere', 'which', ['-a', 'node'])).stdout.trim().split('\n');
  const ref = await create();
  for (const node of nodes) {
    const ended = await plugin.exec(setting.controlPlane.kubeconfigPath, node, [join(plugin.dir, 'kubectl-lb'), 'status', ref.name]);
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`default/${ref.name}`) });
    const flavor = (await get(ref)).status?.flavorId === 'small' ? 'large' : 'small';
    const resized = await plugin.exec(setting.controlPlane.kubeconfigPath, node, [
      join(plugin.dir, 'kubectl-lb'),
      'resize',
      '--flavor',
      flavor,
      ref.name,
      '--wait',
    ]);
    expect(resized).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`flavor ${flavor} is in force`) });
    expect(resized.stdout).not.toContain('\x1b');
  }
}, 120_000);
