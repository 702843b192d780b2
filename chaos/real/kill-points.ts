import { type Call, describeCall, isWrite } from './api-call.ts';
import type { Interference } from './api-proxy.ts';
import type { OperatorProcess } from './operator-process.ts';

/** Where in its course the operator is killed: at its nth write in a namespace, before the API server has it or after. */
export interface KillPoint {
  write: number;
  side: 'before' | 'after';
  /** And again at each so many writes, those counted that it had no time to make. Default: never. */
  every?: number;
}

/** A point of which it will be known whether the operator came to it, and at which write that was. */
export interface ArmedPoint {
  interference: Interference;
  /** The writes, in words, at which the operator has been killed. */
  readonly killedAt: readonly string[];
}

export function armed({ write, side, every }: KillPoint, namespace: string, operator: OperatorProcess): ArmedPoint {
  let count = 0;
  const chosen = new WeakSet<Call>();
  const killedAt: string[] = [];
  const kill = async (call: Call) => {
    killedAt.push(describeCall(call));
    await operator.crash();
    return 'cut' as const;
  };
  return {
    killedAt,
    interference: {
      before(call) {
        if (!isWrite(call) || call.namespace !== namespace) return undefined;
        count++;
        if (count !== write && !(every && count > write && (count - write) % every === 0)) return undefined;
        chosen.add(call);
        return side === 'before' ? kill(call) : undefined;
      },
      after: (call) => (chosen.has(call) && side === 'after' ? kill(call) : undefined),
    },
  };
}

/** Points not come to, one after the other, after which there are no more. A course may be shorter once by chance: two writes that became one. */
const MOST_MISSES = 4;

/** Every point, in order, until several are not come to any more; or those that are given. */
export class KillPoints {
  readonly #given: KillPoint[] | undefined;
  #taken = 0;
  #misses = 0;

  constructor(given?: readonly KillPoint[]) {
    this.#given = given && [...given];
  }

  get hasMore(): boolean {
    return this.#given ? this.#given.length > 0 : this.#misses < MOST_MISSES;
  }

  /** The next; undefined when there are no more. */
  next(): KillPoint | undefined {
    if (this.#given) return this.#given.shift();
    if (!this.hasMore) return undefined;
    const index = this.#taken++;
    return { write: Math.floor(index / 2) + 1, side: index % 2 === 0 ? 'before' : 'after' };
  }

  /** Whether the operator came to a point that it was led through with. */
  led(hit: boolean): void {
    if (this.hasMore) this.#misses = hit ? 0 : this.#misses + 1;
  }
}
