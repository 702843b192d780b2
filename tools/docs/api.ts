import { Registry } from 'prom-client';
import { createLogger } from '../../src/log.ts';
import { RestMetrics } from '../../src/rest/metrics.ts';
import { createServer, type ServerOptions } from '../../src/rest/server.ts';

/** As much of JSON Schema as the description of the routes has. */
interface Schema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  default?: unknown;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}
interface Content {
  content?: { 'application/json'?: { schema: Schema } };
}
interface Operation {
  tags: string[];
  summary: string;
  description?: string;
  parameters?: {
    name: string;
    in: 'path' | 'query';
    required?: boolean;
    schema: Schema & { description?: string };
    description?: string;
  }[];
  requestBody?: Content;
  responses: Record<string, Content & { description?: string }>;
}
export interface ApiDescription {
  paths: Record<string, Record<string, Operation>>;
}

/** What the API says of itself at `/docs/json`: of its routes alone, so that there need be nothing behind it. */
export async function apiDescription(): Promise<ApiDescription> {
  const behind = { repository: {}, authentication: {}, authorization: {} } as unknown as ServerOptions;
  const settings = { gitopsManagers: [], bodyLimitBytes: 1 << 20, rateLimit: 0, trustedProxies: [] };
  const app = await createServer({ ...behind, ...settings, log: createLogger('silent'), metrics: new RestMetrics(new Registry()) });
  try {
    return (await app.inject('/docs/json')).json();
  } finally {
    await app.close();
  }
}

/** docs/api.md: every call of the REST API, from the schemas by which it checks and describes them. */
export function apiPage({ paths }: ApiDescription): string {
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
  const lists = calls.find(({ path, method }) => method === 'GET' && path === '/v2.0/lbaas/loadbalancers')!;
  const listing = queryOf(lists);
  const isListing = (call: Operation) =>
    queryOf(call)
      .map(({ name }) => name)
      .join() === listing.map(({ name }) => name).join();
  const parts: Parts = new Map(calls.flatMap((call) => [...partsOf(call)]));
  const told = new Map<string, string>();

  /** An answer's attributes, or where on the page they stand already. */
  function answerOf({ summary, responses }: Operation): string {
    const [status, response] = Object.entries(responses).find(([code]) => code !== 'default')!;
    const { name, one, isList } = wrapped(schemaOf(response));
    if (!one) return `Answer: ${status}, without a body.`;
    const what = `Answer: ${status}, ${name === undefined ? 'an object' : `\`${name}\`${isList ? ', a list' : ''}`}`;
    const key = shapeOf(one);
    const under = told.get(key);
    if (under !== undefined) return `${what}; attributes as under [${under}](#${anchor(under)}).`;
    told.set(key, summary);
    return `${what}:\n\n${table(rowsOf(one, { parts, summary, prefix: 'List', isAnswer: true }))}`;
  }

  function bodyOf({ summary, requestBody }: Operation): string[] {
    const { name, one, isList } = wrapped(schemaOf(requestBody));
    if (!one) return [];
    const what = name === undefined ? 'Body, an object' : `Body, below \`${name}\`${isList ? ', a list' : ''}`;
    return [`${what}:\n\n${table(rowsOf(one, { parts, summary, prefix: 'Create', isAnswer: false }))}`];
  }

  const sections = new Map<string, string[]>();
  for (const call of calls) {
    const { tags, summary, description, path, method } = call;
    const query = queryOf(call);
    const told = [
      `\`${method} ${path}\``,
      ...(description ? [description] : []),
      ...(isListing(call) ? [`Query: as for [every list](#${anchor(LISTS)}).`] : query.length > 0 ? [parameters(query)] : []),
      ...bodyOf(call),
      answerOf(call),
    ];
    const [tag] = tags as [string];
    sections.set(tag, [...(sections.get(tag) ?? []), `### ${summary}\n\n${told.join('\n\n')}\n`]);
  }
  const chapters = [...sections].map(([tag, entries]) => `## ${tag[0]!.toUpperCase()}${tag.slice(1)}\n\n${entries.join('\n')}`);
  return `${INTRODUCTION}\n${parameters(listing)}\n\n${chapters.join('\n')}`;
}

