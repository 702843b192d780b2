import { describe, expect, test } from '@jest/globals';
import { kinds, loadBalancer } from '../../../tools/crd/kinds.ts';
import { customResourceDefinition } from '../../../tools/crd/manifest.ts';
import { type Schema, structuralSchema } from '../../../tools/crd/structural.ts';

/** Every node of a schema with its path. */
function nodes(schema: Schema, path = ''): [string, Schema][] {
  const children: [string, Schema | undefined][] = [
    [`${path}[]`, schema.items],
    [`${path}{}`, schema.additionalProperties],
    ...Object.entries(schema.properties ?? {}).map(([name, child]): [string, Schema] => [`${path}.${name}`, child]),
  ];
  return [[path, schema], ...children.flatMap(([below, child]) => (child ? nodes(child, below) : []))];
}
const schemaOf = (definition: (typeof kinds)[number]) =>
  customResourceDefinition(definition).spec.versions[0]!.schema.openAPIV3Schema.properties as Record<string, Schema>;

describe.each(kinds.map((definition) => [definition.kind, definition] as const))('the schema of %s', (_, definition) => {
  const { spec, status } = schemaOf(definition);
  const all = [...nodes(spec as Schema, 'spec'), ...(status ? nodes(status, 'status') : [])];
  const paths = (test: (schema: Schema) => boolean) => all.filter(([, schema]) => test(schema)).map(([path]) => path);

  test('bounds every string, list and map, so that CEL costs and objects are bounded', () => {
    expect(paths((schema) => schema.type === 'string' && !schema.enum && schema.maxLength === undefined)).toEqual([]);
    expect(paths((schema) => schema.type === 'array' && schema.maxItems === undefined)).toEqual([]);
    expect(paths((schema) => schema.additionalProperties !== undefined && schema.maxProperties === undefined)).toEqual([]);
  });

  test('says of every list how it is merged', () => {
    expect(paths((schema) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined)).toEqual([]);
  });

  test('gives every node a type', () => {
    expect(paths((schema) => schema.type === undefined && !schema['x-kubernetes-int-or-string'])).toEqual([]);
  });

  test('has a rule for none without words for people', () => {
    const rules = all.flatMap(
      ([, schema]) => (schema['x-kubernetes-validations'] as { rule: string; message: string }[] | undefined) ?? [],
    );
    expect(rules.filter(({ message }) => !message || message.length < 20)).toEqual([]);
  });

  test('shows in its columns fields that there are', () => {
    const fields = new Set(all.map(([path]) => `.${path}`));
    const plain = definition.columns.map(({ jsonPath }) => jsonPath).filter((path) => !path.includes('[') && !path.startsWith('.metadata'));
    expect(plain.filter((path) => !fields.has(path))).toEqual([]);
  });
});

test('every string of a LoadBalancer that isn’t for people alone is of a form that has no newline', () => {
  const forPeople = ['spec.name', 'spec.description', 'spec.tags[]', 'spec.listeners[].description', 'spec.pools[].description'].concat([
    'spec.listeners[].l7Policies[].description',
    'spec.pools[].members[].name',
    // For whatever gives the Service of the VIP its address.
    'spec.vip.service.annotations{}',
  ]);
  const forms = (schema: Schema) =>
    schema.enum !== undefined ||
    (typeof schema.pattern === 'string' && !new RegExp(schema.pattern, 'u').test('a\n') && !new RegExp(schema.pattern, 'u').test('/\n')) ||
    /^is(IP|CIDR)\(self\)$/.test(String((schema['x-kubernetes-validations'] as { rule: string }[] | undefined)?.[0]?.rule));
  const loose = nodes(structuralSchema(loadBalancer.spec), 'spec')
    .filter(([, schema]) => schema.type === 'string' && !forms(schema))
    .map(([path]) => path);
  expect(loose.sort()).toEqual(forPeople.sort());
});
