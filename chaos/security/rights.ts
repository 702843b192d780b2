import { eventually } from '../../test/support/eventually.ts';
import { Installed } from '../../test/support/installed.ts';
import type { FaultClass, Schedule, Size } from '../fault-class.ts';
import { must } from './cases.ts';

const reads = ['get', 'list', 'watch'];
const writes = ['create', 'update', 'patch', 'delete', 'deletecollection'];
/** Rights as sentences: "patch loadbalancers/status.reflavor.dev", with a name behind where it is for an object of that name alone. */
const each = (verbs: string[], ...resources: string[]) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`));

/** Of whoever has a token: to ask about oneself, and to read the sizes that there are. */
const everybody = [
  ...each(['create'], 'selfsubjectaccessreviews.authorization.k8s.io', 'selfsubjectrulesreviews.authorization.k8s.io'),
  ...each(['create'], 'selfsubjectreviews.authentication.k8s.io'),
  ...each(reads, 'flavors.reflavor.dev'),
];

/** What the operator does where load balancers are. */
const operating = [
  ...each([...reads, 'patch'], 'loadbalancers.reflavor.dev'),
  ...each([...reads, 'create', 'patch', 'delete'], 'amphorae.reflavor.dev'),
  ...each(['update'], 'loadbalancers/status.reflavor.dev', 'amphorae/status.reflavor.dev'),
  ...each(['update'], 'loadbalancers/finalizers.reflavor.dev'),
  ...each(['create', 'patch'], 'events.events.k8s.io'),
  ...each([...reads, 'create', 'patch', 'delete'], 'pods', 'services', 'networkpolicies.networking.k8s.io', 'poddisruptionbudgets.policy'),
  ...each([...reads, 'create', 'update', 'delete'], 'secrets', 'endpointslices.discovery.k8s.io'),
];
const operatingCluster = [
  ...each(['list', 'watch'], 'flavors.reflavor.dev', 'flavorprofiles.reflavor.dev'),
  ...each(['update'], 'flavors/status.reflavor.dev'),
  ...each(reads, 'nodes'),
];
const operatingOwn = [
  ...each(['create'], 'leases.coordination.k8s.io', 'secrets'),
  'get leases.coordination.k8s.io reflavor',
  'update leases.coordination.k8s.io reflavor',
  'get secrets reflavor-authority',
];

/** What the REST API does. */
const serving = [
  ...each(['get', 'list', 'create', 'update', 'delete'], 'loadbalancers.reflavor.dev'),
  ...each(['list'], 'amphorae.reflavor.dev'),
];
const servingCluster = [
  ...each(['create'], 'tokenreviews.authentication.k8s.io', 'subjectaccessreviews.authorization.k8s.io'),
  ...each(['list', 'create', 'patch', 'delete'], 'flavors.reflavor.dev'),
  ...each(['list', 'create', 'delete'], 'flavorprofiles.reflavor.dev'),
];

const tenantWrites = each(writes, 'loadbalancers.reflavor.dev');

/** The namespaces that are asked about, and none: what is of the cluster, and what is of all namespaces together. */
const scopes = ['', 'team', 'other', 'reflavor', 'kube-system'] as const;
type Scope = (typeof scopes)[number];

interface Account {
  name: string;
  namespace: string;
  /** All that it may do, beside what everybody may; nothing else. */
  rights: Partial<Record<Scope, string[]>>;
}

const everywhere = (rights: string[]) => Object.fromEntries(scopes.map((scope) => [scope, rights])) as Record<Scope, string[]>;
const and = (a: Account['rights'], b: Account['rights']): Account['rights'] =>
  Object.fromEntries(scopes.map((scope) => [scope, [...(a[scope] ?? []), ...(b[scope] ?? [])]]));

/** Each form in which the chart can be installed, and who has what then. */
const forms: { form: string; values: string; accounts: Account[] }[] = [
  {
    form: 'cluster-wide',
    values: 'api.enabled=true',
    accounts: [
      {
        name: 'reflavor',
        namespace: 'reflavor',
        rights: and(everywhere(operating), { '': operatingCluster, reflavor: operatingOwn }),
      },
      { name: 'reflavor-api', namespace: 'reflavor', rights: and(everywhere(serving), { '': servingCluster }) },
      { name: 'reader', namespace: 'team', rights: { team: each(reads, 'loadbalancers.reflavor.dev') } },
      {
        name: 'writer',
        namespace: 'team',
        rights: { team: [...each(reads, 'loadbalancers.reflavor.dev'), ...tenantWrites, 'update loadbalancers/resize.reflavor.dev'] },
      },
      {
        name: 'admin',
        namespace: 'team',
        // Bound in a namespace, what it has of flavors is of no use.
        rights: {
          team: [
            ...each(reads, 'loadbalancers.reflavor.dev', 'amphorae.reflavor.dev'),
            ...tenantWrites,
            ...each(['update'], 'loadbalancers/resize.reflavor.dev', 'loadbalancers/failover.reflavor.dev'),
          ],
        },
      },
      { name: 'nobody', namespace: 'team', rights: {} },
    ],
  },
  {
    form: 'for the namespace team',
    values: 'api.enabled=true,operator.watchNamespaces={team}',
    accounts: [
      { name: 'reflavor', namespace: 'reflavor', rights: { '': operatingCluster, team: operating, reflavor: operatingOwn } },
      { name: 'reflavor-api', namespace: 'reflavor', rights: { '': servingCluster, team: serving } },
    ],
  },
];

/** Every right that an account of the chart has, and every one that it doesn't. */
export const rightsThatNobodyHas: FaultClass = {
  name: 'rights that nobody has',
  fault:
    'The accounts of the operator and of the REST API, and accounts bound to the roles of Octavia in one namespace, try with real tokens every verb on every resource and subresource that the API server has, and what is no resource (impersonate, escalate, bind, paths), in their namespace, others, and the cluster. A schedule is one account in one scope, and its real requests.',
  promises:
    'Each has exactly the rights of a list that is written down apart from the chart. Real requests without the right are 403, those with it are not.',

  async *run(size) {
    const installed = await Installed.start(forms[0]!.values);
    try {
      await prepare(installed);
      const resources = await resourcesOf(installed);
      for (const { form, values, accounts } of forms) {
        if (values !== forms[0]!.values) await installed.upgrade(values);
        for (const account of accounts) {
          const token = await installed.token(account.namespace, account.name);
          const asker = new Asker(installed, token);
          await asker.untilSettled(account);
          for (const scope of scopes) yield await matrix({ asker, account, scope, form, size, resources });
        }
      }
      yield await withoutToken(installed, resources);
    } finally {
      await installed.stop();
    }
  },
};

async function prepare(installed: Installed): Promise<void> {
  for (const namespace of ['team', 'other']) await installed.kubectl(['create', 'namespace', namespace]);
  for (const name of ['reader', 'writer', 'admin', 'nobody'])
    await installed.kubectl(['create', 'serviceaccount', name, '--namespace=team']);
  for (const [name, role] of [
    ['reader', 'read'],
    ['writer', 'write'],
    ['admin', 'admin'],
  ]) {
    const binding = ['create', 'rolebinding', name!, '--namespace=team', `--clusterrole=reflavor-load-balancer-${role}`];
    await installed.kubectl([...binding, `--serviceaccount=team:${name}`]);
  }
}

/** `group`, `version` and name, with the subresource behind a slash, of what can be asked for. */
interface Asked {
  group: string;
  version: string;
  resource: string;
  namespaced: boolean;
}

/** All that the API server says it has, and what roles can name beside it. */
async function resourcesOf(installed: Installed): Promise<Asked[]> {
  const admin = await installed.kubectl(['get', '--raw', '/apis']);
  const groups = (JSON.parse(admin) as { groups: { name: string; preferredVersion: { version: string } }[] }).groups.map(
    ({ name, preferredVersion }) => ({ group: name, version: preferredVersion.version }),
  );
  const found: Asked[] = [];
  for (const { group, version } of [{ group: '', version: 'v1' }, ...groups]) {
    const raw = await installed.kubectl(['get', '--raw', group === '' ? '/api/v1' : `/apis/${group}/${version}`]);
    const { resources } = JSON.parse(raw) as { resources: { name: string; namespaced: boolean }[] };
    found.push(...resources.map(({ name, namespaced }) => ({ group, version, resource: name, namespaced })));
  }
  must(found.length > 80, `only ${found.length} resources were found`);
  const octavia = ['resize', 'failover'].map((act) => ({ group: 'reflavor.dev', version: 'v1alpha1', resource: `loadbalancers/${act}` }));
  return [...found, ...octavia.map((one) => ({ ...one, namespaced: true }))];
}

/** What is a right without being a verb on a resource that there is. */
const peculiar: [verb: string, group: string, resource: string][] = [
  ['*', '*', '*'],
  ['impersonate', '', 'users'],
  ['impersonate', '', 'groups'],
  ['impersonate', '', 'serviceaccounts'],
  ['impersonate', 'authentication.k8s.io', 'uids'],
  ['escalate', 'rbac.authorization.k8s.io', 'clusterroles'],
  ['escalate', 'rbac.authorization.k8s.io', 'roles'],
  ['bind', 'rbac.authorization.k8s.io', 'clusterroles'],
  ['bind', 'rbac.authorization.k8s.io', 'roles'],
  ['approve', 'certificates.k8s.io', 'signers'],
  ['sign', 'certificates.k8s.io', 'signers'],
  ['attest', 'certificates.k8s.io', 'signers'],
];
const paths = ['/metrics', '/logs/', '/debug/pprof/profile', '/configz', '/flagz', '/statusz', '*'];

interface Question {
  verb: string;
  group: string;
  resource: string;
  name?: string;
}
const sentence = ({ verb, group, resource, name }: Question): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}${name ? ` ${name}` : ''}`;

