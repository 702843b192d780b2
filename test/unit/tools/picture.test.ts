import { describe, expect, test } from '@jest/globals';
import { picture, rowsOf } from '../../../tools/demo/picture.ts';

const output = `
   0.0 s Starting things
         with a detail

   9.0 s Traffic at http://127.0.0.2:8080/ <fast> & slow

  10.7 s kubectl patch lb web -p '{"spec":{"flavorId":"large"}}'
           10.9 s Resize small -> large  2/8 Recorded   [2218 requests, 0 failed]
           11.4 s Resize small -> large  3/8 Built   [2782 requests, 1 failed]
         ✔ flavor large is in force

  16.8 s Another resize, to small
           17.0 s Resize large -> small  1/8 Accepted   [8630 requests, 0 failed]
demo: 50031 requests, 0 failed, resized small -> large in 5.2 s
`;

describe('the picture of a demo', () => {
  const svg = picture(rowsOf(output));

  test('shows the first resize, what was there before it, and the last line', () => {
    for (const shown of [
      'Traffic at',
      'kubectl patch',
      'Recorded',
      '2,782 requests',
      '1 failed',
      '✔ flavor large is in force',
      'demo: 50031 requests',
    ])
      expect(svg).toContain(shown);
    for (const left of ['Starting', 'detail', 'Another', '8,630']) expect(svg).not.toContain(left);
  });

  test('fills a square for each goal that is met', () => {
    expect(svg.match(/<rect [^>]*fill="#56d364"/g)).toHaveLength(2 + 3);
    expect(svg.match(/<rect [^>]*fill="#21262d"/g)).toHaveLength(6 + 5);
  });

  test('keeps what the output says out of its markup', () => {
    expect(svg).toContain('&lt;fast&gt; &amp; slow');
  });

  test('needs no script and no other file', () => {
    expect(svg).not.toMatch(/<script|href=|url\(|@import/);
  });

  test('is refused of a demo that did not come to its end', () => {
    expect(() => rowsOf(output.replace(/^demo: .*$/m, ''))).toThrow('came to its end');
  });
});
