import type { ObjectMeta } from './meta.ts';

/** Field managers that write back from Git what others change; a `*` stands for anything. Argo CD, Flux. */
export const GITOPS_MANAGERS: readonly string[] = ['argocd-*', 'helm-controller', 'kustomize-controller'];

type Entry = { manager?: string; subresource?: string; fieldsV1?: { 'f:spec'?: Record<string, unknown> } };

/**
 * The field managers among `managers` that own `spec.flavorId`, by server-side apply's books (KEP-555, `metadata.managedFields`): whoever changes
 * the flavor past them has it written back. Sorted; empty where only others own it, or nobody.
 */
export function flavorOwners({ managedFields = [] }: ObjectMeta, managers: readonly string[] = GITOPS_MANAGERS): string[] {
  const owners = (managedFields as Entry[])
    .filter(({ subresource, fieldsV1 }) => !subresource && fieldsV1?.['f:spec']?.['f:flavorId'] !== undefined)
    .flatMap(({ manager }) => manager ?? []);
  return [...new Set(owners.filter((owner) => managers.some((pattern) => matches(owner, pattern))))].sort();
}

function matches(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop()!;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.startsWith(first) && name.endsWith(last) && name.length >= at + last.length;
}