const LISTS = 'Lists';
const schemaOf = (content: Content | undefined): Schema | undefined => content?.content?.['application/json']?.schema;
const queryOf = ({ parameters: all = [] }: Operation) => all.filter((one) => one.in === 'query');
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(/\s/g, '-');

type Row = [name: string, type: string, meaning: string];
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (rows: Row[]) =>
  ['| attribute | type | |', '|---|---|---|', ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n');
const parameters = (all: NonNullable<Operation['parameters']>) =>
  table(all.map(({ name, schema, description }) => [`\`${name}\``, typeOf(schema), meaningOf({ description, ...schema })])).replace(
    'attribute',
    'query',
  );

/** The attributes of what a call takes or gives, by its summary. */
type Parts = Map<string, Schema>;

/** By the attribute that holds them: the calls that create and list children of a load balancer. */
const CHILDREN: Record<string, { Create: string; List: string }> = {
  listeners: { Create: 'Create a Listener', List: 'List listeners' },
  pools: { Create: 'Create a Pool', List: 'List pools' },
  default_pool: { Create: 'Create a Pool', List: 'List pools' },
  redirect_pool: { Create: 'Create a Pool', List: 'List pools' },
  members: { Create: 'Create a Member', List: 'List members' },
  healthmonitor: { Create: 'Create a Health Monitor', List: 'List healthmonitors' },
  l7policies: { Create: 'Create a L7 Policy', List: 'List l7policies' },
  rules: { Create: 'Create a L7 Rule', List: 'List rules' },
};

function partsOf({ summary, requestBody, responses }: Operation): [string, Schema][] {
  const content = summary.startsWith('Create') ? requestBody : summary.startsWith('List') ? responses['200'] : undefined;
  const { one } = wrapped(schemaOf(content));
  return one ? [[summary, one]] : [];
}

/** The object that a body has below its only attribute, as Octavia's have; else the body itself. */
function wrapped(schema: Schema | undefined): { name?: string; one?: Schema; isList?: boolean } {
  const entries = Object.entries(schema?.properties ?? {}).filter(([name]) => !name.endsWith('_links'));
  if (entries.length === 0) return {};
  const [[name, inner]] = entries as [[string, Schema]];
  const one = objectIn(inner);
  return entries.length === 1 && one
    ? { name, one, isList: inner.items !== undefined }
    : { one: { ...schema, properties: Object.fromEntries(entries) } };
}

interface Rows {
  parts: Parts;
  /** The call that they are of, which no link may lead to. */
  summary: string;
  prefix: 'Create' | 'List';
  isAnswer: boolean;
}

function rowsOf(schema: Schema, context: Rows, path = ''): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]): Row[] => {
    const needed = !context.isAnswer && schema.required?.includes(name) && value.default === undefined ? 'Required. ' : '';
    const inner = objectIn(value);
    const under = inner && CHILDREN[name]?.[context.prefix];
    const isThat = under !== undefined && under !== context.summary && isMostly(inner!, context.parts.get(under));
    const link = isThat ? `Attributes as under [${under}](#${anchor(under)}).` : '';
    const row: Row = [`\`${path}${name}\``, typeOf(value), [`${needed}${meaningOf(value)}`.trim(), link].filter(Boolean).join(' ')];
    if (!inner || link) return [row];
    return [row, ...rowsOf(inner, context, `${path}${name}${isListOf(value) ? '[]' : ''}.`)];
  });
}

/** Whether an object has most of what another has: a child in a tree lacks the id of what it is in. */
function isMostly(object: Schema, other: Schema | undefined): boolean {
  const names = Object.keys(other?.properties ?? {});
  return names.length > 0 && names.filter((name) => object.properties?.[name]).length > names.length / 2;
}

