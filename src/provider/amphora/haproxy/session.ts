import type { Duplex } from 'node:stream';
import { Answer } from './answer.ts';

/** How the master's prompt ends whatever it says; it tells of a reload that failed (management guide section 9.4). */
const prompt = /(?:^|\n)master(?:\[ReloadFailed\])?> $/;

/**
 * A conversation with a master, a command at a time, over one connection: in the master's interactive mode, whose prompt tells where an
 * answer ends. The master ends it at a reload, and when a worker that is asked is gone.
 */
export class Session {
  readonly #stream: Duplex;
  readonly #chunks: AsyncIterator<string>;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(stream: Duplex) {
    this.#stream = stream;
    this.#chunks = stream.setEncoding('utf8')[Symbol.asyncIterator]();
  }

  /** Begins one over a connection, which whoever opened it closes. Rejects when the master says nothing that is a prompt. */
  static async open(stream: Duplex): Promise<Session> {
    const session = new Session(stream);
    await session.say('prompt');
    return session;
  }

  /**
   * Sends one command, once those before it are answered, and gives its whole answer. Rejects when the connection ends before that, or what is said
   * is too long to be one; the conversation is over then.
   */
  say(line: string): Promise<string> {
    const answer = this.#before.then(() => this.#exchange(line));
    this.#before = answer;
    return answer;
  }

  async #exchange(line: string): Promise<string> {
    this.#stream.write(`${line}\n`);
    const answer = new Answer(line);
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done) throw new Error(`the connection ended before the answer to ${line.split(' ').slice(0, 3).join(' ')}`);
      answer.add(value);
      // An answer may be long and come in many pieces: only its end is looked at.
      if (prompt.test(answer.tail)) return answer.text.replace(prompt, '\n');
    }
  }
}
