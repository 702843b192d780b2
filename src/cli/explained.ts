import { Cancelled, Failed, OwnedByGitOps, Refused, Superseded, Timeout } from '../sdk/errors.ts';
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
  const { name, namespace } = (error as { loadBalancer?: { metadata: { name: string; namespace?: string } } }).loadBalancer?.metadata ?? {};
  const lb = `${name} --namespace ${namespace}`;
  if (!name) return [];
  if (error instanceof Failed) return [`When the cause is mended: kubectl lb retry ${lb}`, `To give it up: kubectl lb cancel ${lb}`];
  if (error instanceof Refused && !error.reason.startsWith('NothingTo')) return [`To take it back: kubectl lb cancel ${lb}`];
  if (error instanceof Timeout || error instanceof Superseded || error instanceof Cancelled) return [`See: kubectl lb status ${lb}`];
  return [];
}
