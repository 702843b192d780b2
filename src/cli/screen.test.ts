import { expect, test } from '@jest/globals';
import { type Io, plain } from './io.ts';
import { Screen } from './screen.ts';

function screen(isTerminal: boolean): { show: (...lines: string[]) => string } {
  let written = '';
  const io: Io = {
    env: {},
    isTerminal,
    columns: 10,
    paint: plain,
    signal: new AbortController().signal,
    print: (...lines) => {
      written += `${lines.join('\n')}\n`;
    },
    write: (text) => {
      written += text;
    },
    complain: () => {},
  };
  const shown = new Screen(io);
  return {
    show: (...lines) => {
      written = '';
      shown.show(lines);
      return written;
    },
  };
}

test('on a terminal the lines are drawn over those before, each cut to one line', () => {
  const { show } = screen(true);
  expect(show('a', 'b')).toBe('a\nb\n');
  expect(show('\x1b[32mgreen\x1b[39m', 'longer than ten')).toBe('\x1b[2A\x1b[0J\x1b[32mgreen\x1b[39m\nlonger th…\n');
  expect(show('c')).toBe('\x1b[2A\x1b[0Jc\n');
});

test('elsewhere only what has changed is told, and that time goes by is no change', () => {
  const { show } = screen(false);
  expect(show('Built, for 3s', 'Succeeded in 2s, 1m5s ago')).toBe('Built, for 3s\nSucceeded in 2s, 1m5s ago\n');
  expect(show('Built, for 4s', 'Succeeded in 2s, 1m6s ago')).toBe('');
  expect(show('Verified, for 5s')).toBe('\nVerified, for 5s\n');
});
