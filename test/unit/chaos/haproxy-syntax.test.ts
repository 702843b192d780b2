import { describe, expect, test } from '@jest/globals';
import { commandsOf, parsed, plainText, stepsOf, wordsOf } from '../../support/haproxy-syntax.ts';

describe('a line of a configuration', () => {
  test.each<[string, string[]]>([
    ['  bind  :80\tname x ', ['bind', ':80', 'name', 'x']],
    ['', []],
    ['# all of it', []],
    ['acl a path -m str -- x # the rest', ['acl', 'a', 'path', '-m', 'str', '--', 'x']],
    ["'a b' c", ['a b', 'c']],
    ["a'#'b", ['a#b']],
    ["''", ['']],
    ["a'\\'b", ['a\\b']],
    ['a\\ b\\#\\\\', ['a b#\\']],
    ["\\'x", ["'x"]],
    ['a\\nb\\tc\\rd', ['a\nb\tc\rd']],
  ])('%j has the words %j', (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  test.each([
    ["a 'b", 'a quote without end'],
    ['"a"', 'variables are looked at'],
    ['$HOME', 'variables are looked at'],
    ['a\\', 'an escape that nobody writes'],
    ['\\x41', 'an escape that nobody writes'],
  ])('%j is refused: %s', (line, why) => {
    expect(() => wordsOf(line)).toThrow(why);
  });

  test('what has no word is no line', () => {
    expect(parsed('global\n\n  # nothing\n  daemon\n')).toEqual([['global'], ['daemon']]);
  });
});

describe('a sample expression', () => {
  test.each([
    ['path', [{ name: 'path', args: [] }]],
    [
      'req.hdr(host),host_only',
      [
        { name: 'req.hdr', args: ['host'] },
        { name: 'host_only', args: [] },
      ],
    ],
    ["req.hdr('a,b)')", [{ name: 'req.hdr', args: ['a,b)'] }]],
    ['field(-1,\\,)', [{ name: 'field', args: ['-1', ','] }]],
    ['f()', [{ name: 'f', args: [''] }]],
  ])('%j has the steps %j', (expression, steps) => {
    expect(stepsOf(expression)).toEqual(steps);
  });

  test.each([
    ['', 'no name'],
    ['a(b', 'a parenthesis without end'],
    ["a('b)", 'a quote without end'],
    ['a("b")', 'a weak quote'],
    ['a(b)c', 'no comma'],
    ['a,', 'no name'],
  ])('%j is refused: %s', (expression, why) => {
    expect(() => stepsOf(expression)).toThrow(why);
  });
});

test('a format is plain where every per cent sign is doubled', () => {
  expect(plainText('100%% of %%[src]')).toBe('100% of %[src]');
  for (const format of ['%[src]', '%HM', 'a%', '%%%[src]']) expect(() => plainText(format)).toThrow('a place where something is looked up');
});

test('a line of the runtime API is taken apart into commands and their words', () => {
  expect(commandsOf('set server a/b state maint')).toEqual([['set', 'server', 'a/b', 'state', 'maint']]);
  expect(commandsOf('show info;show stat\nquit')).toEqual([['show', 'info'], ['show', 'stat'], ['quit']]);
  expect(commandsOf('a\\ b\\;c \\\\')).toEqual([['a b;c', '\\']]);
});
