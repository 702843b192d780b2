import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { LoadBalancer } from '../../src/api/index.ts';
import { issueCertificate, makeCa } from '../../test/support/certificates.ts';
import { eventually } from '../../test/support/eventually.ts';
import { TestSink } from '../../test/support/sink.ts';
import { startApi, writeAdminToken } from '../../tools/api.ts';
import { freePorts } from '../../tools/ports.ts';
import { endProcess, type ProcessIdentity } from '../../tools/processes.ts';
import { startReflavor } from '../../tools/reflavor.ts';
import { type Stack, startStack } from '../../tools/stack.ts';
import type { FaultClass, Schedule } from '../fault-class.ts';
import { must } from './cases.ts';

/** A secret by the place that it was put into, and where it was told. */
interface Canary {
  place: string;
  text: string;
}

/** Something that was written where others can read it. */
interface Told {
  where: string;
  text: string;
}

/** Secrets in every place that has any, and all that is told of what was done with them. */
export const secretsInWhatIsTold: FaultClass = {
  name: 'secrets in what is told',
  fault:
    'A text of its own stands in every secret place: keys of listeners, of authorities and of amphorae, broken Secrets, tokens of users and of the processes themselves, passwords, the key and the headers of the sink. Load balancers are created, resized, refused, given broken Secrets and deleted, while the sink fails and the REST API is asked wrongly, with logs at level debug. A schedule is one secret.',
  promises:
    'Logs, Events, all objects but Secrets, answers of the REST API, CloudEvents and metrics hold it nowhere: as it is, in base64, in hexadecimal digits or as part of a URL.',

  async *run(size) {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-canaries-'));
    const scene = new Scene(dir);
    try {
      await scene.start();
      await scene.play(size === 'full');
      const told = await scene.told();
      findsWhatIsThere(told);
      for (const canary of await scene.canaries()) yield search(canary, told);
    } finally {
      await scene.stop();
      await rm(dir, { recursive: true, force: true });
    }
  },
};

function search({ place, text }: Canary, told: readonly Told[]): Schedule {
  const forms = spellings(text);
  const found = told.filter((one) => forms.some((form) => one.text.includes(form)));
  return { name: place, broken: found.map(({ where }) => `it stands in ${where}`) };
}

/** @throws Error where the search passes over what it must find, so that its silence would mean nothing */
function findsWhatIsThere(told: readonly Told[]): void {
  const isFound = (text: string, one: readonly Told[]) => search({ place: 'a control', text }, one).broken.length > 0;
  must(isFound('the sink answered 500', told), 'the log of the operator is not searched');
  const secret = canary('control');
  for (const before of ['', 'a', 'ab']) {
    const around = Buffer.from(`${before}${secret}:x`);
    for (const encoding of ['utf8', 'base64', 'hex'] as const) {
      must(isFound(secret, [{ where: 'a control', text: around.toString(encoding) }]), `${encoding} after "${before}" is not found`);
    }
  }
}

/** As texts are written by those who don't mean to: in base64 wherever it begins, in hexadecimal digits, in a URL. */
function spellings(text: string): string[] {
  const base64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.from(`${'x'.repeat(before)}${text}`).toString('base64');
    // The first and the last group hold bits of what stands beside it.
    return encoded.slice(before === 0 ? 0 : 4, -4);
  });
  return [text, ...base64, Buffer.from(text).toString('hex'), encodeURIComponent(text)];
}

/** Says of itself what it is, should it be found; of no characters that an encoding changes. */
const canary = (what: string) => `canary-${what}-${crypto.randomUUID()}`;

