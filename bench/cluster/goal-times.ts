import { GOALS, type Goal, type LoadBalancer } from '../../src/api/index.ts';

/** When each goal of an operation was first seen to be met. */
export class GoalTimes {
  readonly #seen = new Map<Goal, number>();
  readonly #number: number;

  /** `number`: the operation's. */
  constructor(number: number) {
    this.#number = number;
  }

  /** What the object says at that time; milliseconds. */
  see({ status }: LoadBalancer, atMs: number): void {
    if (status?.operation?.number !== this.#number) return;
    for (const { name } of status.operation.goals ?? []) if (!this.#seen.has(name)) this.#seen.set(name, atMs);
  }

  get isComplete(): boolean {
    return this.#seen.has('Committed');
  }

  /** How long each goal took from the one before it, in their order; goals met at once took nothing. Milliseconds. */
  durations(startedAt: number): { goal: Goal; ms: number }[] {
    let before = startedAt;
    return GOALS.map((goal) => {
      const at = this.#seen.get(goal);
      if (at === undefined) throw new Error(`goal ${goal} was never seen to be met`);
      const ms = at - before;
      before = at;
      return { goal, ms };
    });
  }
}
