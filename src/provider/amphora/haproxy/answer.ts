const MIB = 2 ** 20;

/**
 * How long an answer may be. A row of `show stat` has 435 bytes on HAProxy 3.0 (360 on 2.6) to begin with, some 750 once its counters have ten digits: 64
 * pools of 512 members take 14 to 25 MB, and a Secret holds the configuration of far fewer. A row of `show servers state` has less than half of that.
 * Nothing else grows with members.
 */
const boundOf = (command: string): number => (/\bshow (stat|servers state)$/.test(command) ? 32 * MIB : MIB);

/** How much of the end of an answer is to be looked at. */
const TAIL = 40;

/** What comes in answer to a command, piece by piece, as long as that may be what a HAProxy says: what is broken or hostile says more and more. */
export class Answer {
  readonly #command: string;
  readonly #bound: number;
  readonly #pieces: string[] = [];
  #length = 0;
  #tail = '';

  constructor(command: string) {
    this.#command = command;
    this.#bound = boundOf(command);
  }

  /** @throws Error once the answer is too long to be one */
  add(piece: string): void {
    this.#length += piece.length;
    if (this.#length > this.#bound) {
      const what = this.#command.split(' ').slice(0, 4).join(' ');
      throw new Error(
        `the answer to ${what} has more than ${this.#bound / MIB} MiB, which no HAProxy of a load balancer says: it was not read on`,
      );
    }
    this.#pieces.push(piece);
    this.#tail = (this.#tail + piece).slice(-TAIL);
  }

  /** Its last 40 characters. */
  get tail(): string {
    return this.#tail;
  }

  get text(): string {
    return this.#pieces.join('');
  }
}
