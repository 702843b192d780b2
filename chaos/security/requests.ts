import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { Installed } from '../../test/support/installed.ts';
import { startApi } from '../../tools/api.ts';
import { schemathesisVenv } from '../../tools/binaries.ts';
import { freePorts } from '../../tools/ports.ts';
import { endProcess, type ProcessIdentity } from '../../tools/processes.ts';
import { startReflavor } from '../../tools/reflavor.ts';
import type { FaultClass, Schedule, Size } from '../fault-class.ts';
import { must, seeds } from './cases.ts';

/** The coverage phase alone is thousands of cases. */
const forms: Record<Size, string[]> = {
  short: ['--phases=examples,fuzzing', '--max-examples=2'],
  full: ['--phases=examples,coverage,fuzzing,stateful', '--max-examples=30'],
};

const checks = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];

/** Requests that the description of the REST API calls for, and those that it rules out. */
export const requestsToRest: FaultClass = {
  name: 'requests made up for the REST API',
  fault:
    'Schemathesis makes requests of the API’s own description, good ones and bad ones, and sends them with the token of an admin to an API on a real API server, where there is an object of each kind. A schedule is all requests to one operation.',
  promises:
    'No answer is a 5xx, but for 501, by which Octavia says what a provider lacks; each has a status, a content type and a body that the description has; none holds the token, a stack or a path of the server; the log has no error.',

  async *run(size) {
    const installed = await Installed.start('api.enabled=true,operator.driver=simulated');
    const processes: ProcessIdentity[] = [];
    try {
      const [port] = (await freePorts(1)) as [number];
      const log = join(installed.controlPlane.dir, 'api.log');
      const token = await prepare(installed, processes, port, log);
      yield* tried({ installed, url: `http://127.0.0.1:${port}`, token, size, log });
    } finally {
      for (const identity of processes) await endProcess(identity);
      await installed.stop();
    }
  },
};

/** Starts operator and API, each as its own account, and gives the token of an admin. */
async function prepare(installed: Installed, processes: ProcessIdentity[], port: number, logFile: string): Promise<string> {
  const { controlPlane } = installed;
  const as = (account: string) => controlPlane.userKubeconfig({ user: `system:serviceaccount:reflavor:${account}` });
  await installed.kubectl(['apply', `--filename=${join(import.meta.dirname, '../../examples/flavors.yaml')}`]);
  await installed.kubectl(['create', 'namespace', 'team']);
  await installed.kubectl(['create', 'serviceaccount', 'root', '--namespace=team']);
  await installed.kubectl(['create', 'clusterrolebinding', 'root', '--clusterrole=cluster-admin', '--serviceaccount=team:root']);
  processes.push(
    await startReflavor('operator', 'operator', ['--driver=simulated', '--lease-namespace=reflavor', '--lease-name=reflavor'], {
      kubeconfigPath: await as('reflavor'),
      logFile: join(controlPlane.dir, 'operator.log'),
    }),
    await startApi({ port, kubeconfigPath: await as('reflavor-api'), logFile, flags: ['--log-level=debug', '--rate-limit=0'] }),
  );
  return installed.token('team', 'root');
}

interface Target {
  installed: Installed;
  url: string;
  token: string;
  size: Size;
  log: string;
}

/** What is deleted comes last: until then there is an object of each kind. */
const parts = [
  { part: 'all but deletes', flags: ['--exclude-method=DELETE'] },
  { part: 'deletes', flags: ['--include-method=DELETE'] },
];

async function* tried({ installed, url, token, size, log }: Target): AsyncIterable<Schedule> {
  const ids = await objects(url, token);
  const [seed] = seeds(1);
  let operations = 0;
  for (const { part, flags } of parts) {
    const dir = join(installed.controlPlane.dir, part.replaceAll(' ', '-'));
    await mkdir(dir);
    const [config, junit, har] = ['schemathesis.toml', 'junit.xml', 'har.json'].map((name) => join(dir, name)) as [string, string, string];
    await writeFile(config, configuration(ids));
    const said = await schemathesis(
      [
        ...['--config-file', config, 'run', `${url}/docs/json`, `--url=${url}`, `--header=X-Auth-Token: ${token}`],
        ...[`--checks=${checks}`, `--seed=${seed}`, ...forms[size], ...flags, '--no-shrink', '--continue-on-failure', '--no-color'],
        ...[
          '--generation-database=none',
          '--output-sanitize=false',
          '--report=junit,har',
          `--report-junit-path=${junit}`,
          `--report-har-path=${har}`,
        ],
      ],
      dir,
    );
    const found = operationsOf(await readFile(junit, 'utf8').catch(() => ''));
    must(found.length > 0, `schemathesis did not try ${part}:\n${said}`);
    operations += found.length;
    for (const { name, failures } of found) yield { name: `${name}, CHAOS_SEED=${seed}`, broken: failures };
    yield { name: `what else ${part} were told, CHAOS_SEED=${seed}`, broken: await leaks(har, log, token) };
  }
  must(operations > 60, `only ${operations} operations were tried`);
}

