/** The TypeScript types of the kinds, in plain words, for users who have neither this repository nor zod. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import * as api from '../../src/api/index.ts';

interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  default?: unknown;
  description?: string;
}

const ROOTS = ['LoadBalancerSpec', 'LoadBalancerStatus', 'FlavorSpec', 'FlavorStatus', 'FlavorProfileSpec', 'AmphoraSpec', 'AmphoraStatus'];

/**
 * One interface or union for each schema of `src/api` that the kinds reach, the first mention first. What has a default is optional, as for
 * whoever writes an object; the API server fills it in.
 */
export function sdkTypes(): string {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(api)) if (schema instanceof z.ZodType) registry.add(schema, { id });
  const schemas = z.toJSONSchema(registry, { io: 'input', unrepresentable: 'throw', uri: (id) => id }).schemas as Record<string, Schema>;
  const comments = commentsOf(join(import.meta.dirname, '../../src/api'));
  const written = new Map<string, string>();

  const write = (name: string): void => {
    if (written.has(name)) return;
    written.set(name, '');
    const schema = schemas[name]!;
    const comment = comments.get(name) ?? schema.description;
    const text = schema.properties ? `export interface ${name} ${typeOf(schema)}` : `export type ${name} = ${typeOf(schema)};`;
    written.set(name, `${docstring(comment, '')}${text}\n`);
  };
  const typeOf = (schema: Schema): string => {
    if (schema.$ref) {
      const target = schemas[schema.$ref]!;
      // A string with a pattern or a number with bounds: its name would say nothing to a compiler.
      if (!target.properties && !target.enum) return typeOf(target);
      write(schema.$ref);
      return schema.$ref;
    }
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
    if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
    if (schema.type === 'array') return `(${typeOf(schema.items!)})[]`;
    if (schema.properties) return `{\n${Object.entries(schema.properties).map(field(schema.required)).join('')}}`;
    if (typeof schema.additionalProperties === 'object') return `Record<string, ${typeOf(schema.additionalProperties)}>`;
    if (schema.type === 'integer') return 'number';
    return schema.type!;
  };
  const field =
    (required: string[] = []) =>
    ([name, schema]: [string, Schema]): string => {
      const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
      return `${fieldComment(schema)}${key}${required.includes(name) ? '' : '?'}: ${typeOf(schema)};\n`;
    };

  for (const root of ROOTS) write(root);
  return [...written.values()].join('\n');
}

function fieldComment({ description, default: value }: Schema): string {
  // A default that is itself made of defaults stands at these.
  const said = value === undefined || typeof value === 'object' || description?.includes('efault') ? '' : `Default: ${value}.`;
  return docstring([description, said].filter(Boolean).join(' '), '  ');
}

/** A comment of one line where it fits in, else of several. */
function docstring(text: string | undefined, indent: string): string {
  if (!text) return '';
  if (text.length < 120) return `/** ${text} */\n`;
  const lines = text.match(/.{1,120}(?:\s|$)/g)!.map((line) => `${indent} * ${line.trimEnd()}\n`);
  return `/**\n${lines.join('')}${indent} */\n`;
}

/** The comment above each exported schema. */
function commentsOf(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    for (const [, comment, name] of readFileSync(join(folder, file), 'utf8').matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+) = z\b/g,
    )) {
      found.set(name!, comment!.replaceAll(/\s*\n \* ?/g, ' ').trim());
    }
  }
  return found;
}
