import fc from 'fast-check';
import { assemble, type Rendered } from '../../src/provider/amphora/haproxy/assemble.ts';
import type { RenderEnvironment } from '../../src/provider/amphora/haproxy/index.ts';
import { parsed, plainText, stepsOf } from '../../test/support/haproxy-syntax.ts';
import { configurationOf, environments, type Shape, shapes, smuggled, type Texts, texts } from '../../test/support/hostile.ts';
import type { FaultClass } from '../fault-class.ts';
import { cases, must, seeds } from './cases.ts';
import { harmlessLike } from './harmless.ts';
import { readByHaproxy } from './read-by-haproxy.ts';

type Case = [Shape, Texts, RenderEnvironment];

/** Cases of a schedule, schedules of each kind; and how many texts HAProxy reads, how many listeners at a time. */
const sizes = {
  short: { perSchedule: 500, schedules: 3, read: { texts: 1000, listeners: 50 } },
  full: { perSchedule: 1000, schedules: 60, read: { texts: 100_000, listeners: 250 } },
};

/** Texts of tenants in every place of a rendered configuration. */
export const hostileConfigurations: FaultClass = {
  name: 'hostile strings in a configuration',
  fault:
    'Names, paths, headers, cookies, rule values, URLs, ciphers and PEM are made to break out of their place: by what the API lets through, and by any text as if the API had been passed by. A schedule is 1,000 configurations, or one that a real HAProxy reads, of 250 listeners and pools whose rules have texts of their own, 100,000 in all.',
  promises:
    'Read back by a parser of its own, each rendering has the lines and the words of one with harmless texts, and in the places of texts these as they were written, or it is refused whole; `haproxy -c` takes what the API lets through.',

  async *run(size) {
    const { perSchedule, schedules, read } = sizes[size];
    for (const seed of seeds(schedules)) {
      yield await cases('configurations that the API lets through', { seed, count: perSchedule }, configurations(texts), sameStructure);
      yield await cases('configurations past the API', { seed, count: perSchedule }, configurations(smuggled), sameStructureOrRefused);
    }
    yield* readByHaproxy(read);
  },
};

export const configurations = (given: fc.Arbitrary<Texts>): fc.Arbitrary<Case> => fc.tuple(shapes, given, environments);

export function sameStructureOrRefused([shape, given, environment]: Case): void {
  const control = Object.entries(given).some(([place, text]) => place !== 'pem' && /\p{Cc}/u.test(text));
  try {
    sameStructure([shape, given, environment]);
  } catch (error) {
    if (!(control && error instanceof TypeError && error.message.startsWith("a control character can't stand"))) throw error;
  }
}

/** @throws Error saying where the rendering is not that of harmless texts */
export function sameStructure([shape, given, environment]: Case, renders = assemble): void {
  const rendered = (one: Texts) => renders(configurationOf(shape, one), environment, 'hash');
  const hostile = rendered(given);
  const [lines, model, other] = [hostile, rendered(harmlessLike(given, 0)), rendered(harmlessLike(given, 1))].map(({ config }) =>
    parsed(config),
  ) as [string[][], string[][], string[][]];
  must(lines.length === model.length, `${lines.length} lines, not ${model.length}`);
  model.forEach((expected, i) => {
    const actual = lines[i]!;
    must(actual.length === expected.length, `${actual.length} words, not ${expected.length}: ${JSON.stringify(actual)}`);
    expected.forEach((word, j) => {
      const isFixed = word === other[i]![j];
      must(!isFixed || actual[j] === word, `word ${j} is not ${word}: ${JSON.stringify(actual)}`);
    });
    asWritten(actual, given, shape, (j) => expected[j] !== other[i]![j]);
  });
  sameFiles(hostile, given);
}

/** Where a text stands, it is what the tenant wrote, and a part of nothing greater. @param varies whether a text of a tenant stands at a word */
function asWritten(words: readonly string[], given: Texts, { ruleType, compareType }: Shape, varies: (word: number) => boolean): void {
  const is = (actual: string | undefined, text: string) =>
    must(actual === text, `${JSON.stringify(text)} became ${JSON.stringify(actual)}`);
  const [keyword, second, third = ''] = words;
  const argument = (expression: string, text: string, ...names: string[]) => {
    const steps = stepsOf(expression);
    must(String(steps.map(({ name }) => name)) === String(names), `an expression of ${steps.map(({ name }) => name)}: ${expression}`);
    is(JSON.stringify(steps[0]!.args), JSON.stringify([text]));
  };
  if (keyword === 'frontend' && second?.startsWith('listener:')) is(second, `listener:${given.listener}:${second.split(':').at(-1)}`);
  if (keyword === 'backend' && second?.startsWith('pool:')) is(second, `pool:${given.pool}`);
  if (keyword === 'acl' && second === `${given.policy}:${given.rule}`) {
    if (['HEADER', 'COOKIE', 'SSL_DN_FIELD'].includes(ruleType)) {
      const [fetch] = { HEADER: ['req.hdr'], COOKIE: ['req.cook'], SSL_DN_FIELD: ['ssl_c_s_dn'] }[ruleType as string]!;
      argument(third, given.key, fetch!);
    }
    if (words.includes('--')) is(words.slice(words.indexOf('--') + 1).join('\n'), given.value);
    else must(ruleType.startsWith('SSL_'), `a value without -- before it, for ${compareType}`);
  }
  if (keyword === 'stick' && third.startsWith('re'))
    argument(third, given.cookieName, third.startsWith('req') ? 'req.cook' : 'res.cook', 'sha1');
  if (keyword === 'http-request' && second === 'redirect') is(plainText(words[3]!), given.url);
  if (keyword === 'http-check' && second === 'expect' && varies(3)) {
    // A range that is written backwards is turned round.
    const turned = given.expectedCodes.replace(/^(\d{3})-(\d{3})$/, (range, from, to) => (from > to ? `${to}-${from}` : range));
    is(words[3], turned);
  }
  if (keyword === 'http-check' && second === 'send' && words[3] === 'GET' && words[5] !== '/alive') {
    is(words[5], given.urlPath);
    if (words[8] === 'hdr' && !words[10]!.startsWith('%[srv_name')) is(plainText(words[10]!), given.domainName);
  }
}

/** Files are named by what is in them, never by a tenant, and hold the tenant's text and nothing beside. */
function sameFiles({ files }: Rendered, { pem }: Texts): void {
  for (const [name, content] of Object.entries(files)) {
    must(/^(certificate|ca|crl|crl-list|crt-list)-[0-9a-f]{32}\.pem$/.test(name), `a file of the name ${name}`);
    if (name.startsWith('crt-list')) must(/^(certificate-[0-9a-f]{32}\.pem\n)+$/.test(content), `a list of ${content}`);
    else must(content.replaceAll(pem, '').trim() === '' || pem.trim() !== pem, `a file with ${content}`);
  }
}