/** Somebody with a token. */
class Asker {
  readonly #installed: Installed;
  readonly #token: string;
  constructor(installed: Installed, token: string) {
    this.#installed = installed;
    this.#token = token;
  }

  async may(scope: Scope, { verb, group, resource: path, name }: Question): Promise<boolean> {
    const [resource, subresource] = path.split('/');
    return this.#review({ resourceAttributes: { namespace: scope, verb, group, resource, subresource, name } });
  }

  mayGet(path: string): Promise<boolean> {
    return this.#review({ nonResourceAttributes: { verb: 'get', path } });
  }

  async #review(spec: object): Promise<boolean> {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
    const { status, body } = await this.#installed.call(this.#token, 'POST', path, review);
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body.status.allowed;
  }

  /** The API server hears of roles and bindings a moment later. */
  untilSettled({ rights }: Account): Promise<void> {
    const has = (scope: Scope, right: string | undefined) => (right === undefined ? true : this.may(scope, questionOf(right)));
    return eventually(
      async () => {
        for (const scope of scopes) must(await has(scope, rights[scope]?.at(-1)), `no ${rights[scope]?.at(-1)} in ${scope} yet`);
        const gone = scopes.find((scope) => rights[scope] === undefined);
        if (gone !== undefined) must(!(await this.may(gone, questionOf('list loadbalancers.reflavor.dev'))), 'it still has what it had');
      },
      { withinMs: 30_000 },
    );
  }

  /** A real request that would do what is asked about, if it were no dry run. */
  request(scope: Scope, { verb, resource: path, name = 'x' }: Question, { group, version }: Asked): Promise<number> {
    const [resource, subresource] = path.split('/');
    const collection = `${group === '' ? '/api' : `/apis/${group}`}/${version}${scope === '' ? '' : `/namespaces/${scope}`}/${resource}`;
    const one = `${collection}/${name}`;
    const dry = 'dryRun=All';
    const [method, url, body] = {
      get: ['GET', one],
      list: ['GET', `${collection}?limit=1`],
      watch: ['GET', `${collection}?watch=true&timeoutSeconds=10`],
      create: ['POST', subresource ? one : collection, {}],
      update: ['PUT', one, {}],
      patch: ['PATCH', one, {}],
      delete: ['DELETE', one],
      deletecollection: ['DELETE', `${collection}?labelSelector=none%3Dsuch`],
    }[verb] as [string, string, object?];
    const [before, query = ''] = url.split('?') as [string, string?];
    const full = `${before}${subresource ? `/${subresource}` : ''}?${[query, ...(method === 'GET' ? [] : [dry])].filter(Boolean).join('&')}`;
    return this.#installed.call(this.#token, method, full, body).then(({ status }) => status);
  }
}

