import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { parsed } from '../../../../test/support/haproxy-syntax.ts';
import { configurationOf, environment, everything, harmless, plain, shapes, texts, value } from '../../../../test/support/hostile.ts';
import { Listener } from '../../../api/index.ts';
import { assemble } from './assemble.ts';
import { configurationHash, membersRevision, type RenderEnvironment } from './index.ts';

jest.setTimeout(300_000);

// Whether a text of a tenant can break out of its place is a class of faults of its own (chaos/security/configurations.ts).
describe('whatever texts the API lets through', () => {
  test('a text is one word, and as it was written', () => {
    fc.assert(
      fc.property(value, (text) => {
        const lines = parsed(assemble(configurationOf(plain, { ...harmless, value: text }), environment, 'hash').config);
        expect(lines.find(([acl, name]) => acl === 'acl' && name === 'p:r')?.slice(2)).toEqual(['path', '-m', 'str', '--', text]);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what an environment adds', () => {
  test('changes no section of the tenant’s, and is in no hash', () => {
    fc.assert(
      fc.property(shapes, texts, (shape, given) => {
        const of = (where: RenderEnvironment) =>
          assemble(configurationOf(shape, given), where, configurationHash(configurationOf(shape, given)));
        const tenants = ({ config }: { config: string }) =>
          config.split('\n\n').filter((section) => /^(frontend listener:|backend pool:|defaults)/.test(section));
        expect(tenants(of(everything))).toEqual(tenants(of(environment)));
        expect(of(everything).config).toContain(`setenv CONFIG_HASH ${configurationHash(configurationOf(shape, given))}\n`);
      }),
      { numRuns: 300 },
    );
  });

  test('leaves room for control and probes when every listener is at its limit', () => {
    const limit = fc.option(fc.integer({ min: 1, max: 2000 }), { nil: -1 });
    fc.assert(
      fc.property(fc.array(limit, { maxLength: 20 }), fc.integer({ min: 1, max: 2000 }), (limits, maxConnections) => {
        const listeners = limits.map((connectionLimit, i) =>
          Listener.parse({ name: `l${i}`, protocol: 'TCP', protocolPort: i + 1, connectionLimit }),
        );
        const configuration = { ...configurationOf(plain, harmless), flavor: { threads: 1, maxConnections }, listeners };
        const lines = parsed(assemble(configuration, everything, 'hash').config);
        const [whole, ...each] = lines.filter(([keyword]) => keyword === 'maxconn').map(([, most]) => Number(most));
        expect(whole).toBeGreaterThanOrEqual(each.reduce((sum, most) => sum + most, 0));
      }),
      { numRuns: 300 },
    );
  });

  test('asks for no more connections than a container can have files for', () => {
    const listeners = [1, 2, 3].map((port) => Listener.parse({ name: `l${port}`, protocol: 'TCP', protocolPort: port }));
    const configuration = { ...configurationOf(plain, harmless), flavor: { threads: 1, maxConnections: 400_000 }, listeners };
    expect(assemble(configuration, everything, 'hash').config).toMatch(/^ {4}maxconn 500\d{3}$/m);
  });
});

describe('the hash and the revision', () => {
  test('are the same whatever the members, and whatever else, respectively', () => {
    fc.assert(
      fc.property(shapes, texts, texts, (shape, given, other) => {
        const one = configurationOf(shape, given);
        const otherMembers = { ...one, pools: configurationOf(shape, { ...given, address: other.address }).pools, peer: 3, peers: [] };
        expect(configurationHash(otherMembers)).toBe(configurationHash(one));
        const otherTexts = configurationOf(shape, { ...other, address: given.address, pool: given.pool });
        expect(membersRevision(otherTexts)).toBe(membersRevision(one));
      }),
      { numRuns: 300 },
    );
  });
});
