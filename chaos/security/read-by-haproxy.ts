import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { L7CompareType, type L7Rule, L7RuleType } from '../../src/api/index.ts';
import type { Configuration } from '../../src/provider/amphora/configuration.ts';
import { type RenderEnvironment, render } from '../../src/provider/amphora/haproxy/index.ts';
import { Authority } from '../../src/provider/amphora/kubernetes/identity/authority.ts';
import { parsed } from '../../test/support/haproxy-syntax.ts';
import { configurationOf, environment, everything, key, regex, type Shape, shapes, texts, value } from '../../test/support/hostile.ts';
import type { Schedule } from '../fault-class.ts';
import { firstRefused } from './bisect.ts';
import { firstSeed } from './cases.ts';

/** A listener, its rules and its pool, in a configuration of its own. */
type Part = Configuration;

/** Rules of a policy, and policies of a listener, beside the one that its shape has. A line of HAProxy has 64 words at most. */
const [RULES, POLICIES] = [8, 4];

const rule: fc.Arbitrary<L7Rule> = fc
  .record({
    type: fc.constantFrom(...L7RuleType.options),
    compareType: fc.constantFrom(...L7CompareType.options),
    invert: fc.boolean(),
    key,
  })
  .chain((one) =>
    (one.compareType === 'REGEX' ? regex : value).map((text): L7Rule => ({ ...one, value: text, name: 'r', adminStateUp: true })),
  );

const part: fc.Arbitrary<Part> = fc
  .tuple(shapes, texts, regex, fc.array(rule, { minLength: RULES * POLICIES, maxLength: RULES * POLICIES }))
  .map(([shape, given, expression, rules]) => {
    const compiles = shape.compareType === 'REGEX' ? { value: expression } : {};
    return withRules(configurationOf(shape, { ...given, ...compiles }), shape, rules);
  });

function withRules(configuration: Configuration, { action }: Shape, rules: readonly L7Rule[]): Configuration {
  const [listener] = configuration.listeners;
  const [first] = listener!.l7Policies!;
  const policies = Array.from({ length: POLICIES }, (_, p) => ({
    ...first!,
    action,
    name: `more-${p}`,
    rules: rules.slice(p * RULES, (p + 1) * RULES).map((one, r) => ({ ...one, name: `r${r}` })),
  }));
  return { ...configuration, listeners: [{ ...listener!, l7Policies: [first!, ...policies] }] };
}

/** All of them in one configuration: what must be unlike in it is numbered, so that each keeps its text. */
function together(parts: readonly Part[]): Configuration {
  const numbered = parts.map(({ listeners: [listener], pools: [one] }, i) => {
    const name = `${one!.pool.name}-${i}`;
    return {
      listener: {
        ...listener!,
        name: `${listener!.name}-${i}`,
        protocolPort: i + 1,
        defaultPool: name,
        l7Policies: listener!.l7Policies!.map((policy) => ({ ...policy, redirectPool: name })),
      },
      pool: { ...one!, pool: { ...one!.pool, name } },
    };
  });
  return {
    ...parts[0]!,
    listeners: numbered.map(({ listener }) => listener),
    pools: numbered.map(({ pool }) => pool),
    secrets: Object.assign({}, ...parts.map(({ secrets }) => secrets)),
  };
}

/** Values and keys of rules in a configuration, as often as they stand there. */
const textsIn = (config: string): number =>
  parsed(config)
    .filter(([keyword, , fetch]) => keyword === 'acl' && fetch !== undefined)
    .reduce(
      (sum, words) => sum + (words.includes('--') ? 1 : 0) + (/^(req\.hdr\((?!host\))|req\.cook\(|ssl_c_s_dn\()/.test(words[2]!) ? 1 : 0),
      0,
    );

/**
 * HAProxy's own reading, of texts that the API lets through: hundreds of listeners in a file, until it has taken so many texts. Where it refuses a
 * file, the listener that it refuses is found by halves.
 */
export async function* readByHaproxy({ texts: wanted, listeners }: { texts: number; listeners: number }): AsyncIterable<Schedule> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-chaos-'));
  try {
    const reader = await Reader.in(dir);
    let taken = 0;
    for (let seed = firstSeed; taken < wanted; seed++) {
      const parts = fc.sample(part, { seed, numRuns: listeners });
      const where = seed % 2 === 0 ? environment : everything;
      const { config, refusal } = await reader.read(parts, where);
      const count = textsIn(config);
      const name = `${count} texts in ${listeners} listeners for haproxy -c, CHAOS_SEED=${seed}`;
      if (refusal === undefined) {
        if (count === 0) throw new Error('a configuration without a text');
        taken += count;
        yield { name, broken: [] };
        continue;
      }
      const refused = await firstRefused(parts, async (some) => (await reader.read(some, where)).refusal !== undefined);
      const words = refused.length === parts.length ? refusal : ((await reader.read(refused, where)).refusal ?? refusal);
      yield { name, broken: [`${words}\n${JSON.stringify(refused.map((one) => [one.listeners, one.pools])).slice(0, 20_000)}`] };
      return;
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Renders and has them read by `haproxy -c`, in a folder, with true certificates in place of the texts for them. */
class Reader {
  readonly #dir: string;
  readonly #pem: { certificate: string; key: string; ca: string };

  private constructor(dir: string, pem: { certificate: string; key: string; ca: string }) {
    this.#dir = dir;
    this.#pem = pem;
  }

  static async in(dir: string): Promise<Reader> {
    const kept = await Authority.create('of a test', new Date());
    const { certificate, key: privateKey } = await (await Authority.open(kept)).issue(
      { commonName: 'it', uses: ['server', 'client'] },
      new Date(),
    );
    const reader = new Reader(dir, { certificate, key: privateKey, ca: kept.certificate });
    await writeFile(reader.#identity.certificate, `${certificate}${privateKey}`);
    await writeFile(reader.#identity.authority, kept.certificate);
    return reader;
  }

  get #identity() {
    return { certificate: join(this.#dir, 'identity.pem'), authority: join(this.#dir, 'authority.pem') };
  }

  /** What was read, and HAProxy's words where it refuses it. */
  async read(parts: readonly Part[], where: RenderEnvironment): Promise<{ config: string; refusal?: string }> {
    const folder = join(this.#dir, 'files');
    const whole = together(parts);
    const { config, files } = render(
      { ...whole, secrets: Object.fromEntries(Object.keys(whole.secrets).map((name) => [name, this.#pem])) },
      {
        ...where,
        filesDir: folder,
        adminSocket: join(this.#dir, 'admin.sock'),
        ...(where.admin && { admin: { ...where.admin, ...this.#identity }, peersTls: this.#identity }),
      },
    );
    await mkdir(folder);
    try {
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
      const file = join(folder, 'haproxy.cfg');
      await writeFile(file, config);
      const refusal = await promisify(execFile)('haproxy', ['-c', '-f', file], { maxBuffer: 64 << 20 }).then(
        () => undefined,
        (error: { stderr?: string; message: string }) => error.stderr || error.message,
      );
      return { config, refusal };
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}
