import { join, relative } from 'node:path';
import { HTTP } from 'cloudevents';
import fc from 'fast-check';
import { type Amphora, type LoadBalancer, LoadBalancerSpec } from '../../src/api/index.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { createLogger } from '../../src/log.ts';
import { cloudEventOf } from '../../src/notify/cloudevent.ts';
import { KubeEventRecorder } from '../../src/notify/events.ts';
import { applyMembers, configurationHash, MasterControl, unixSocket } from '../../src/provider/amphora/haproxy/index.ts';
import { keptIn, secretOf } from '../../src/provider/amphora/kubernetes/files.ts';
import { LABELS } from '../../src/provider/amphora/kubernetes/names.ts';
import { podOf } from '../../src/provider/amphora/kubernetes/pod.ts';
import { serviceFor } from '../../src/provider/amphora/kubernetes/vip/service.ts';
import { Layout } from '../../src/provider/amphora/process/layout.ts';
import { keyFor, objectNameFor } from '../../src/rest/octavia/names.ts';
import { commandsOf } from '../../test/support/haproxy-syntax.ts';
import {
  ciphers,
  configurationOf,
  harmless,
  nasty,
  plain,
  type Shape,
  shapes,
  smuggled,
  type Texts,
  texts,
} from '../../test/support/hostile.ts';
import type { FaultClass } from '../fault-class.ts';
import { cases, must, seeds } from './cases.ts';
import { harmlessLike } from './harmless.ts';

const sizes = { short: { count: 200, schedules: 1 }, full: { count: 1000, schedules: 10 } };

/** Texts of tenants wherever else they meet a syntax. */
export const hostileSyntaxes: FaultClass = {
  name: 'hostile strings elsewhere',
  fault:
    'The same strings go into commands of HAProxy’s runtime API, names and labels and annotations of Kubernetes’ objects, Secrets, CloudEvents, Events, log lines, file names, and names that the REST API makes of names. A schedule is 1,000 cases.',
  promises:
    'A command stays one command with the words that it has with harmless texts; objects are what the API server takes, with the operator’s labels; events and log lines are read back as what was meant; no file is outside its folder.',

  async *run(size) {
    const { count, schedules } = sizes[size];
    for (const seed of seeds(schedules)) {
      const many = { seed, count };
      yield await cases('changes of members at run time', many, fc.tuple(shapes, texts, ciphers), ([shape, given, list]) =>
        sameCommands(shape, { ...given, ciphers: list }, false),
      );
      yield await cases('changes of members past the API', many, fc.tuple(shapes, smuggled), ([shape, given]) =>
        sameCommands(shape, given, true),
      );
      yield await cases('commands of more than a line', many, nasty, onlyOneLine);
      yield await cases('objects of Kubernetes', many, fc.tuple(owners, nasty, nasty, nasty), ([owner, ...three]) => objects(owner, three));
      yield await cases('CloudEvents', many, fc.tuple(owners, nasty, nasty), ([owner, name, description]) =>
        event(owner, name, description),
      );
      yield await cases('notes of Events', many, fc.array(nasty, { maxLength: 80 }), (pieces) => note(pieces.join('')));
      yield await cases('log lines', many, fc.tuple(nasty, nasty, nasty), ([a, b, c]) => logLine(a, b, c));
      yield await cases('file names', many, fc.tuple(nasty, nasty), ([uid, name]) => folder(uid, name));
      yield await cases('names of the REST API', many, fc.tuple(nasty, fc.array(nasty)), ([name, others]) => restNames(name, others));
    }
  },
};

interface Owner {
  namespace: string;
  name: string;
  uid: string;
}

/** What names an object: the API server lets no more through than this. */
const owners: fc.Arbitrary<Owner> = fc.record({
  namespace: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  name: fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/),
  uid: fc.uuid(),
});

/** @param mayRefuse that nothing is said, and a reload is called for, is well too */
async function sameCommands(shape: Shape, given: Texts, mayRefuse: boolean): Promise<void> {
  const [hostile, model, other] = await Promise.all([
    said(shape, given),
    said(shape, harmlessLike(given, 0)),
    said(shape, harmlessLike(given, 1)),
  ]);
  must(model.length > 0 && other.length > 0, 'harmless texts were refused');
  if (mayRefuse && hostile.length === 0) return;
  const [actual, expected, varied] = [hostile, model, other].map((lines) => lines.map(commandsOf)) as [
    string[][][],
    string[][][],
    string[][][],
  ];
  must(actual.length === expected.length, `${actual.length} lines, not ${expected.length}`);
  actual.forEach((commands, i) => {
    must(commands.length === 1, `${commands.length} commands in a line: ${JSON.stringify(hostile[i])}`);
    const [words, wanted] = [commands[0]!, expected[i]![0]!];
    must(words.length === wanted.length, `${words.length} words, not ${wanted.length}: ${JSON.stringify(words)}`);
    wanted.forEach((word, j) => {
      must(word !== varied[i]![0]![j] || words[j] === word, `word ${j} is not ${word}: ${JSON.stringify(words)}`);
    });
  });
}

