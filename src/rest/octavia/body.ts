import { isIP } from 'node:net';
import * as z from 'zod';
import { invalidInput, OctaviaFault } from './fault.ts';

/** What bodies of requests are made of. null is for "the default", as in Octavia; a PUT leaves alone what it does not name. */

/** Free text, a name or a description. */
export const Text = z.string().max(255, 'Value should have a maximum character requirement of 255').nullish();
export const Bool = z.boolean('Value should be true or false').nullish();
export const Tags = z
  .array(z.string().min(1).max(255, 'Value should have a maximum character requirement of 255'))
  .max(64, 'There can be at most 64 tags')
  .nullish();
/** An id, or a name where that says which one is meant. */
export const Reference = z.string().min(1).max(255).nullish();

/** A whole number; also one written as a string, as the openstack command sends some. */
export const integer = (minimum: number, maximum: number) =>
  z
    .union(
      [
        z.int(),
        z
          .string()
          .regex(/^[+-]?\d{1,15}$/)
          .transform(Number),
      ],
      'Value should be an integer',
    )
    .pipe(
      z.int().min(minimum, `Value should be greater or equal to ${minimum}`).max(maximum, `Value should be lower or equal to ${maximum}`),
    )
    .meta({ description: `From ${minimum} to ${maximum}.` });

export const Port = integer(1, 65_535);

export const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, `Value should be one of: ${values.join(', ')}`);

/** An address as Kubernetes takes it: no zone, no IPv4 address in IPv6. */
export const IpAddress = z
  .string()
  .refine((value) => isIP(value) !== 0 && !value.includes('%') && !/^::ffff:/i.test(value), 'Value should be IPv4 or IPv6 format');

/** The project, which is a namespace; the older name means the same. */
export const Project = { project_id: z.string().max(63).nullish(), tenant_id: z.string().max(63).nullish() };

/** Attributes of Octavia that a body may not have here, with where what they ask for is to be asked. */
const ELSEWHERE: Record<string, string> = {
  flavor_id: 'to change the flavor, PUT /v2.0/lbaas/loadbalancers/{id}/resize with new_flavor_id',
  new_flavor_id: 'it belongs to PUT /v2.0/lbaas/loadbalancers/{id}/resize',
};

/** Why a body does not match its schema, in the words that Octavia's web framework (WSME) has for it; the first reason alone. */
export function faultOf(issues: readonly z.core.$ZodIssue[], body: unknown): OctaviaFault {
  const issue = issues[0]!;
  const names = issue.path.filter((part) => typeof part !== 'number').map(String);
  if (issue.code === 'unrecognized_keys') {
    const elsewhere = issue.keys.flatMap((key) => ELSEWHERE[key] ?? []).map((hint) => `; ${hint}`);
    return new OctaviaFault(
      400,
      `Unknown attribute${issue.keys.length > 1 ? 's' : ''} for argument ${names.join('.') || 'body'}: ${issue.keys.join(', ')}${elsewhere.join('')}`,
    );
  }
  const value = issue.path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | undefined | null)?.[part], body);
  return invalidInput(names.at(-1) ?? 'body', value, value === undefined ? 'Mandatory field missing.' : `${issue.message}.`);
}

/** The body as its schema has it. @throws OctaviaFault 400 */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (!result.success) throw faultOf(result.error.issues, body);
  return result.data;
}
