import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { type ApiConfig, addApiCommand, addOperatorCommand, apiConfigFrom, type Config, ConfigError, configFrom, parse } from './config.ts';

/** What `reflavor …` would run with, or the error that it would end with. */
async function configOf(args: string, env: NodeJS.ProcessEnv = {}): Promise<Config> {
  let config: Config | undefined;
  const program = new Command('reflavor').configureOutput({ writeOut() {}, writeErr() {} });
  addOperatorCommand(program, env, async (parsed) => {
    config = parsed;
  });
  addApiCommand(program, env, async () => {});
  await parse(program, args.split(' '));
  return config!;
}

/** The same for `reflavor api …`. */
async function apiConfigOf(args: string, env: NodeJS.ProcessEnv = {}): Promise<ApiConfig> {
  let config: ApiConfig | undefined;
  const program = new Command('reflavor').configureOutput({ writeOut() {}, writeErr() {} });
  addApiCommand(program, env, async (parsed) => {
    config = parsed;
  });
  await parse(program, `api ${args}`.trim().split(' '));
  return config!;
}

const errorOf = (promise: Promise<unknown>): Promise<ConfigError> =>
  promise.then(
    () => Promise.reject(new Error('no error')),
    (e) => e,
  );

describe('configuration', () => {
  test('has a default for everything that needs one', () => {
    const { identity, stateDir, ...config } = configFrom({}, {});
    expect(config).toEqual({
      driver: 'process',
      haproxy: 'haproxy',
      amphoraImage: 'docker.io/library/haproxy',
      amphoraImageTag: '3.0',
      amphoraImagePullSecrets: [],
      operatorPodLabels: { 'app.kubernetes.io/name': 'reflavor', 'app.kubernetes.io/component': 'operator' },
      watchNamespaces: [],
      concurrency: 8,
      resyncSeconds: 600,
      observeSeconds: 5,
      observePerSecond: 50,
      progressMs: 500,
      notificationsMode: 'structured',
      notificationsSource: '/apis/reflavor.dev/v1alpha1/loadbalancers',
      notificationsTimeoutSeconds: 10,
      notificationsRefusedSeconds: 300,
      leaderElect: false,
      leaseName: 'reflavor-operator',
      leaseDurationSeconds: 15,
      leaseRenewDeadlineSeconds: 10,
      leaseRetryPeriodSeconds: 2,
      graceSeconds: 20,
      metricsBindAddress: { host: '127.0.0.1', port: 8080 },
      healthBindAddress: { host: '127.0.0.1', port: 8081 },
      logLevel: 'info',
    });
    expect(stateDir).toMatch(/^\/.*\/\.reflavor\/amphorae$/);
  });

  test('a flag goes before its variable, a variable before the default', async () => {
    const env = { REFLAVOR_CONCURRENCY: '3', REFLAVOR_LOG_LEVEL: 'warn', REFLAVOR_DRIVER: '' };
    const { concurrency, logLevel, driver } = await configOf('operator --concurrency 5', env);
    expect({ concurrency, logLevel, driver }).toEqual({ concurrency: 5, logLevel: 'warn', driver: 'process' });
  });

  test('a switch may stand alone, and a variable can turn it off', async () => {
    expect((await configOf('operator --leader-elect')).leaderElect).toBe(true);
    expect((await configOf('operator', { REFLAVOR_LEADER_ELECT: 'false' })).leaderElect).toBe(false);
    expect((await configOf('operator --leader-elect=false', { REFLAVOR_LEADER_ELECT: 'true' })).leaderElect).toBe(false);
  });

  test('lists of namespaces may have blanks and commas to spare', async () => {
    expect((await configOf('operator', { REFLAVOR_WATCH_NAMESPACES: 'team-a, team-b,' })).watchNamespaces).toEqual(['team-a', 'team-b']);
  });

  test('labels of pods are read', async () => {
    const { operatorPodLabels } = await configOf('operator', { REFLAVOR_OPERATOR_POD_LABELS: 'a=b, example.org/c=' });
    expect(operatorPodLabels).toEqual({ a: 'b', 'example.org/c': '' });
  });

  test.each([
    [':8080', { host: '', port: 8080 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['0', undefined],
  ])('the bind address %s is understood', async (written, address) => {
    expect((await configOf(`operator --health-bind-address ${written}`)).healthBindAddress).toEqual(address);
  });

  test.each([
    ['--concurrency many', 'REFLAVOR_CONCURRENCY', 'a whole number from 1 to 256'],
    ['--concurrency 0', 'REFLAVOR_CONCURRENCY', 'a whole number from 1 to 256'],
    ['--driver vmware', 'REFLAVOR_DRIVER', 'one of kubernetes, process, simulated'],
    ['--leader-elect=perhaps', 'REFLAVOR_LEADER_ELECT', 'true or false'],
    ['--metrics-bind-address 127.0.0.1:70000', 'REFLAVOR_METRICS_BIND_ADDRESS', 'host:port'],
    ['--watch-namespaces team_a', 'REFLAVOR_WATCH_NAMESPACES', 'names of namespaces'],
    ['--amphora-image haproxy@latest', 'REFLAVOR_AMPHORA_IMAGE', 'a repository'],
    ['--amphora-image-tag 3.0:1', 'REFLAVOR_AMPHORA_IMAGE_TAG', 'a tag'],
    ['--operator-pod-labels app', 'REFLAVOR_OPERATOR_POD_LABELS', 'labels, as in'],
    ['--notifications-sink ftp://example.org', 'REFLAVOR_NOTIFICATIONS_SINK', 'an http or https URL'],
    ['--notifications-sink https://me:secret@example.org', 'REFLAVOR_NOTIFICATIONS_SINK', 'without user and password'],
    ['--notifications-mode batch', 'REFLAVOR_NOTIFICATIONS_MODE', 'one of structured, binary'],
    ['--notifications-source ä', 'REFLAVOR_NOTIFICATIONS_SOURCE', 'a URI or an absolute path'],
    ['--log-level loud', 'REFLAVOR_LOG_LEVEL', 'one of debug, info'],
  ])('operator %s ends with code 2 and a message that names flag, variable and remedy', async (args, variable, mustBe) => {
    const error = await errorOf(configOf(`operator ${args}`));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(args.split(/[ =]/)[0]);
    expect(error.message).toContain(variable);
    expect(error.message).toContain(mustBe);
  });

  test('a bad value that may hold a secret is not repeated', async () => {
    const { message } = await errorOf(configOf('operator --notifications-sink https://me:secret@example.org'));
    expect(message).toContain('--notifications-sink is not shown here, but must be an http or https URL');
    expect(message).not.toContain('secret');
  });

  test('every bad value is named, not just the first', async () => {
    const { message } = await errorOf(configOf('operator --concurrency x', { REFLAVOR_DRIVER: 'y' }));
    expect(message.split('\n')).toHaveLength(2);
  });

  test('lease times that would let two lead at once are refused', async () => {
    const { message } = await errorOf(configOf('operator --lease-duration-seconds 10'));
    expect(message).toContain('--lease-renew-deadline-seconds (10), and that less than --lease-duration-seconds (10)');
  });

  test('an unknown flag ends with code 2, a request for help with code 0', async () => {
    expect((await errorOf(configOf('operator --bogus'))).exitCode).toBe(2);
    expect((await errorOf(configOf('operator --help'))).exitCode).toBe(0);
  });

  test('the help names every flag and its variable', async () => {
    let help = '';
    const program = new Command('reflavor').configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 200 });
    addOperatorCommand(program, {}, async () => {});
    await errorOf(parse(program, ['operator', '--help']));
    for (const name of Object.keys(configFrom({}, {}))) {
      if (name === 'identity') continue;
      const flag = name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
      expect(help).toContain(`--${flag} `);
      expect(help).toContain(`REFLAVOR_${flag.toUpperCase().replaceAll('-', '_')}`);
    }
  });
});

