/** HAProxy's syntax, read from its manual alone: nothing here is shared with what writes configurations. */

/** Words of each line of a configuration that has any, without comments. */
export const parsed = (config: string): string[][] =>
  config
    .split('\n')
    .map(wordsOf)
    .filter((words) => words.length > 0);

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/**
 * Takes a line apart as the manual's section 2.2 has it: words between blanks, quotes and backslashes, up to a `#`.
 * @throws Error where a quote has no end, or variables would be looked at, which no file of ours has
 */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (c === "'") {
      const end = line.indexOf("'", i + 1);
      if (end === -1) throw new Error(`a quote without end: ${line}`);
      word = (word ?? '') + line.slice(i + 1, end);
      i = end;
    } else if (c === '"' || c === '$') throw new Error(`a place where variables are looked at: ${line}`);
    else if (c === '\\') {
      const next = line[++i];
      if (next === undefined || next === 'x') throw new Error(`an escape that nobody writes: ${line}`);
      word = (word ?? '') + (escapes[next] ?? next);
    } else if (c === '#') break;
    else if (c === ' ' || c === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  return word === undefined ? words : [...words, word];
}

/** A sample fetch or a converter: its name and, without their quotes, its arguments. */
export interface Step {
  name: string;
  args: string[];
}

/**
 * Takes a sample expression apart: `req.hdr(host),host_only` (sections 7.1 and 2.2: arguments have quotes and backslashes of their own).
 * @throws Error where it is none
 */
export function stepsOf(expression: string): Step[] {
  const steps: Step[] = [];
  let i = 0;
  for (;;) {
    const name = /^[A-Za-z0-9_.-]+/.exec(expression.slice(i))?.[0];
    if (name === undefined) throw new Error(`no name at ${i} of the expression ${expression}`);
    i += name.length;
    const args: string[] = [];
    if (expression[i] === '(') {
      let arg = '';
      for (i++; expression[i] !== ')'; i++) {
        const c = expression[i];
        if (c === undefined) throw new Error(`a parenthesis without end in the expression ${expression}`);
        if (c === "'") {
          const end = expression.indexOf("'", i + 1);
          if (end === -1) throw new Error(`a quote without end in the expression ${expression}`);
          arg += expression.slice(i + 1, end);
          i = end;
        } else if (c === '\\') arg += expression[++i];
        else if (c === '"') throw new Error(`a weak quote in the expression ${expression}`);
        else if (c === ',') {
          args.push(arg);
          arg = '';
        } else arg += c;
      }
      args.push(arg);
      i++;
    }
    steps.push({ name, args });
    if (i === expression.length) return steps;
    if (expression[i] !== ',') throw new Error(`no comma at ${i} of the expression ${expression}`);
    i++;
  }
}

/**
 * The text that a log-format string stands for where nothing in it is to be looked up (section 8.2.4: `%%` is a per cent sign).
 * @throws Error where it has a variable or an expression
 */
export function plainText(format: string): string {
  const rest = format.replaceAll('%%', '');
  if (rest.includes('%')) throw new Error(`a place where something is looked up: ${format}`);
  return format.replaceAll('%%', '%');
}

/**
 * The commands of a line of the runtime API, each as its words (management guide section 9.3: blanks between words, semicolons between commands,
 * backslashes before what is neither).
 */
export function commandsOf(line: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  const end = () => {
    if (word !== undefined) commands.at(-1)!.push(word);
    word = undefined;
  };
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (c === '\\') word = (word ?? '') + (line[++i] ?? '');
    else if (c === ';' || c === '\n') {
      end();
      commands.push([]);
    } else if (c === ' ' || c === '\t') end();
    else word = (word ?? '') + c;
  }
  end();
  return commands;
}
