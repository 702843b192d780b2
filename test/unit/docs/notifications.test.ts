import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CloudEvent, HTTP } from 'cloudevents';
import * as z from 'zod';
import { OperationKind } from '../../../src/api/index.ts';
import { DATA_SCHEMA } from '../../../src/notify/payload.ts';

interface Node {
  $id?: string;
  properties?: Record<string, Node>;
  anyOf?: Node[];
}

const docs = join(import.meta.dirname, '../../../docs');
const page = readFileSync(join(docs, 'notifications.md'), 'utf8');
const schema = JSON.parse(readFileSync(join(docs, 'schemas/notification.schema.json'), 'utf8')) as Node;
const examples = [...page.matchAll(/^`(\S+)`\n\n```json\n(.*?)\n```$/gms)].map(([, type, text]) => ({ type: type!, text: text! }));
const read = (text: string) =>
  HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: text }) as CloudEvent<Record<string, unknown>>;
const validator = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);

/** Paths of an object that the schema does not know. */
function undeclared(node: Node, value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const properties = node.properties ?? node.anyOf?.find((choice) => choice.properties)?.properties ?? {};
  return Object.entries(value).flatMap(([name, inner]) =>
    properties[name] ? undeclared(properties[name], inner, `${path}.${name}`) : [`${path}.${name}`],
  );
}

describe('the page of notifications', () => {
  test('has an example of every type that there is, and of no other', () => {
    const words = ['start', 'end', 'error', 'cancel'];
    const ofOperations = OperationKind.options.flatMap((kind) => words.map((word) => `${kind.toLowerCase()}.${word}`));
    const all = [...ofOperations, 'update.end', 'update.error', 'delete.start', 'delete.end'].map((type) => `octavia.loadbalancer.${type}`);
    expect(examples.map(({ type }) => type).sort()).toEqual(all.sort());
    for (const type of all) expect(page).toContain(`| \`${type.replace('octavia.loadbalancer.', '')}\` |`);
  });

  test.each(examples)('has an example of $type that is a CloudEvent and matches the schema', ({ type, text }) => {
    const event = read(text);
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({ type, dataschema: schema.$id, subject: 'shop/web' });
    expect(validator.safeParse(event.data).error).toBeUndefined();
    expect(undeclared(schema, event.data)).toEqual([]);
  });

  test('shows different events: no two have the same id and type', () => {
    expect(new Set(examples.map(({ text }) => `${read(text).id} ${read(text).type}`)).size).toBe(examples.length);
  });
});

describe('the schema of notifications', () => {
  const { data } = read(examples.find(({ type }) => type.endsWith('resize.end'))!.text);

  test('has the name that events give it', () => expect(schema.$id).toBe(DATA_SCHEMA));

  test.each([
    ['without an id', { ...data, loadbalancer_id: undefined }],
    ['with an unknown result', { ...data, operation: { kind: 'Resize', result: 'Perhaps' } }],
    ['with a flavor that is but a name', { ...data, flavor: 'large' }],
  ])('refuses data %s', (_, wrong) => expect(validator.safeParse(JSON.parse(JSON.stringify(wrong))).success).toBe(false));

  test('lets fields pass that are added later', () => expect(validator.safeParse({ ...data, later: 1 }).success).toBe(true));
});