function questionOf(right: string): Question {
  const [verb, what, name] = right.split(' ') as [string, string, string?];
  const [path, ...group] = what.split('.') as [string, ...string[]];
  return { verb, group: group.join('.'), resource: path, name };
}

/** In the short form one in so many of the questions whose answer is no. */
const stride: Record<Size, number> = { short: 12, full: 1 };
/** Real requests for what is not allowed. */
const trials: Record<Size, number> = { short: 6, full: 150 };

async function matrix(of: {
  asker: Asker;
  account: Account;
  scope: Scope;
  form: string;
  size: Size;
  resources: Asked[];
}): Promise<Schedule> {
  const { asker, account, scope, form, size, resources } = of;
  const allowed = new Set([
    ...(scope === '' ? everybody : everybody.filter((right) => right.includes('flavors'))),
    ...(account.rights[scope] ?? []),
  ]);
  // Flavors are of the cluster, and so is what everybody may of them; a binding in a namespace speaks of objects that are in one.
  const here = resources.filter(({ namespaced }) => namespaced || scope === '');
  const ofResources = here.flatMap(({ group, resource }) => [...reads, ...writes].map((verb): Question => ({ verb, group, resource })));
  // A subresource is of one object: there is no list of it.
  const isRequest = new Set(
    ofResources.filter(({ verb, resource }) => !resource.includes('/') || !['list', 'watch', 'deletecollection'].includes(verb)),
  );
  const odd = peculiar.map(([verb, group, resource]): Question => ({ verb, group, resource }));
  const named = [...allowed].map(questionOf).filter(({ name }) => name !== undefined);
  const wanted = [
    ...ofResources.filter((one, i) => allowed.has(sentence(one)) || i % stride[size] === account.name.length % stride[size]),
    ...odd,
    ...named,
  ];
  const broken: string[] = [];
  const denied: Question[] = [];
  await inTurns(wanted, async (one) => {
    const may = await asker.may(scope, one);
    const should = allowed.has(sentence(one));
    if (may !== should) broken.push(`${account.name} may ${should ? 'not ' : ''}${sentence(one)} in "${scope}"`);
    if (!should && isRequest.has(one)) denied.push(one);
  });
  if (scope === '') for (const path of paths) if (await asker.mayGet(path)) broken.push(`${account.name} may get ${path}`);
  const tried = denied.filter((_, i) => i % Math.max(1, Math.floor(denied.length / trials[size])) === 0);
  const known = (one: Question) => here.find(({ group, resource }) => group === one.group && resource === one.resource);
  const held = [...allowed]
    .map(questionOf)
    .filter((one) => known(one) && !['resize', 'failover'].includes(one.resource.split('/')[1] ?? ''));
  await inTurns(tried, async (one) => {
    const status = await asker.request(scope, one, known(one)!);
    if (status !== 403) broken.push(`${account.name}: ${sentence(one)} in "${scope}" was answered ${status}, not 403`);
  });
  await inTurns(held, async (one) => {
    const status = await asker.request(scope, one, known(one)!);
    if (status === 403 || status === 401 || status >= 500)
      broken.push(`${account.name}: ${sentence(one)} in "${scope}" was answered ${status}`);
  });
  const requests = tried.length + held.length;
  return { name: `${form}: ${account.name} in "${scope}", ${wanted.length} questions and ${requests} requests`, broken };
}

/** Without a token nothing is answered. */
async function withoutToken(installed: Installed, resources: Asked[]): Promise<Schedule> {
  const broken: string[] = [];
  await inTurns(resources, async ({ group, version, resource }) => {
    const path = `${group === '' ? '/api' : `/apis/${group}`}/${version}/${resource.split('/')[0]}`;
    const { status } = await installed.call(undefined, 'GET', path);
    if (status !== 401 && status !== 403) broken.push(`GET ${path} without a token was answered ${status}`);
  });
  return { name: `without a token, ${resources.length} requests`, broken };
}

/** Some at a time: an API server has a limit for one caller. */
async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await act(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
