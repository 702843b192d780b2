import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { configurations, sameStructure, sameStructureOrRefused } from '../../../chaos/security/configurations.ts';
import { assemble } from '../../../src/provider/amphora/haproxy/assemble.ts';
import { environment, harmless, plain, type Shape, smuggled, type Texts, texts } from '../../support/hostile.ts';

test('what the API lets through, and what got past it, changes no structure', () => {
  fc.assert(
    fc.property(configurations(texts), (one) => sameStructure(one)),
    { numRuns: 100, seed: 7 },
  );
  fc.assert(
    fc.property(configurations(smuggled), (one) => sameStructureOrRefused(one)),
    { numRuns: 100, seed: 7 },
  );
});

/** A renderer that makes a mistake. */
const mistaken = (mistake: (config: string) => string): typeof assemble => {
  return (...given) => {
    const rendered = assemble(...given);
    return { ...rendered, config: mistake(rendered.config) };
  };
};

const regular: Shape = { ...plain, compareType: 'REGEX' };
const monitored: Shape = { ...plain, monitor: 'HTTP' };
const found: [mistake: string, shape: Shape, given: Partial<Texts>, renders: typeof assemble, words: RegExp][] = [
  ['quotes are left out', regular, { value: 'a b' }, mistaken((config) => config.replaceAll("'", '')), /words, not/],
  ['a line break is one', plain, { value: 'NEXT' }, mistaken((config) => config.replaceAll('NEXT', 'x\ndaemon')), /lines, not/],
  ['a text is cut', regular, { value: 'abc' }, mistaken((config) => config.replace('abc', 'ab')), /"abc" became "ab"/],
  [
    'codes are others',
    monitored,
    { expectedCodes: '204' },
    mistaken((config) => config.replace('status 204', 'status 200')),
    /"204" became "200"/,
  ],
  [
    'a word of its own is another',
    plain,
    { value: 'deny' },
    mistaken((config) => config.replace('http-request deny', 'http-request allow')),
    /is not/,
  ],
];

test.each(found)('it is found out when %s', (_, shape, given, renders, words) => {
  // Only the hostile texts meet the mistake.
  const only: typeof assemble = (configuration, ...rest) =>
    (JSON.stringify(configuration).includes(Object.values(given)[0]!) ? renders : assemble)(configuration, ...rest);
  expect(() => sameStructure([shape, { ...harmless, ...given }, environment], only)).toThrow(words);
});
