import { type Call, describeCall, isWrite } from './api-call.ts';
import type { Interference } from './api-proxy.ts';
import type { OperatorProcess } from './operator-process.ts';

/** Where in its course the operator is killed: at its nth write in a namespace, before the API server has it or after. */
export interface KillPoint {
  write: number;
  side: 'before' | 'after';
}

/** A point of which it will be known whether the operator came to it, and at which write that was. */
export interface ArmedPoint {
  interference: Interference;
  /** The write, in words, once the operator has been killed there. */
  readonly killedAt: string | undefined;
}

export function armed({ write, side }: KillPoint, namespace: string, operator: OperatorProcess): ArmedPoint {
  let count = 0;
  let chosen: Call | undefined;
  let killedAt: string | undefined;
  const kill = async (call: Call) => {
    killedAt = describeCall(call);
    await operator.crash();
    return 'cut' as const;
  };
  return {
    get killedAt() {
      return killedAt;
    },
    interference: {
      before(call) {
        if (!isWrite(call) || call.namespace !== namespace || ++count !== write) return undefined;
        chosen = call;
        return side === 'before' ? kill(call) : undefined;
      },
      after: (call) => (call === chosen && side === 'after' ? kill(call) : undefined),
    },
  };
}

/** Every point, in order, until one is not come to any more; or those that are given. */
export class KillPoints {
  readonly #given: KillPoint[] | undefined;
  #taken = 0;
  #isOver = false;

  constructor(given?: readonly KillPoint[]) {
    this.#given = given && [...given];
  }

  get hasMore(): boolean {
    return this.#given ? this.#given.length > 0 : !this.#isOver;
  }

  /** The next; undefined when there are no more. */
  next(): KillPoint | undefined {
    if (this.#given) return this.#given.shift();
    if (this.#isOver) return undefined;
    const index = this.#taken++;
    return { write: Math.floor(index / 2) + 1, side: index % 2 === 0 ? 'before' : 'after' };
  }

  /** What was led through with that point was over before it. */
  passed(): void {
    this.#isOver = true;
  }
}
