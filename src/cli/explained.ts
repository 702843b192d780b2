import { Cancelled, Failed, OwnedByGitOps, Refused, Superseded, Timeout } from '../sdk/errors.ts';
import type { LoadBalancer } from '../sdk/kinds.ts';
import { Interrupted } from './exit-codes.ts';

/**
 * An error as a person gets it: what happened, and what can be done.
 *
 * @param args the command line, for what could be typed next
 */
export function explained(error: unknown, args: string[]): string[] {
  const message = error instanceof Error ? error.message : String(error);
  const said = error instanceof Refused || error instanceof Failed ? `${error.reason}: ${message}` : message;
  return [`kubectl lb: ${said}`, ...next(error, args).map((line) => `  ${line}`)];
}

function next(error: unknown, args: string[]): string[] {
  if (error instanceof OwnedByGitOps) return [`To change it all the same until it is written back: kubectl lb ${args.join(' ')} --force`];
  if (error instanceof Interrupted && args.includes('--wait'))
    return ['What was asked for goes on. kubectl lb status shows how far it is.'];
  const { loadBalancer } = error as { loadBalancer?: LoadBalancer };
  if (!loadBalancer) return [];
  const { metadata, spec, status } = loadBalancer;
  const lb = `${metadata.name} --namespace ${metadata.namespace}`;
  const takeBack = spec.flavorId !== status?.flavorId && status?.flavorId ? [`To take it back: kubectl lb cancel ${lb}`] : [];
  if (error instanceof Failed) return [`When the cause is mended: kubectl lb retry ${lb}`, ...takeBack];
  if (error instanceof Refused) return takeBack;
  if (error instanceof Timeout || error instanceof Superseded || error instanceof Cancelled) return [`See: kubectl lb status ${lb}`];
  return [];
}
