import { stripVTControlCharacters } from 'node:util';
import type { Io } from './io.ts';

/** Shows lines again and again: on a terminal in the same place; elsewhere what has changed, after an empty line. */
export class Screen {
  readonly #io: Io;
  #shown: string | undefined;
  #height = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  show(lines: string[]): void {
    if (this.#io.isTerminal) {
      const up = this.#height > 0 ? `\x1b[${this.#height}A\x1b[0J` : '';
      this.#io.write(`${up}${lines.map((line) => cut(line, this.#io.columns)).join('\n')}\n`);
      this.#height = lines.length;
      return;
    }
    // How long ago something was is no news.
    const news = lines.join('\n').replaceAll(/\d[\dsmhd]* ago|for \d[\dsmhd]*/g, '');
    if (news === this.#shown) return;
    this.#io.print(...(this.#shown === undefined ? [] : ['']), ...lines);
    this.#shown = news;
  }
}

/** A line that takes one line of the terminal; what is cut loses its styles. */
function cut(line: string, columns: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length <= columns ? line : `${bare.slice(0, columns - 1)}…`;
}
