import type { AmphoraSpec, Steering } from '../../api/index.ts';

/** The things that the shell does for a plan; each is safe to repeat. */
export type Act =
  | { type: 'AddFinalizer' }
  | { type: 'RemoveFinalizer' }
  | { type: 'EnsureVip'; ports: number[]; closes: boolean }
  | { type: 'ReleaseVip' }
  | { type: 'CreateAmphora'; name: string; spec: AmphoraSpec }
  | { type: 'Steer'; name: string; to: Steering }
  | { type: 'Promote'; name: string }
  | { type: 'DeleteAmphora'; name: string }
  | { type: 'DestroyStray'; name: string };

/** Acts after which something serves no longer, or is gone. Written with the resourceVersion of what they were decided on. */
export function takesAway(act: Act): boolean {
  if (act.type === 'Steer') return act.to !== 'Attached';
  if (act.type === 'EnsureVip') return act.closes;
  return act.type === 'DeleteAmphora' || act.type === 'DestroyStray' || act.type === 'ReleaseVip' || act.type === 'RemoveFinalizer';
}

/**
 * What takes away is decided again on a fresh read: neither a stale cache nor an old leader that wakes up can take the last amphora away. But for
 * the deletion of an amphora: that rests on this one object, whose very version the API server demands, and which is read anew before anything of
 * it ends.
 */
export const needsFreshEyes = (act: Act): boolean => takesAway(act) && act.type !== 'DeleteAmphora';

/** Acts whose effect is known as soon as they are done, so that the visit may go on from there. */
export const isKnownAtOnce = ({ type }: Act): boolean =>
  type === 'AddFinalizer' ||
  type === 'CreateAmphora' ||
  type === 'Steer' ||
  type === 'Promote' ||
  type === 'EnsureVip' ||
  type === 'DeleteAmphora';
