import { Cancelled, Failed, NotFound, OwnedByGitOps, Refused, Superseded, Timeout } from '../sdk/errors.ts';

/** What a script may rely on: each end has a code of its own. */
export const EXIT_CODES = {
  done: { code: 0, meaning: 'done; without --wait: asked for' },
  error: { code: 1, meaning: 'anything else went wrong: no answer, no permission, no kubeconfig' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  refused: { code: 3, meaning: 'refused, by admission or by the operator; nothing was touched' },
  failed: { code: 4, meaning: 'it failed and was taken back; the flavor in force serves' },
  cancelled: { code: 5, meaning: 'somebody set flavorId back meanwhile' },
  superseded: { code: 6, meaning: 'somebody asked for another flavor meanwhile' },
  timeout: { code: 7, meaning: 'not done within --timeout; it goes on' },
  gitops: { code: 8, meaning: 'flavorId is written from Git; change it there, or use --force' },
  notFound: { code: 9, meaning: 'there is no such load balancer or flavor' },
  interrupted: { code: 130, meaning: 'interrupted (Ctrl-C); what was asked for goes on' },
} as const;

/** Ctrl-C, or a signal that asks to end. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/** The command line is wrong in a way that its parser can't know. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The code that tells a script what an error was. */
export function exitCodeOf(error: unknown): number {
  const codes: [new (...args: never[]) => Error, keyof typeof EXIT_CODES][] = [
    [UsageError, 'usage'],
    [Refused, 'refused'],
    [Failed, 'failed'],
    [Cancelled, 'cancelled'],
    [Superseded, 'superseded'],
    [Timeout, 'timeout'],
    [OwnedByGitOps, 'gitops'],
    [NotFound, 'notFound'],
    [Interrupted, 'interrupted'],
  ];
  const found = codes.find(([type]) => error instanceof type);
  return EXIT_CODES[found?.[1] ?? 'error'].code;
}