/** What is said to a HAProxy that has the configuration, one member that is gone, and none that there is. */
async function said(shape: Shape, given: Texts): Promise<string[]> {
  const configuration = configurationOf(shape, given);
  let hash: string;
  try {
    hash = configurationHash(configuration);
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith("a control character can't stand")) return [];
    throw error;
  }
  const lines: string[] = [];
  const backend = `pool:${given.pool}`;
  const columns = ['be_name', 'srv_name', 'srv_addr', 'srv_port', 'srv_admin_state', 'srv_uweight'];
  // What HAProxy reports has no room for a blank or a comma in a name, and a colon ends one (names.ts): such a pool is not known again.
  const named = /[\s,:]/.test(given.pool + given.listener) ? '-' : undefined;
  await applyMembers(async (command) => {
    if (command.startsWith('show env')) return `CONFIG_HASH=${hash}\n`;
    if (command === 'show stat')
      return `# pxname,svname\n${named ?? `listener:${given.listener}:${shape.port}`},FRONTEND\n${named ?? backend},BACKEND\n`;
    if (command === 'show servers state') return `1\n# ${columns.join(' ')}\n${named ?? backend} 10.9.9.9:9 10.9.9.9 9 0 1\n`;
    lines.push(command);
    return command.startsWith('add server') ? 'New server registered.' : command.startsWith('del server') ? 'Server deleted.' : '';
  }, configuration);
  return lines;
}

/** A command is one line, or is not sent at all: nobody is connected to. */
async function onlyOneLine(text: string): Promise<void> {
  const control = new MasterControl(unixSocket('/dev/null/nobody'));
  const refused = await control.command(`show info ${text}`).then(
    () => 'sent',
    (error: Error) => error.message,
  );
  must((refused === 'a command is one line') === /[\n\r]/.test(text), `${JSON.stringify(text)}: ${refused}`);
}

const label = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const qualified = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function objects(owner: Owner, [one, two, three]: [string, string, string]): void {
  const { namespace, name, uid } = owner;
  const amphora: Amphora = {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'Amphora',
    metadata: { namespace, name: `${name}-abcdef-1234567890-1`, uid, annotations: { [one]: two }, labels: { [LABELS.vip]: 'x' } },
    spec: {
      loadBalancer: { name, uid },
      operation: 1_234_567_890,
      slot: 1,
      role: 'MASTER',
      peer: 0,
      provider: 'amphora',
      flavorId: 'small',
      flavorData: { loadbalancerTopology: 'ACTIVE_STANDBY', threads: 1, maxConnections: 1 },
      steering: 'Detached',
    },
  };
  const configuration = configurationOf(plain, { ...harmless, value: three });
  const secret = secretOf(amphora, { files: { 'haproxy.cfg': three }, loaded: configuration });
  const annotations = JSON.parse(JSON.stringify({ [one]: two, [three]: one })) as Record<string, string>;
  const service = serviceFor({ ...owner, service: { type: 'ClusterIP', annotations } }, [80]);
  for (const object of [podOf(amphora, { image: { repository: 'r', tag: 't' }, staged: 'x' }), secret, service] as KubeObject[]) {
    const { metadata } = object;
    must(subdomain.test(metadata.name) && metadata.name.length <= 253, `the name ${metadata.name}`);
    must(metadata.namespace === namespace, `the namespace ${metadata.namespace}`);
    must(metadata.labels?.[LABELS.loadBalancerUid] === uid, 'the label with the uid is another');
    must(metadata.labels?.[LABELS.vip] === undefined, 'it is behind the VIP');
    for (const [key, text] of Object.entries(metadata.labels ?? {}))
      must(qualified.test(key) && label.test(text) && text.length <= 63, `the label ${key}=${text}`);
  }
  must(service.metadata.name.length <= 63, `the name ${service.metadata.name}`);
  // What the API server would refuse of these it says; what it takes are the tenant's annotations and no others.
  must(JSON.stringify(service.metadata.annotations) === JSON.stringify(annotations), 'other annotations');
  const back = keptIn(JSON.parse(JSON.stringify(secret)));
  must(JSON.stringify(back.loaded) === JSON.stringify(configuration), 'the Secret is read back as another');
  must(back.files['haproxy.cfg'] === Buffer.from(three).toString(), 'the file is read back as another');
}

