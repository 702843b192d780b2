/** One line of a HAProxy configuration: a keyword and its arguments, not yet quoted. */
export type Line = readonly string[];

/** A section: the line that opens it (`frontend web`), and the lines that belong to it. */
export interface Section {
  opening: Line;
  lines: Line[];
}

const bareWord = /^[A-Za-z0-9_./:=@%+,()[\]*?|^~&;!<>{}-]+$/;

/**
 * Quotes a word for a HAProxy configuration (manual section 2.2): between single quotes nothing is special, and a single quote itself
 * stands escaped outside of them. Whatever the text is, it stays one word of one line.
 * @throws TypeError for a control character, which no quoting makes safe.
 */
export function quote(word: string): string {
  if (bareWord.test(word)) return word;
  if (/\p{Cc}/u.test(word)) throw new TypeError(`a control character can't stand in a HAProxy configuration: ${JSON.stringify(word)}`);
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Quotes an argument of a sample fetch, as in `req.hdr(<argument>)`, whose parentheses have a second round of the same quoting. */
export function quoteArgument(argument: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

/** Escapes text for a place where HAProxy expects a log-format string (manual section 8.2.4), so that it stands for itself. */
export function literalFormat(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Writes sections as HAProxy reads them. Ends in a newline, without which HAProxy refuses a file. */
export function write(sections: readonly Section[]): string {
  return sections.map(({ opening, lines }) => `${[words(opening), ...lines.map((line) => `    ${words(line)}`)].join('\n')}\n`).join('\n');
}

function words(line: Line): string {
  return line.map(quote).join(' ');
}
