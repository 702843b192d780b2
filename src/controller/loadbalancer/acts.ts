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

/**
 * Acts after which something serves no longer, or is gone. They are decided again on a fresh read, and written with that read's
 * resourceVersion: neither a stale cache nor an old leader that wakes up can take the last amphora away.
 */
export function takesAway(act: Act): boolean {
  if (act.type === 'Steer') return act.to !== 'Attached';
  if (act.type === 'EnsureVip') return act.closes;
  return act.type === 'DeleteAmphora' || act.type === 'DestroyStray' || act.type === 'ReleaseVip' || act.type === 'RemoveFinalizer';
}