class Scene {
  readonly #dir: string;
  readonly #texts = {
    'password of a sink’s URL': canary('password'),
    'key in the URL of the sink': canary('key'),
    'token for the sink': canary('sink-token'),
    'header for the sink': canary('header'),
    'wrong token of a user': canary('wrong'),
    'password of a user': canary('basic'),
    'key that is none': canary('nokey'),
    'certificate that is none': canary('nocert'),
    'passphrase header of a key': canary('encrypted'),
    'other entry of a Secret': canary('other'),
  };
  readonly #keys: Canary[] = [];
  readonly #told: Told[] = [];
  readonly #processes: ProcessIdentity[] = [];
  readonly #sink = new TestSink();
  #stack: Stack | undefined;
  #token = '';
  #api = '';
  readonly #metrics: number[] = [];

  constructor(dir: string) {
    this.#dir = dir;
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }

  async start(): Promise<void> {
    await this.#sink.start();
    await writeFile(this.#path('sink-token'), this.#texts['token for the sink']);
    await writeFile(this.#path('sink-headers'), `X-Key: ${this.#texts['header for the sink']}\n`);
    const ports = await freePorts(4);
    this.#metrics.push(...ports.slice(0, 3));
    const flags = (metrics: number) => ['--log-level=debug', `--metrics-bind-address=127.0.0.1:${metrics}`];
    const ofSink = [
      `--notifications-sink=${this.#sink.url}?key=${this.#texts['key in the URL of the sink']}`,
      `--notifications-token-file=${this.#path('sink-token')}`,
      `--notifications-headers-file=${this.#path('sink-headers')}`,
    ];
    this.#stack = await startStack({ dir: this.#path('s'), operatorFlags: [...flags(ports[0]!), ...ofSink, '--watch-namespaces=default'] });
    const { kubeconfigPath, controlPlane } = this.#stack;
    await this.#kubectl('create', 'namespace', 'pods');
    const tokenFile = this.#path('token');
    await writeAdminToken(kubeconfigPath, tokenFile);
    this.#token = await readFile(tokenFile, 'utf8');
    const byToken = this.#path('by-token');
    await writeFile(byToken, withToken(controlPlane.adminKubeconfig, controlPlane.url, this.#token));
    this.#processes.push(
      await startReflavor(
        'operator',
        'operator of pods',
        ['--driver=kubernetes', '--watch-namespaces=pods', '--lease-name=pods', '--operator-namespace=pods'],
        {
          kubeconfigPath: byToken,
          logFile: this.#path('pods.log'),
          flags: [...flags(ports[1]!), ...ofSink],
        },
      ),
      await startApi({ port: ports[3]!, kubeconfigPath: byToken, logFile: this.#path('api.log'), flags: flags(ports[2]!) }),
    );
    this.#api = `http://127.0.0.1:${ports[3]}`;
    await this.#refusedSink(kubeconfigPath);
  }

  /** A sink with a password in its URL is refused: the process ends, and says why. */
  async #refusedSink(kubeconfigPath: string): Promise<void> {
    const url = `http://me:${this.#texts['password of a sink’s URL']}@127.0.0.1:1/`;
    const logFile = this.#path('refused.log');
    await startReflavor('operator', 'operator', [`--notifications-sink=${url}`], { kubeconfigPath, logFile }).then(
      () => must(false, 'an operator started with a password in the URL of its sink'),
      () => {},
    );
    must((await readFile(logFile, 'utf8')).includes('--notifications-sink'), 'it did not say why');
  }

  async play(whole: boolean): Promise<void> {
    const ca = await makeCa();
    const [one, other] = [await issueCertificate({ ca, cn: 'one.example' }), await issueCertificate({ ca, cn: 'other.example' })];
    this.#keys.push(
      { place: 'key of the authority of clients', text: lineOf(ca.keyPem) },
      { place: 'key of a listener', text: lineOf(one.keyPem) },
    );
    this.#keys.push({ place: 'key of another certificate', text: lineOf(other.keyPem) });
    const good = { 'tls.crt': one.certPem, 'tls.key': one.keyPem, 'ca.crt': ca.certPem, 'ca.key': ca.keyPem };
    const extra = { other: this.#texts['other entry of a Secret'] };
    for (const namespace of ['default', 'pods']) {
      await this.#secret(namespace, 'create', { ...good, ...extra });
      await this.#apply(namespace, 'small');
    }
    await this.#until('ACTIVE', ({ status }) => status?.provisioningStatus === 'ACTIVE');
    await eventually(
      async () => must((await this.#kubectl('get', 'pods', '--namespace=pods', '--output=name')) !== '', 'no pod yet'),
      patience,
    );
    await this.#remember('creates');

    this.#sink.answer = 500;
    await this.#apply('default', 'large');
    await this.#until('resized', ({ status }) => status?.flavorId === 'large');
    await this.#sink.stop();
    await this.#remember('a resize');

    await this.#apply('default', 'large', '(');
    await this.#until('ConfigurationRefused', ({ status }) => JSON.stringify(status).includes('ConfigurationRefused'));
    await this.#remember('a refused configuration');
    await this.#apply('default', 'large');

    const encrypted = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${this.#texts['passphrase header of a key']}\n\nAAAA\n-----END RSA PRIVATE KEY-----\n`;
    const broken: [string, Record<string, string>][] = [
      ['SecretInvalid', { ...good, 'tls.key': this.#texts['key that is none'] }],
      [
        'SecretInvalid',
        { ...good, 'tls.crt': `-----BEGIN CERTIFICATE-----\n${this.#texts['certificate that is none']}\n-----END CERTIFICATE-----\n` },
      ],
      ['KeyMismatch', { ...good, 'tls.key': other.keyPem }],
      ['SecretInvalid', { ...good, 'tls.key': encrypted }],
      ['SecretInvalid', { ...good, 'ca.crt': `-----BEGIN CERTIFICATE-----\n${ca.keyPem}\n-----END CERTIFICATE-----\n` }],
    ];
    await this.#sink.start();
    this.#sink.answer = 429;
    for (const [reason, data] of broken) {
      await this.#secret('default', 'replace', { ...data, ...extra });
      await this.#until(reason, ({ status }) => status?.listenerProblems?.some((problem) => problem.reason === reason) === true);
      await this.#remember(`a Secret with ${reason}`);
      // So that the next problem is seen to be a new one.
      await this.#secret('default', 'replace', { ...good, ...extra });
      await this.#until('mended', ({ status }) => (status?.listenerProblems ?? []).length === 0);
    }
    if (whole) await this.#withoutApiServer();
    this.#sink.answer = 202;
    await this.#askWrongly();
    await eventually(() => must(this.#sink.heard.length > 3, 'no CloudEvents came'), patience);
    await this.#remember('requests');
    await this.#kubectl('delete', 'lb', '--all', '--namespace=default', '--timeout=60s');
    await this.#remember('a delete');
  }

  /** The operators and the API lose the API server, and say so. */
  async #withoutApiServer(): Promise<void> {
    const { controlPlane } = this.#stack!;
    await controlPlane.stopApiServer('SIGKILL');
    const answer = await this.ask('GET', 'loadbalancers');
    must(answer >= 500, `without an API server the API answered ${answer}`);
    await controlPlane.startApiServer();
    await eventually(async () => must((await this.ask('GET', 'loadbalancers')) === 200, 'not back yet'), patience);
  }

  /** The REST API, by people who make mistakes. */
  async #askWrongly(): Promise<void> {
    const wrong = this.#texts['wrong token of a user'];
    const basic = Buffer.from(`me:${this.#texts['password of a user']}`).toString('base64');
    const status = async (expected: number, ...request: Parameters<Scene['ask']>) => {
      const actual = await this.ask(...request);
      must(actual === expected, `${request[0]} ${request[1]} was answered ${actual}, not ${expected}`);
    };
    await status(401, 'GET', 'loadbalancers', { 'X-Auth-Token': wrong });
    await status(401, 'GET', 'loadbalancers', { Authorization: `Bearer ${wrong}` });
    await status(401, 'GET', 'loadbalancers', { Authorization: `Basic ${basic}` });
    await status(401, 'GET', 'loadbalancers', { Authorization: wrong, Cookie: `token=${wrong}` });
    await status(404, 'GET', 'loadbalancers/none');
    await status(404, 'POST', 'nothing', undefined, '{}');
    await status(400, 'POST', 'loadbalancers', undefined, '{"loadbalancer": {');
    await status(400, 'POST', 'loadbalancers', undefined, '{"loadbalancer": {"name": 1}}');
    await status(400, 'POST', 'loadbalancers', undefined, '{"loadbalancer": {"project_id": "nowhere"}}');
    await status(404, 'PUT', 'loadbalancers/none/resize', undefined, '{"new_flavor_id": "x"}');
    await status(200, 'GET', 'loadbalancers');
    await status(200, 'GET', 'listeners');
    await status(200, 'GET', 'flavorprofiles');
    await status(200, 'GET', '/v2.0/octavia/amphorae');
  }

  /** Remembers the answer, but for the credentials that came with the request. */
  async ask(
    method: string,
    path: string,
    credentials: Record<string, string> = { 'X-Auth-Token': this.#token },
    body?: string,
  ): Promise<number> {
    const answer = await fetch(`${this.#api}${path.startsWith('/') ? path : `/v2.0/lbaas/${path}`}`, {
      method,
      headers: credentials,
      body,
    });
    const text = `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
    this.#told.push({ where: `the answer ${answer.status} to ${method} ${path}`, text });
    return answer.status;
  }

  async #apply(namespace: string, flavorId: string, regex = 'x'): Promise<void> {
    const rules = [{ name: 'r', type: 'PATH', compareType: 'REGEX', value: regex }];
    const listener = {
      name: 'tls',
      protocol: 'TERMINATED_HTTPS',
      protocolPort: 8443,
      defaultPool: 'app',
      tls: { defaultTlsContainerRef: 'secret', clientAuthentication: 'OPTIONAL', clientCaTlsContainerRef: 'secret' },
      l7Policies: [{ name: 'p', action: 'REJECT', rules }],
    };
    const pool = {
      name: 'app',
      protocol: 'HTTP',
      members: [{ address: '127.0.0.1', protocolPort: 1 }],
      tls: { tlsContainerRef: 'secret' },
    };
    const spec = { flavorId, strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 }, listeners: [listener], pools: [pool] };
    const object = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: { name: 'told', namespace }, spec };
    await this.#stack!.kubectl(['apply', '--filename=-'], { input: JSON.stringify(object) });
  }

  async #secret(namespace: string, act: 'create' | 'replace', stringData: Record<string, string>): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'secret', namespace }, stringData };
    await this.#stack!.kubectl([act, '--filename=-'], { input: JSON.stringify(object) });
  }

  #kubectl(...args: string[]): Promise<string> {
    return this.#stack!.kubectl(args);
  }

  async #until(what: string, holds: (lb: LoadBalancer) => boolean): Promise<void> {
    await eventually(async () => {
      const lb = JSON.parse(await this.#kubectl('get', 'lb', 'told', '--output=json')) as LoadBalancer;
      must(holds(lb), `not ${what}: ${JSON.stringify(lb.status)}`);
    }, patience);
  }

  /** What can be read in the cluster now, by whoever may read no Secret. */
  async #remember(after: string): Promise<void> {
    const kinds = [
      ...['loadbalancers', 'amphorae', 'flavors', 'flavorprofiles', 'pods', 'services', 'configmaps', 'serviceaccounts'],
      ...['leases', 'networkpolicies', 'poddisruptionbudgets', 'endpointslices', 'events.events.k8s.io'],
    ];
    for (const kind of kinds) {
      const text = await this.#kubectl('get', kind, '--all-namespaces', '--output=json', '--show-managed-fields');
      this.#told.push({ where: `${kind} after ${after}`, text });
    }
  }

  /** All that was told, and that something was told at all. */
  async told(): Promise<Told[]> {
    const told = [...this.#told];
    for (const port of this.#metrics)
      told.push({ where: `the metrics at port ${port}`, text: await (await fetch(`http://127.0.0.1:${port}/metrics`)).text() });
    for (const file of ['s/operator.log', 'pods.log', 'api.log', 'refused.log'])
      told.push({ where: file, text: await readFile(this.#path(file), 'utf8') });
    for (const { event, headers } of this.#sink.heard) {
      const { authorization, 'x-key': key, ...rest } = headers;
      must(authorization !== undefined && key !== undefined, 'the sink was not told who asks');
      told.push({ where: 'a CloudEvent', text: JSON.stringify([event, rest]) });
    }
    const has = (where: string, text: string) =>
      must(
        told.some((one) => one.where.includes(where) && one.text.includes(text)),
        `${where} lacks ${text}: it can’t have been looked at`,
      );
    has('loadbalancers after', 'ConfigurationRefused');
    has('loadbalancers after', 'KeyMismatch');
    has('events.events.k8s.io after', 'told');
    has('s/operator.log', '"level":"info"');
    has('s/operator.log', 'the sink answered 500');
    has('pods.log', 'told');
    has('api.log', '"status":401');
    has('refused.log', '--notifications-sink');
    has('a CloudEvent', 'told');
    has('the metrics', 'reflavor_');
    return told;
  }

  /** All that was secret, what the operator made itself included. */
  async canaries(): Promise<Canary[]> {
    const { items } = JSON.parse(await this.#kubectl('get', 'secrets', '--all-namespaces', '--output=json')) as {
      items: { metadata: { namespace: string; name: string }; data?: Record<string, string> }[];
    };
    const made = items.flatMap(({ metadata, data = {} }) =>
      Object.entries(data).flatMap(([entry, value]) => {
        const text = Buffer.from(value, 'base64').toString();
        return metadata.name !== 'secret' && text.includes('PRIVATE KEY')
          ? [
              {
                place: `${entry} of the Secret ${metadata.namespace}/${metadata.name}`,
                text: lineOf(text.slice(text.indexOf('PRIVATE KEY'))),
              },
            ]
          : [];
      }),
    );
    must(
      made.some(({ place }) => place.includes('reflavor-authority')),
      'there is no authority of amphorae',
    );
    const client = /client-key-data: (\S+)/.exec(this.#stack!.controlPlane.adminKubeconfig)![1]!;
    return [
      ...Object.entries(this.#texts).map(([place, text]) => ({ place, text })),
      ...this.#keys,
      ...made,
      { place: 'key by which the operator is known to the API server', text: lineOf(Buffer.from(client, 'base64').toString()) },
      { place: 'token of an admin, and of the API itself', text: this.#token.split('.')[2]! },
    ];
  }

  async stop(): Promise<void> {
    for (const identity of this.#processes) await endProcess(identity);
    await this.#stack?.stop();
    await this.#sink.stop();
  }
}

const patience = { withinMs: 90_000, everyMs: 200 };

/** A line of the key in a PEM, which nothing else has. */
function lineOf(pem: string): string {
  const line = pem.split('\n').filter((text) => /^[A-Za-z0-9+/=]{40,}$/.test(text))[1];
  if (line === undefined) throw new Error('a PEM with no second line');
  return line;
}

/** A kubeconfig of the same cluster, with a token in place of a certificate. */
function withToken(kubeconfig: string, server: string, token: string): string {
  const ca = /certificate-authority-data: (\S+)/.exec(kubeconfig)![1];
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
