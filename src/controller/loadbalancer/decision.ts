import type { Act } from './acts.ts';
import { type Begun, type Book, record } from './operation.ts';
import type { World } from './world.ts';

/** What the status is to say of a visit, before the wording of the conditions. */
export interface Verdict {
  phase: 'Deleting' | 'Suspended' | 'Refused' | 'Operating' | 'GoingBack' | 'Failed' | 'Pending' | 'Steady';
  reason: string;
  message: string;
  /** It waits for somebody to mend something, though an operation is at hand. */
  stalled?: boolean;
}

/** What a visit comes to. When the book changes, nothing is done before that is written: `acts` is empty then. */
export interface Plan {
  acts: Act[];
  book: Book;
  verdict: Verdict;
  /** Decided, like the acts that take away, on a fresh read alone: another flavor comes into force, or something is thought lost. */
  isDecisive?: boolean;
  /** When to look again although nothing may have happened; milliseconds. */
  requeueAfterMs?: number;
}

/** Begins an operation: that is written before anything is done. */
export function begun(world: World, operation: Begun): Plan {
  const book = record(
    world.loadBalancer,
    world.amphorae.map((v) => v.object),
    world.now,
    operation,
  );
  const message =
    operation.kind === 'Create'
      ? `Creating with flavor ${operation.to}.`
      : operation.kind === 'Resize'
        ? `Resizing from ${book.flavorId} to ${operation.to}.`
        : `Failing over onto new amphorae of flavor ${operation.to}: ${operation.cause?.message ?? 'it is tried again.'}`;
  return { acts: [], book, verdict: { phase: 'Operating', reason: 'OperationInProgress', message }, requeueAfterMs: 0 };
}
