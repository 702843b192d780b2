/** SPDX identifiers of what may be part of what we distribute under Apache-2.0: they ask for no more than their text and their notices. */
export const DISTRIBUTED: ReadonlySet<string> = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0', 'ISC', 'MIT', 'MIT-0', 'PSF-2.0', 'Python-2.0'],
  ...['Unicode-3.0', 'Unlicense', 'Zlib'],
]);

/** Of what is used here alone, and given to nobody: beside those, what asks for its source only of whoever changes its files, and credit for data. */
export const USED: ReadonlySet<string> = new Set([...DISTRIBUTED, 'CC-BY-4.0', 'MPL-2.0']);

/**
 * Whether an SPDX expression (annex D of the specification) can be kept to with these licences alone: of `OR` one side, of `AND` both. What can't be
 * read is not allowed.
 */
export function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  const either = (): boolean => {
    let holds = both();
    while (tokens[0] === 'OR') {
      tokens.shift();
      const other = both();
      holds ||= other;
    }
    return holds;
  };
  const both = (): boolean => {
    let holds = one();
    while (tokens[0] === 'AND') {
      tokens.shift();
      const other = one();
      holds &&= other;
    }
    return holds;
  };
  const one = (): boolean => {
    const token = tokens.shift();
    if (token !== '(') return token !== undefined && allowed.has(token);
    const holds = either();
    return tokens.shift() === ')' && holds;
  };
  return either() && tokens.length === 0;
}
