import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod';
import type { LoadBalancer, LoadBalancerSpec } from '../../api/index.ts';
import { conflict, invalidInput } from './fault.ts';
import { snake } from './fields.ts';
import { idOf } from './ids.ts';
import { annotated, type Notes, notesOf } from './notes.ts';

/** A load balancer in the making: its spec and its notes are changed in place, and are nobody else's. */
export interface Draft extends LoadBalancer {
  notes: Notes;
}

/**
 * A copy of a load balancer as `act` changes it; the very same where nothing is changed.
 * @throws OctaviaFault 409 where it is being deleted, and whatever `act` throws
 */
export function changed(loadBalancer: LoadBalancer, act: (draft: Draft) => void): LoadBalancer {
  const { metadata } = loadBalancer;
  if (metadata.deletionTimestamp) throw conflict(`Load Balancer ${metadata.uid} is immutable and cannot be updated.`);
  const draft: Draft = {
    ...loadBalancer,
    spec: JSON.parse(JSON.stringify(loadBalancer.spec)) as LoadBalancerSpec,
    notes: notesOf(loadBalancer),
  };
  act(draft);
  const { notes, spec } = draft;
  const annotations = annotated(metadata.annotations, spec, notes);
  const same = isDeepStrictEqual(spec, loadBalancer.spec) && isDeepStrictEqual(annotations, metadata.annotations ?? {});
  return same ? loadBalancer : { ...loadBalancer, metadata: { ...metadata, annotations }, spec };
}

/** The same for a new child: the load balancer with it, and its id. `act` returns its path. */
export function withChild(loadBalancer: LoadBalancer, act: (draft: Draft) => string): { loadBalancer: LoadBalancer; id: string } {
  let path = '';
  const after = changed(loadBalancer, (draft) => {
    path = act(draft);
  });
  return { loadBalancer: after, id: idOf(after, path) };
}

/** Puts down the name (where it is not the key) and tags of a child. null and absent tell "none" and "as before" apart. */
export function note(notes: Notes, path: string, body: { name?: string | null; tags?: string[] | null }, key?: string): void {
  const before = notes[path];
  const name = body.name === undefined ? before?.name : (body.name ?? '');
  notes[path] = { name: name === key ? undefined : name, tags: body.tags === undefined ? before?.tags : (body.tags ?? []) };
}

/** Puts one in the place of another. */
export const swap = <T>(list: T[], before: T, after: T): void => {
  list[list.indexOf(before)] = after;
};

/** What the fields of a spec want where a pattern alone would not tell. */
const WANTED: Record<string, string> = {
  redirect_url: 'Value must be a valid URL string, absolute and of scheme http or https',
  redirect_prefix: 'Value must be a valid URL string, absolute and of scheme http or https',
  url_path: 'Value must be a valid URL Path string: it starts with / and has no blanks, quotes or control characters',
  expected_codes: 'Value should be one code from 100 to 599, a list (200,202) or a range (200-204)',
  domain_name: 'Value should be a host name',
  tls_ciphers: 'Value should be a list of ciphers as OpenSSL has it, separated by colons',
  cookie_name: "Value should be a token of RFC 9110: letters, digits and !#$%&'*+-.^_`|~",
  key: "Value should be a token of RFC 9110: letters, digits and !#$%&'*+-.^_`|~",
  value: 'Value should be text of 1 to 255 characters without control characters',
};
const SECRET = 'Value should be the name of a Secret of the same namespace';

/** A part of the spec with its defaults filled in. @throws OctaviaFault 400 where the spec has no room for what was asked for */
export function settled<S extends z.ZodType>(schema: S, part: unknown): z.output<S> {
  const result = schema.safeParse(part);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const field = snake(String(path.filter((name) => typeof name !== 'number').at(-1) ?? 'body'));
  const value = path.reduce<unknown>((at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name], part);
  const wanted = WANTED[field] ?? (/_refs?$/.test(field) ? SECRET : message);
  throw invalidInput(field, value, `${wanted}.`);
}
