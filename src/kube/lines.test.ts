import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lines } from './lines.ts';

/** The lines of a text that comes in these pieces. */
async function linesOf(pieces: Uint8Array[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines(
    (async function* () {
      yield* pieces;
    })(),
  ))
    found.push(line);
  return found;
}

describe('lines', () => {
  test('are the same however the bytes are cut, also in the middle of a character', async () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).map((s) => s.replaceAll('\n', ' ')));
    await fc.assert(
      fc.asyncProperty(words, fc.array(fc.nat(30)), fc.boolean(), async (expected, cuts, ended) => {
        const bytes = Buffer.from(expected.join('\n') + (ended ? '\n' : ''));
        const pieces: Uint8Array[] = [];
        let rest: Uint8Array = bytes;
        for (const cut of cuts) {
          pieces.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        expect(await linesOf([...pieces, rest])).toEqual(expected);
      }),
    );
  });

  test('an empty line, such as a keep-alive, is none', async () => {
    expect(await linesOf([Buffer.from('\n\na\n\nb\n')])).toEqual(['a', 'b']);
  });
});
