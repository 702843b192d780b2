/** From zod to what a CustomResourceDefinition takes: a structural schema (KEP "Structural schemas for CRDs"). */
import * as z from 'zod';

/** A node of an OpenAPI v3 schema, with the `x-kubernetes-*` extensions. */
export interface Schema {
  description?: string;
  type?: string;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  default?: unknown;
  [keyword: string]: unknown;
}

/** Read by people first: what it is, then what it holds. */
const ORDER = ['description', 'type', 'x-kubernetes-int-or-string', 'anyOf', 'format', 'enum', 'default'];
const LAST = ['items', 'additionalProperties', 'required', 'properties', 'x-kubernetes-validations'];

/**
 * The structural schema of what a user may write, so fields with a default are not required.
 *
 * @throws Error naming the path of what a CRD can't say: a union other than of literals of one type or of a number and a string
 */
export function structuralSchema(schema: z.ZodType): Schema {
  const { $schema: _, ...openapi } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', unrepresentable: 'throw' });
  return structural(openapi as Schema, '');
}

function structural(node: Schema, path: string): Schema {
  const { anyOf, ...rest } = node;
  const schema: Schema = { ...rest, ...(anyOf && union(anyOf, path)) };
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (typeof schema.additionalProperties !== 'object') delete schema.additionalProperties;
  if (schema.items) schema.items = structural(schema.items, `${path}[]`);
  if (schema.additionalProperties) schema.additionalProperties = structural(schema.additionalProperties, `${path}{}`);
  if (schema.properties) {
    schema.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, structural(property, `${path}.${name}`)]),
    );
  }
  const rank = (keyword: string) => (ORDER.includes(keyword) ? ORDER.indexOf(keyword) - ORDER.length : LAST.indexOf(keyword) + 1);
  return Object.fromEntries(Object.entries(schema).sort(([a], [b]) => rank(a) - rank(b))) as Schema;
}

function union(alternatives: Schema[], path: string): Schema {
  const literals = alternatives.flatMap((alternative) => alternative.enum ?? []);
  if (alternatives.every((alternative) => alternative.enum) && new Set(literals.map((literal) => typeof literal)).size === 1) {
    return { type: literals.every(Number.isInteger) ? 'integer' : alternatives[0]?.type, enum: literals };
  }
  const types = alternatives.map((alternative) => alternative.type).sort();
  if (types.join() !== 'integer,string') throw new Error(`${path}: a CRD has no union of ${types.join(' and ')}`);
  // The bounds of each may stand side by side: those of numbers are not looked at for a string, nor the other way round.
  const bounds = alternatives.map(({ type: _, ...others }) => others);
  return Object.assign({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }, ...bounds);
}