describe('configuration of the API', () => {
  test('has a default for everything that needs one', () => {
    const { identity, ...config } = apiConfigFrom({}, {});
    expect(config).toEqual({
      watchNamespaces: [],
      graceSeconds: 20,
      metricsBindAddress: { host: '127.0.0.1', port: 8080 },
      healthBindAddress: { host: '127.0.0.1', port: 8081 },
      logLevel: 'info',
      bindAddress: { host: '127.0.0.1', port: 9876 },
      tokenAudiences: [],
      authCacheSeconds: 10,
      gitopsManagers: ['argocd-*', 'helm-controller', 'kustomize-controller'],
      rateLimit: 1200,
      bodyLimitKib: 1024,
      trustedProxies: [],
    });
  });

  test('is read from the same flags and variables as the operator’s where both have a setting', async () => {
    const { watchNamespaces, logLevel, gitopsManagers } = await apiConfigOf('--log-level warn --gitops-managers my-*,other', {
      REFLAVOR_WATCH_NAMESPACES: 'team-a',
    });
    expect({ watchNamespaces, logLevel, gitopsManagers }).toEqual({
      watchNamespaces: ['team-a'],
      logLevel: 'warn',
      gitopsManagers: ['my-*', 'other'],
    });
  });

  test.each([
    ['--bind-address 0', 'REFLAVOR_BIND_ADDRESS', 'host:port'],
    ['--rate-limit -1', 'REFLAVOR_RATE_LIMIT', 'a whole number from 0'],
    ['--trusted-proxies example.org', 'REFLAVOR_TRUSTED_PROXIES', 'addresses or networks'],
    ['--body-limit-kib 0', 'REFLAVOR_BODY_LIMIT_KIB', 'a whole number of KiB'],
  ])('api %s ends with code 2 and a message that names flag, variable and remedy', async (args, variable, mustBe) => {
    const error = await errorOf(apiConfigOf(args));
    expect(error).toMatchObject({ name: 'ConfigError', exitCode: 2 });
    for (const words of [args.split(' ')[0], variable, mustBe]) expect(error.message).toContain(words);
  });
});