function event(owner: Owner, name: string, description: string): void {
  const lb: LoadBalancer = {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { ...owner, generation: 1 },
    spec: LoadBalancerSpec.parse({ name, description }),
  };
  const told = { id: 'g1-update-end', type: 'octavia.loadbalancer.update.end', turn: { kind: 'Update', message: description } } as const;
  const made = cloudEventOf(lb, told, { source: 'urn:x', flavor: undefined, now: 0 });
  for (const mode of ['binary', 'structured'] as const) {
    const { headers, body } = HTTP[mode](made) as { headers: Record<string, string>; body: string };
    for (const [header, text] of Object.entries(headers)) must(/^[\x20-\x7e]*$/.test(`${header}${text}`), `the header ${header}: ${text}`);
    const read = JSON.parse(String(body)) as Record<string, unknown>;
    const data = (mode === 'binary' ? read : read.data) as { name: string; description: string; operation: { message: string } };
    must(data.name === name && data.description === description, `read back as ${JSON.stringify(data)}`);
    must(data.operation.message === description, `read back as ${JSON.stringify(data)}`);
    must(mode === 'binary' || read.subject === `${owner.namespace}/${owner.name}`, `the subject ${read.subject}`);
  }
}

async function note(text: string): Promise<void> {
  const written: Record<string, unknown>[] = [];
  const client = {
    create: async (_: unknown, object: unknown) => void written.push(object as Record<string, unknown>),
    patchMerge: async () => {},
  } as unknown as ConstructorParameters<typeof KubeEventRecorder>[0]['client'];
  const recorder = new KubeEventRecorder({ client, controller: 'reflavor.dev/operator', instance: 'x' });
  const regarding = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: { name: 'a', namespace: 'b', uid: 'c' } };
  recorder.record(regarding, { type: 'Warning', reason: 'ConfigurationRefused', action: 'Configure', note: text });
  await recorder.close(10_000);
  const { note: noted } = written[0] as { note: string };
  must(written.length === 1 && Buffer.byteLength(noted) <= 1024, `${written.length} Events, ${Buffer.byteLength(noted)} bytes`);
  must(noted === text || (noted.endsWith('…') && text.toWellFormed().startsWith(noted.slice(0, -1))), `the note is ${noted}`);
}

function logLine(one: string, two: string, three: string): void {
  const lines: string[] = [];
  const log = createLogger('debug', { write: (line) => void lines.push(line) });
  log.info({ loadBalancer: one, listener: { name: two }, err: new Error(three) }, three);
  must(lines.length === 1 && /^[^\n\r]+\n$/.test(lines[0]!), `${lines.length} lines: ${lines}`);
  const read = JSON.parse(lines[0]!) as Record<string, unknown> & { listener: { name: string } };
  must(String(Object.keys(read)) === 'level,time,loadBalancer,listener,err,msg', `the fields ${Object.keys(read)}`);
  must((read.loadBalancer as string) === one && read.listener.name === two, 'read back as another');
}

function folder(uid: string, name: string): void {
  const layout = new Layout('/state');
  try {
    const { dir, ...files } = layout.amphora(uid, name);
    must(relative('/state/loadbalancers', dir) === join(uid, 'amphorae', name), `the folder ${dir}`);
    for (const file of Object.values(files)) must(file.startsWith(`${dir}/`) || /^\/state\/run\/[0-9a-f]{16}\.[ms]$/.test(file), file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    must(!(word.test(uid) && word.test(name)), `${uid} ${name}: ${error.message}`);
  }
}
const word = /^[A-Za-z0-9]+$/;

function restNames(name: string, others: string[]): void {
  const taken = new Set<string>();
  for (const other of [...others, name, name]) {
    const key = keyFor(other, taken, 'listener');
    must(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(key) && !taken.has(key), `the key ${key}`);
    taken.add(key);
  }
  for (const suffix of [undefined, 'abcd1234'])
    must(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/.test(objectNameFor(name, suffix)), `the name ${objectNameFor(name, suffix)}`);
}
