import * as z from 'zod';
import type { LoadBalancer } from '../../api/index.ts';
import { OctaviaFault } from './fault.ts';
import { childrenOf } from './ids.ts';

/**
 * Annotation of a LoadBalancer with what Octavia knows of its children and the spec has no field for: JSON, by path of the child (`pathOf`).
 * Ours alone; who edits the spec by other ways need not know of it.
 */
export const OCTAVIA_ANNOTATION = 'reflavor.dev/octavia';

/** `name`: where it is not the child's key. `tags`: where there are any. */
const Note = z.object({ name: z.string().max(255).optional(), tags: z.array(z.string()).optional() });
export type Note = z.infer<typeof Note>;
export type Notes = Record<string, Note>;

/** An object's annotations may have 256 KiB in all (apimachinery, TotalAnnotationSizeLimitB). */
const MOST_BYTES = 200 * 1024;

/** The notes of a load balancer; none where they can't be read, as after an edit by hand. */
export function notesOf({ metadata }: Pick<LoadBalancer, 'metadata'>): Notes {
  try {
    return z.record(z.string(), Note).parse(JSON.parse(metadata.annotations?.[OCTAVIA_ANNOTATION] ?? '{}'));
  } catch {
    return {};
  }
}

/** The annotations with these notes, those of children that are gone left out. @throws OctaviaFault 403 where they are too long */
export function annotated(annotations: Record<string, string> = {}, spec: LoadBalancer['spec'], notes: Notes): Record<string, string> {
  const { [OCTAVIA_ANNOTATION]: _before, ...others } = annotations;
  const kept = [...childrenOf({ spec })].flatMap(({ path }) => {
    const { name, tags = [] } = notes[path] ?? {};
    return name === undefined && tags.length === 0
      ? []
      : [[path, { ...(name !== undefined && { name }), ...(tags.length > 0 && { tags }) }]];
  });
  if (kept.length === 0) return others;
  const text = JSON.stringify(Object.fromEntries(kept));
  if (Buffer.byteLength(text) > MOST_BYTES)
    throw new OctaviaFault(
      403,
      'Quota has been met for resources: Tags. Names and tags of all children are too long together: shorten them.',
    );
  return { ...others, [OCTAVIA_ANNOTATION]: text };
}
