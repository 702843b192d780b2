import { errorFromStatus, errorFromTimeout, errorFromTransport } from '../../src/kube/errors.ts';

/** What becomes of a call: it fails having done nothing, or all of it; or the server says that somebody else wrote in between. */
export type ApiFault = 'before' | 'after' | 'conflict';

/** What goes wrong between one process and the API server. */
export class ApiFaults {
  /** Numbers from 0 to 1. */
  readonly #random: () => number;
  readonly #armed: ApiFault[] = [];
  readonly #breakers = new Set<() => void>();
  /** How likely any one call is to fail. */
  probability = 0;
  /** No call gets through. */
  #isOut = false;
  /** Milliseconds by which watches are behind. */
  lagMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next writes fail so. */
  arm(...faults: ApiFault[]): void {
    this.#armed.push(...faults);
  }

  /** From now on nothing gets through, and watches break. */
  cut(): void {
    this.#isOut = true;
    this.breakWatches();
  }

  heal(): void {
    this.#isOut = false;
  }

  /** All is well again. */
  clear(): void {
    this.heal();
    this.#armed.length = 0;
    this.probability = 0;
    this.lagMs = 0;
  }

  breakWatches(): void {
    for (const cut of [...this.#breakers]) cut();
  }

  /** Has a watch broken when all are; the function returned forgets it. */
  onBreak(cut: () => void): () => void {
    this.#breakers.add(cut);
    return () => this.#breakers.delete(cut);
  }

  beforeRead(what: string): void {
    if (this.#isOut || this.#random() < this.probability) throw refused(what);
  }

  /** A write, with what goes wrong around it. */
  around<T>(what: string, write: () => T): T {
    if (this.#isOut) throw refused(what);
    const fault = this.#armed.shift() ?? this.#rolled();
    if (fault === 'before') throw refused(what);
    if (fault === 'conflict')
      throw errorFromStatus(what, 409, { kind: 'Status', apiVersion: 'v1', reason: 'Conflict', message: 'injected' });
    const result = write();
    if (fault === 'after') throw errorFromTimeout(what, 30_000);
    return result;
  }

  #rolled(): ApiFault | undefined {
    const roll = this.probability > 0 ? this.#random() / this.probability : 1;
    if (roll >= 1) return undefined;
    return roll < 0.4 ? 'before' : roll < 0.8 ? 'after' : 'conflict';
  }
}

const refused = (what: string) => errorFromTransport(what, new Error('connection refused'));
