import { describe, expect, test } from '@jest/globals';
import { completions } from './completion.ts';
import { plain } from './io.ts';
import { createProgram } from './program.ts';

const { signal } = new AbortController();
const program = createProgram(
  { env: {}, isTerminal: false, columns: 80, paint: plain, signal, print: () => {}, write: () => {}, complain: () => {} },
  () => {},
);
const cluster: Record<string, string[]> = {
  flavors: ['small', 'large'],
  loadBalancers: ['web', 'api'],
  namespaces: ['shop'],
  contexts: ['prod'],
};

/** The words that are offered for the last one; `asked` is with which flags the cluster was asked. */
async function offered(line: string): Promise<{ words: string[]; directive: string; asked: object[] }> {
  const asked: object[] = [];
  const lines = await completions(program, line.split(' '), async (what, options) => {
    asked.push(options);
    return cluster[what]!;
  });
  return { words: lines.slice(0, -1).map((text) => text.split('\t')[0]!), directive: lines.at(-1)!, asked };
}

describe('completion', () => {
  test.each([
    ['', ['resize', 'cancel', 'retry', 'failover', 'status', 'list', 'flavors', 'history', 'completion']],
    ['re', ['resize', 'retry']],
    ['resize --flavor l', ['large']],
    ['resize --flavor=', ['--flavor=small', '--flavor=large']],
    ['resize --flavor large ', ['web', 'api']],
    ['resize --wait w', ['web']],
    ['resize web ', []],
    ['resize --wa', ['--wait']],
    ['cancel a', ['api']],
    ['flavors ', []],
    ['list -o ', ['json', 'yaml']],
    ['list -n ', ['shop']],
    ['list --context p', ['prod']],
    ['resize --timeout ', []],
  ])('of %j offers %j', async (line, words) => {
    const { directive, ...rest } = await offered(line);
    expect(rest.words).toEqual(words);
    expect(directive).toBe(':4');
  });

  test('asks the cluster that the flags before choose', async () => {
    expect((await offered('status -n shop --context=prod w')).asked).toEqual([{ namespace: 'shop', context: 'prod' }]);
  });

  test('leaves files to the shell', async () => expect(await offered('list --kubeconfig ')).toMatchObject({ words: [], directive: ':0' }));

  test('describes what it offers', async () => {
    expect(await completions(program, ['canc'], async () => [])).toEqual([
      'cancel\tTake a resize back: the flavor in force, which serves all the while, stays.',
      ':4',
    ]);
  });
});
