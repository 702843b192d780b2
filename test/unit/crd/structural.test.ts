import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { structuralSchema } from '../../../tools/crd/structural.ts';

describe('structuralSchema', () => {
  test('requires neither what is optional nor what has a default', () => {
    const schema = structuralSchema(z.object({ a: z.string(), b: z.string().optional(), c: z.int().default(3) }));
    expect(schema.required).toEqual(['a']);
    expect(schema.properties?.c).toEqual({ type: 'integer', default: 3 });
  });

  test('makes one enum of a union of literals', () => {
    expect(structuralSchema(z.union([z.literal(301), z.literal(302)]))).toEqual({ type: 'integer', enum: [301, 302] });
    expect(structuralSchema(z.union([z.literal('a'), z.literal('b')]))).toEqual({ type: 'string', enum: ['a', 'b'] });
  });

  test('says int-or-string as Kubernetes does, with the bounds of both', () => {
    expect(structuralSchema(z.union([z.int().min(1).max(9), z.string().max(5)]))).toEqual({
      'x-kubernetes-int-or-string': true,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      minimum: 1,
      maximum: 9,
      maxLength: 5,
    });
  });

  test('refuses a union that a CRD can’t say, and names where it is', () => {
    expect(() => structuralSchema(z.object({ a: z.array(z.union([z.boolean(), z.string()])) }))).toThrow(
      '.a[]: a CRD has no union of boolean and string',
    );
  });

  test('says no bounds that JavaScript alone has', () => {
    expect(structuralSchema(z.int())).toEqual({ type: 'integer' });
    expect(structuralSchema(z.int().min(0))).toEqual({ type: 'integer', minimum: 0 });
  });

  test('closes no object: unknown fields are the API server’s to prune', () => {
    expect(structuralSchema(z.object({ a: z.object({}) }))).not.toHaveProperty('properties.a.additionalProperties');
    expect(structuralSchema(z.record(z.string(), z.string().max(3))).additionalProperties).toEqual({ type: 'string', maxLength: 3 });
  });

  test('passes rules and list types through', () => {
    const rules = [{ rule: 'self == oldSelf', message: 'no' }];
    const schema = structuralSchema(z.array(z.string()).meta({ 'x-kubernetes-validations': rules, 'x-kubernetes-list-type': 'set' }));
    expect(schema).toMatchObject({ 'x-kubernetes-validations': rules, 'x-kubernetes-list-type': 'set' });
  });
});