const choicesOf = (schema: Schema): Schema[] => [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
const isListOf = (schema: Schema) => choicesOf(schema).some(({ items }) => items !== undefined);

/** The object that an attribute is, or a list of, if so. */
function objectIn(schema: Schema): Schema | undefined {
  return choicesOf(schema)
    .flatMap((one) => [one, ...(one.items ? choicesOf(one.items) : [])])
    .find(({ properties }) => properties !== undefined);
}

/** What tells objects apart: the names of their attributes, at all depths. */
function shapeOf(schema: Schema): string {
  const entries = Object.entries(schema.properties ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return entries.map(([name, value]) => `${name}(${shapeOf(objectIn(value) ?? {})})`).join();
}

function typeOf(schema: Schema): string {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  const types = [schema.type ?? 'any'].flat();
  return types
    .map((type) => {
      if (type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'any'}`;
      if (type === 'object' && typeof schema.additionalProperties === 'object') return `map to ${typeOf(schema.additionalProperties)}`;
      return schema.format && type === 'string' ? `${type} (${schema.format})` : type;
    })
    .join(' or ');
}

function meaningOf(schema: Schema): string {
  const { description = '', default: preset } = schema;
  const range = rangeOf(schema);
  const told = preset === undefined ? range : `${range}${range ? ' ' : ''}Default: \`${JSON.stringify(preset)}\`.`;
  return `${description}${description && told ? ' ' : ''}${told}`;
}

/** Limits, but for those of a JSON number itself. */
function rangeOf({ minimum, maximum, minLength, maxLength, minItems, maxItems, items }: Schema): string {
  const within = (least: number | undefined, most: number | undefined, unit: string) => {
    const [from, to] = [least, most].map((end) => (end === undefined || Math.abs(end) >= Number.MAX_SAFE_INTEGER ? undefined : end));
    if (from === undefined && to === undefined) return [];
    if (to === undefined) return [`At least ${from}${unit}.`];
    return [from === undefined || (from === 0 && unit) ? `At most ${to}${unit}.` : `${from} to ${to}${unit}.`];
  };
  const ends = [...within(minimum, maximum, ''), ...within(minLength, maxLength, ' characters'), ...within(minItems, maxItems, ' entries')];
  const each = items ? [...within(items.minLength, items.maxLength, ' characters')].map((text) => `Each: ${text.toLowerCase()}`) : [];
  return [...ends, ...each].join(' ');
}

const INTRODUCTION = `# REST API

Octavia's API, version 2, and the call to resize; \`reflavor api\` serves it, and describes it at \`/docs\` (OpenAPI 3.1 at \`/docs/json\`). This is the same to read offline. A path may begin with
\`/load-balancer\`, and with \`/v2\` for \`/v2.0\`.

A project is a namespace. \`X-Auth-Token\` or \`Authorization: Bearer\` is a token of the cluster, and [RBAC decides](admin.md#who-may-do-what) what its owner may do. Every answer has a
\`X-Openstack-Request-Id\` that the API's logs have too.

An error has the body \`{"faultcode": "Client", "faultstring": "what is wrong, and what to do about it", "debuginfo": null}\`: 400 for a request that is wrong in itself or a flavor that can't be
taken, 401 without a valid token, 403 for a right that is missing (it is named) or a quota, 404, 409 for a state that can't take it and for a flavor that a GitOps tool owns, 429 above the
rate limit, 501 for what Octavia knows and amphorae here can't do, 500 and 503 for what is wrong on the side of the server.

Octavia's calls for quotas, availability zones and their profiles are not there, nor those that configure or delete an amphora: an amphora is configured by the operator alone, and fails over
or goes with its load balancer.

## ${LISTS}

A query may have any attribute of what is listed as well, as in \`?name=web\`, \`tags\`, \`tags-any\`, \`not-tags\` and \`not-tags-any\`. Where there is more than \`limit\`, \`…_links\` beside the list says where it goes on.
`;