/** One object of each kind, by the parameter and the path that ask for it. */
async function objects(url: string, token: string): Promise<[path: string, parameter: string, id: string][]> {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}/v2.0/lbaas/${path}`, { method, headers: { 'X-Auth-Token': token }, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };
  // Flavors have what they need from the operator.
  const made = await eventually(
    () =>
      call('POST', 'loadbalancers', {
        loadbalancer: {
          name: 'fixture',
          flavor_id: 'small',
          listeners: [{ name: 'http', protocol: 'HTTP', protocol_port: 80, default_pool: { name: 'app' } }],
          pools: [
            {
              name: 'app',
              protocol: 'HTTP',
              lb_algorithm: 'ROUND_ROBIN',
              members: [{ address: '192.0.2.1', protocol_port: 80 }],
              healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 3 },
            },
          ],
        },
      }),
    { withinMs: 30_000 },
  );
  const balancer = made.loadbalancer.id as string;
  const [listener, pool] = [(await call('GET', 'listeners')).listeners[0].id, (await call('GET', 'pools')).pools[0].id] as [string, string];
  const [member] = (await call('GET', `pools/${pool}/members`)).members as [{ id: string }];
  const [monitor] = (await call('GET', 'healthmonitors')).healthmonitors as [{ id: string }];
  const { l7policy } = await call('POST', 'l7policies', { l7policy: { listener_id: listener, action: 'REJECT', name: 'p' } });
  const { rule } = await call('POST', `l7policies/${l7policy.id}/rules`, { rule: { type: 'PATH', compare_type: 'EQUAL_TO', value: '/x' } });
  const [flavor] = (await call('GET', 'flavors')).flavors as [{ id: string }];
  const [profile] = (await call('GET', 'flavorprofiles')).flavorprofiles as [{ id: string }];
  return [
    ['/v2.0/lbaas/loadbalancers/{id}', 'id', balancer],
    ['/v2.0/lbaas/listeners/{id}', 'id', listener],
    ['/v2.0/lbaas/pools/{id}', 'id', pool],
    ['/v2.0/lbaas/pools/{parent}/members', 'parent', pool],
    ['/v2.0/lbaas/pools/{parent}/members/{id}', 'id', member.id],
    ['/v2.0/lbaas/healthmonitors/{id}', 'id', monitor.id],
    ['/v2.0/lbaas/l7policies/{id}', 'id', l7policy.id],
    ['/v2.0/lbaas/l7policies/{parent}/rules', 'parent', l7policy.id],
    ['/v2.0/lbaas/l7policies/{parent}/rules/{id}', 'id', rule.id],
    ['/v2.0/lbaas/flavors/{id}', 'id', flavor.id],
    ['/v2.0/lbaas/flavorprofiles/{id}', 'id', profile.id],
  ];
}

/** What is read or changed is there; what is deleted is what the run has made, or is not there. */
function configuration(ids: [path: string, parameter: string, id: string][]): string {
  const operations = ids.flatMap(([path, parameter, id]) => {
    const start = path.replaceAll(/[{}.]/g, '\\\\$&');
    const others = ids.filter(([other, , text]) => path.startsWith(other) && text !== id).map(([, name, text]) => [name, text]);
    const parameters = [...others, [parameter, id]].map(([name, text]) => `"path.${name}" = "${text}"`);
    return ['GET', 'PUT', 'POST'].map(
      (method) =>
        `[[operations]]\ninclude-by = "operation.method == '${method}'"\ninclude-path-regex = "^${start}(/(status|stats|resize|failover))?$"\nparameters = { ${parameters.join(', ')} }\n`,
    );
  });
  return `[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501"]\n\n${operations.join('\n')}`;
}

/** Ends with its output, whatever it found. */
function schemathesis(args: string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(schemathesisVenv(), 'bin/schemathesis'), args, { cwd, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) =>
      resolve(`${stdout}${stderr}${error && typeof error.code === 'string' ? error.message : ''}`),
    );
  });
}

/** The test cases of a JUnit report. */
function operationsOf(xml: string): { name: string; failures: string[] }[] {
  return [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(([, name, content = '']) => ({
    name: unescaped(name!),
    failures: [...content.matchAll(/<(?:failure|error)[^>]*>([\s\S]*?)<\/(?:failure|error)>/g)].map(([, words]) => unescaped(words!)),
  }));
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#10': '\n' };
const unescaped = (text: string): string => text.replaceAll(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);

/** What the answers and the log of the API hold that they must not. */
async function leaks(har: string, log: string, token: string): Promise<string[]> {
  const { log: exchanges } = JSON.parse(await readFile(har, 'utf8')) as {
    log: { entries: { request: { url: string }; response: object }[] };
  };
  must(exchanges.entries.length > 20, `only ${exchanges.entries.length} requests were sent`);
  const broken: string[] = [];
  for (const { request, response } of exchanges.entries) {
    const text = JSON.stringify(response);
    for (const [what, pattern] of telling) if (pattern.test(text)) broken.push(`${request.url}: an answer with ${what}: ${text}`);
    if (text.includes(token)) broken.push(`${request.url}: an answer with the token`);
  }
  const lines = (await readFile(log, 'utf8')).split('\n');
  if (lines.some((line) => line.includes(token))) broken.push('the log has the token');
  broken.push(...lines.filter((line) => /"level":"(error|fatal)"/.test(line)));
  return broken.slice(0, 10);
}

const telling: [what: string, pattern: RegExp][] = [
  ['a stack', /\n? +at [\w.<>]+ \(/],
  ['a path of the server', /node_modules|file:\/\/|\/src\/rest\//],
];
