/**
 * What is asked of a running HAProxy (management guide section 9.3), and how its answers are read. Whoever asks hands in the way: a
 * socket of the worker, or the master's with `@1` before the command.
 */

/** Sends one command of the runtime API to a worker and gives its whole answer. Rejects when it can't be asked, or on the signal. */
export type Ask = (command: string, signal?: AbortSignal) => Promise<string>;

/** Escapes a word of a command: HAProxy separates words by spaces and commands by semicolons. */
export function commandWord(word: string): string {
  return word.replaceAll(/[\\; ]/g, '\\$&');
}

/** `show info` and the like: `Name: value` a line. */
export function parseInfo(answer: string): Map<string, string> {
  return new Map([...answer.matchAll(/^([^:\n]+): ?(.*)$/gm)].map((match) => [match[1]!, match[2]!]));
}

/** `show env`: `NAME=value` a line. */
export function parseEnv(answer: string): Map<string, string> {
  return new Map([...answer.matchAll(/^([^=\n]+)=(.*)$/gm)].map((match) => [match[1]!, match[2]!]));
}

/** A row of a table, by the names of its columns; a column that this version of HAProxy lacks is empty. */
export type Row = (column: string) => string;

/** `show stat`: CSV (management guide section 9.1) with its columns named in the first line. No field that we name proxies or servers by has a comma. */
export function parseStat(answer: string): Row[] {
  return parseTable(answer.trim().split('\n'), ',');
}

/** `show servers state`: a version, the names of columns, then a server a line. */
export function parseServersState(answer: string): Row[] {
  return parseTable(answer.trim().split('\n').slice(1), ' ');
}

function parseTable([head = '', ...lines]: string[], separator: string): Row[] {
  const columns = new Map(
    head
      .replace(/^# /, '')
      .split(separator)
      .map((name, index) => [name, index]),
  );
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const cell = cellsOf(line, separator);
      return (column) => {
        const index = columns.get(column);
        return index === undefined ? '' : cell(index);
      };
    });
}

/** Nothing is cut out that isn't asked for: `show stat` has a hundred columns, of which a few are read, and a row a server. */
function cellsOf(line: string, separator: string): (index: number) => string {
  const starts = [0];
  return (index) => {
    while (starts.length < index + 2) {
      const end = line.indexOf(separator, starts.at(-1));
      starts.push((end === -1 ? line.length : end) + 1);
    }
    return line.slice(starts[index], starts[index + 1]! - 1);
  };
}
