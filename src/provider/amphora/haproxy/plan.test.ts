import { describe, expect, test } from '@jest/globals';
import { configuration, listener, pool } from '../../../../test/support/haproxy.ts';
import { assemble } from './assemble.ts';
import { configurationHash } from './hash.ts';
import { membersRevision } from './members.ts';
import { planOf } from './plan.ts';

const names = (given: Parameters<typeof configuration>[0]) => planOf(configuration(given)).backends.map(({ name }) => name);
const app = pool([{ protocolPort: 8080 }]);

describe('backends', () => {
  test('are one for each pool that listeners use in the same way, so that it is checked once', () => {
    expect(names({ listeners: [listener({ protocolPort: 80 }), listener({ name: 'www', protocolPort: 81 })], pools: [app] })).toEqual([
      'pool:app',
    ]);
  });

  test('are another for a listener with time-outs or a mode of its own, under its name', () => {
    const listeners = [
      listener({ name: 'a', protocolPort: 80 }),
      listener({ name: 'b', protocolPort: 81, timeoutMemberData: 1 }),
      listener({ name: 'c', protocolPort: 82, protocol: 'TCP' }),
    ];
    expect(names({ listeners, pools: [app] })).toEqual(['pool:app', 'pool:app:b', 'pool:app:c']);
  });

  test('leave out pools that nobody uses and those that are administratively down', () => {
    const pools = [pool([], { adminStateUp: false }), pool([], { name: 'other' })];
    expect(names({ listeners: [listener({ protocolPort: 80 })], pools })).toEqual([]);
  });

  test('of one pool share the stick table of the first that has one', () => {
    const listeners = [
      listener({ name: 'a', protocolPort: 81, protocol: 'TCP' }),
      listener({ name: 'b', protocolPort: 82 }),
      listener({ name: 'c', protocolPort: 83, timeoutMemberData: 1 }),
    ];
    const pools = [pool([], { sessionPersistence: { type: 'APP_COOKIE', cookieName: 'id' } })];
    const tables = planOf(configuration({ listeners, pools })).backends.map(({ name, stickTable }) => [name, stickTable]);
    expect(tables.slice(1)).toEqual([
      ['pool:app:b', 'pool:app:b'],
      ['pool:app:c', 'pool:app:b'],
    ]);
  });

  test('have members by canonical address, once each, and none that is no address', () => {
    const addresses = ['FD00:0::1', 'fd00::1', 'example.com', '10.0.0.1', 'fe80::1%eth0'];
    const [backend] = planOf(
      configuration({
        listeners: [listener({ protocolPort: 80 })],
        pools: [pool(addresses.map((address) => ({ address, protocolPort: 80 })))],
      }),
    ).backends;
    expect(backend!.servers.map(({ name }) => name)).toEqual(['10.0.0.1:80', 'fd00::1:80']);
  });

  test('give a member the same id whatever the others are', () => {
    const idOf = (ports: number[]) =>
      planOf(
        configuration({ listeners: [listener({ protocolPort: 80 })], pools: [pool(ports.map((protocolPort) => ({ protocolPort })))] }),
      ).backends[0]!.servers.find(({ port }) => port === 7)!.id;
    expect(idOf([1, 7])).toBe(idOf([7, 9, 11]));
  });
});

describe('a listener that is kept as it was', () => {
  const now = configuration({ listeners: [listener({ name: 'web', protocolPort: 80 })], pools: [app] });
  const secret = { certificate: 'C', key: 'K' };
  const broken = listener({
    name: 'tls',
    protocol: 'TERMINATED_HTTPS',
    protocolPort: 443,
    timeoutMemberData: 1,
    defaultPool: 'app',
    tls: { defaultTlsContainerRef: 'gone', clientAuthentication: 'NONE' },
  });
  const onlyOld = listener({ name: 'old', protocolPort: 81, defaultPool: 'old' });
  const kept = {
    ...now,
    kept: { listeners: [broken, onlyOld], pools: [pool([{ protocolPort: 9 }], { name: 'old' })], secrets: { gone: secret } },
  };

  test('is served beside the others, with the pools that there are now and those of before', () => {
    const { frontends, backends } = planOf(kept);
    expect(frontends.map(({ listener: { name } }) => name)).toEqual(['web', 'old', 'tls']);
    expect(backends.map(({ name, kept: isKept }) => [name, isKept])).toEqual([
      ['pool:app', false],
      ['pool:app:tls', true],
      ['pool:old', true],
    ]);
    const { config, files } = assemble(kept, { bindAddress: '127.0.0.1', acceptProxy: false, filesDir: '/f', adminSocket: '/s' }, 'h');
    expect(config).toContain("setenv KEPT_BACKENDS '- pool:app:tls pool:old'");
    expect(Object.values(files)).toEqual(['C\nK\n']);
  });

  test('changes neither the hash nor the revision of the members', () => {
    expect([configurationHash(kept), membersRevision(kept)]).toEqual([configurationHash(now), membersRevision(now)]);
  });
});

describe('the hash', () => {
  const tls = (certificate: string) =>
    configuration({
      listeners: [
        listener({ protocol: 'TERMINATED_HTTPS', protocolPort: 443, tls: { defaultTlsContainerRef: 's', clientAuthentication: 'NONE' } }),
      ],
      pools: [app],
      secrets: { s: { certificate, key: 'K' } },
    });

  test('changes with a certificate, a setting of a listener or pool, the flavor, and the cause of a problem', () => {
    const base = tls('C');
    const problem = (digest: string) => ({ ...base, problems: [{ listener: 'x', reason: 'R', message: 'm', digest }] });
    const hashes = [
      base,
      tls('D'),
      { ...base, flavor: { threads: 2, maxConnections: 200 } },
      { ...base, pools: [pool([], { lbAlgorithm: 'SOURCE_IP' })] },
      problem('1'),
      problem('2'),
    ].map((each) => configurationHash(each));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('stays with the members, the peers, and how a problem is worded', () => {
    const base = { ...tls('C'), problems: [{ listener: 'x', reason: 'R', message: 'm', digest: '1' }] };
    const other = {
      ...base,
      pools: [pool([{ protocolPort: 1 }, { protocolPort: 2 }])],
      peer: 4,
      peers: [{ peer: 0, address: '10.0.0.1' }],
      problems: [{ listener: 'x', reason: 'R', message: 'n', digest: '1' }],
    };
    expect(configurationHash(other)).toBe(configurationHash(base));
  });
});

describe('the revision of the members', () => {
  const revision = (...members: Parameters<typeof pool>[0]) =>
    membersRevision(configuration({ listeners: [listener({ protocolPort: 80 })], pools: [pool(members)] }));

  test('changes with each thing that decides where traffic goes', () => {
    const all = [
      {},
      { address: '127.0.0.2' },
      { protocolPort: 2 },
      { weight: 2 },
      { draining: true },
      { backup: true },
      { monitorPort: 3 },
      { monitorAddress: '127.0.0.3' },
    ];
    const revisions = [
      ...all.map((given) => revision({ protocolPort: 1, ...given })),
      revision(),
      revision({ protocolPort: 1 }, { protocolPort: 2 }),
    ];
    expect(new Set(revisions).size).toBe(revisions.length);
  });

  test('does not tell a member that is out from one that is not there, nor draining from weight 0', () => {
    expect(revision({ protocolPort: 1, enabled: false })).toBe(revision());
    expect(revision({ protocolPort: 1, draining: true })).toBe(revision({ protocolPort: 1, weight: 0 }));
  });
});
